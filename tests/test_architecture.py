"""The rules of the house (CONTRIBUTING.md), over all source."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from infra.environment import PROJECT
from tests.source_tree import Module, modules, texts

MOST_LINES = 300
MOST_FUNCTION_LINES = 50
MEDIAN_FUNCTION_LINES = 10
#: One table that would not gain by being cut in two: every event there is, a few lines each.
LONGER = {"schemas/events.py": 400}
BANNED = {"message", "payload", "item", "manager", "helper", "util", "service"}
#: Client libraries, and where they may be imported.
CLIENTS = {
    "faust": r"streams/app\.py",
    "aiokafka": r"connectors/(kafka|journal|session_log)/\w+\.py|infra/kafka\.py|infra/bench/\w+\.py",
    "confluent_kafka": r"infra/bench/session_folds\.py",
    "usearch": r"connectors/vector_index/usearch\.py|infra/bench/\w+\.py",
    "tantivy": r"connectors/keyword_index/\w+\.py|infra/bench/\w+\.py",
    "sentence_transformers": r"connectors/(embedder/sentence_transformers|reranker/cross_encoder)\.py|infra/bench/\w+\.py",
    "throttled": r"api/admission\.py",
    "purgatory": r"streams/breaker\.py",
    "re2": r"streams/answering/(routing|screening)\.py",
    "rensa": r"streams/search/near_duplicates\.py",
    "ollama": r"connectors/language_model/ollama\.py",
    "openai": r"connectors/(language_model/openai|moderator/openai|openai/client)\.py",
    "tokenizers": r"connectors/tokenizer/tokenizer_json\.py",
    "httpx": r"connectors/(language_model/ollama|weaviate/client)\.py",
    "pypdf": r"connectors/parser/pdf\.py",
    "mammoth": r"connectors/parser/docx\.py",
    "trafilatura": r"connectors/parser/html\.py",
    "ir_measures": r"infra/evaluation/measures\.py",
    "optuna": r"infra/evaluation/(study|ray_search)\.py",
    "ray": r"infra/evaluation/ray_search\.py",
    "matplotlib": r"infra/evaluation/plot\.py",
    "tea_tasting": r"streams/insights/arms\.py",
    "plotext": r"infra/insights_plot\.py",
    "pyarrow": r"streams/(exports/parquet|insights/arms)\.py",
    "presidio_analyzer": r"streams/exports/personal_data\.py",
    "presidio_anonymizer": r"streams/exports/personal_data\.py",
    "fastapi": r"api/[\w/]+\.py",
    "mcp": r"api/protocols/mcp_tools\.py",
    "typer": r"infra/[\w/]+\.py",
    "rich": r"infra/[\w/]+\.py",
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

EACH = pytest.mark.parametrize("module", modules(), ids=lambda module: module.path)


def length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def words_of(name: str) -> set[str]:
    """`DataManagers` → data, manager."""
    return {word.lower().removesuffix("s") for word in _WORD.findall(name)}


def imported(module: Module) -> set[str]:
    """Top-level packages, also those imported inside functions."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


@EACH
def test_a_file_is_short(module: Module) -> None:
    """One noun a file."""
    assert module.text.count("\n") <= LONGER.get(module.path, MOST_LINES)


@EACH
def test_no_function_is_long(module: Module) -> None:
    """What does not fit on a screen does more than one thing."""
    assert [node.name for node in module.functions() if length(node) > MOST_FUNCTION_LINES] == []


def test_functions_are_small_in_the_median() -> None:
    """Of all source, methods included."""
    assert statistics.median(length(node) for module in modules() for node in module.functions()) <= MEDIAN_FUNCTION_LINES


@EACH
def test_no_name_says_nothing(module: Module) -> None:
    """The words that are not used, in names of modules, classes and functions."""
    names = [*Path(module.path).with_suffix("").parts, *(node.name for node in module.definitions())]

    assert [name for name in names if BANNED & words_of(name)] == []


@EACH
def test_a_module_says_what_it_is(module: Module) -> None:
    """Its docstring."""
    assert module.text.strip() == "" or ast.get_docstring(module.tree)


@pytest.mark.parametrize("module", [module for module in modules() if module.path.endswith("/base.py")], ids=lambda module: module.path)
def test_a_port_says_what_it_guarantees(module: Module) -> None:
    """The module, and each public class and function."""
    silent = [node.name for node in module.definitions() if not node.name.startswith("_") and not ast.get_docstring(node)]

    assert "uarantee" in (ast.get_docstring(module.tree) or "")
    assert silent == []


@EACH
def test_a_client_library_stays_in_its_backend(module: Module) -> None:
    """Who wants another backend writes one file."""
    assert sorted(name for name in imported(module) & set(CLIENTS) if not re.fullmatch(CLIENTS[name], module.path)) == []


def test_only_settings_read_the_environment() -> None:
    """Everybody else is told by argument. `infra` hands its own on to the processes that it starts."""
    reading = [module.path for module in modules() if re.search(r"os\.(environ|getenv)", module.text)]

    assert [path for path in reading if not path.startswith("infra/")] == ["schemas/settings.py"]


def test_imports_go_one_way() -> None:
    """The contracts of pyproject.toml, by import-linter."""
    program = str(Path(sys.executable).with_name("lint-imports"))

    done = subprocess.run([program, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_a_machine_or_a_registry() -> None:
    """Paths of somebody's disk, and hosts that packages came from, do not belong here."""
    paths = re.compile(r"(?<![\w.~$}])/(?:work|root|home/\w+|Users/\w+)/")
    hosts = re.compile(r"pypi[.]org|pythonhosted[.]org|maven[.]org|maven[.]apache|npmjs[.]|golang[.]org|index[-]url (?!\")|://[^\s/@]+:[^\s/@]+@")

    found = [path for path, text in texts() if paths.search(text) or hosts.search(text)]

    assert found == []
