"""The documents say what is there: names, headings, links, commands, settings and examples."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.app import create_app
from api.problems import STATUS, status_of
from connectors.journal.memory import MemoryJournal
from connectors.language_model.base import Finish, LanguageModel, Prompt
from connectors.session_log.memory import MemorySessionLog
from infra.cli import build
from infra.environment import PROJECT
from schemas import errors
from schemas.errors import RoxyError
from schemas.events import EVENTS, RetrievedChunk, Scores
from schemas.settings import PREFIX, Settings
from schemas.topics import TOPICS
from tests.source_tree import modules, pages, python_examples, relative, texts

HANDBOOK = [path for path in pages() if path.parent == PROJECT or path.is_relative_to(PROJECT / "docs")]
EACH_PAGE = pytest.mark.parametrize("page", HANDBOOK, ids=relative)

_NAMED = re.compile(r"`([\w./]+\.py)(?:: ([\w.]+))?`")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_ROXY = re.compile(r"(?:^|\s)(?:\./)?roxy((?: [^`#|>;&]*)?)")
GROUPS = ("bench", "feedback", "flags", "index", "preferences", "replay", "review")  #: of commands
SUBCOMMAND = re.compile(r"^  ([a-z]+) {2,}[A-Z]", re.MULTILINE)
_SETTING = re.compile(rf"\b{PREFIX}[A-Z0-9_]+[A-Z0-9]\b")


def words_of(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", page.read_text())


def headings(page: Path) -> list[str]:
    return [heading.strip().strip("`") for heading in _HEADING.findall(_FENCE.sub("", page.read_text()))]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings(page)}


# ------------------------------------------------------------------- names


def named_in_pages() -> list[tuple[str, str, str]]:
    """Page, file, name in it; every file that a page names in backticks."""
    found = ((relative(page), file, name) for page in HANDBOOK for file, name in _NAMED.findall(words_of(page)))
    return sorted({(page, file, name) for page, file, name in found if "/" in file or name})


@pytest.mark.parametrize(("page", "file", "name"), named_in_pages())
def test_every_file_and_function_that_a_page_names_exists(page: str, file: str, name: str) -> None:
    """`path: function`, `path: Class.method`, or the file alone. `faust/…` is Faust's own source."""
    found = next((module for module in modules() if module.path == file), None)
    is_there = (PROJECT / file).is_file() or file.startswith("faust/")

    assert is_there, page
    assert not name or (found is not None and name in found.names()), page


def test_the_walkthrough_follows_the_straight_line() -> None:
    """The files of a question's way, in the order in which it takes them."""
    line = ["api/queries.py", "streams/app.py", "streams/step.py", "streams/steps.py", "streams/retrieval.py", "streams/generation.py"]
    onward = ["streams/token_stream.py", "api/session_stream.py", "connectors/session_log/kafka_tail.py"]
    named = [file for file, name in _NAMED.findall((PROJECT / "docs/walkthrough.md").read_text()) if name]

    assert [*line, *onward] == sorted({*line, *onward}, key=named.index)


@pytest.mark.parametrize("line", re.findall(r"^\| `([^`]+)` \|", (PROJECT / "docs/runbooks/worker-stuck.md").read_text(), re.MULTILINE))
def test_every_log_line_of_the_runbook_is_written_somewhere(line: str) -> None:
    """Who looks for it finds it."""
    parts = line.split("…")

    assert any(all(part.strip() in module.text for part in parts) for module in modules())


# ---------------------------------------------------------------- headings


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("docs/settings.md", [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]),
        ("docs/events.md", [*EVENTS, *(topic.name for topic in TOPICS)]),
        ("docs/errors.md", [name for name, error in vars(errors).items() if isinstance(error, type) and error is not RoxyError]),
    ],
)
def test_everything_has_its_heading(page: str, names: list[str]) -> None:
    """Settings, events, topics, errors: so that each can be linked to."""
    assert sorted(set(names) - set(headings(PROJECT / page))) == []


def all_errors() -> list[type[RoxyError]]:
    return [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, RoxyError) and error is not RoxyError]


@pytest.mark.parametrize("error", all_errors())
def test_an_error_is_described_as_it_is(error: type[RoxyError]) -> None:
    """Its name over HTTP, its status, and both sentences."""
    over_http = any(family in STATUS for family in error.__mro__ if family is not RoxyError)
    where = f"HTTP {status_of(error())}" if over_http else "not over HTTP"

    expected = f"### {error.__name__}\n\n`{error.slug()}` · {where}\n\n{error()}\n"

    assert expected in (PROJECT / "docs/errors.md").read_text()


def test_every_route_stands_in_the_table() -> None:
    """And no other."""
    app = create_app(settings=Settings.model_construct(), journal=MemoryJournal(), session_log=MemorySessionLog())
    routes = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}

    listed = re.findall(r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \|", (PROJECT / "docs/howto/talk-to-the-api.md").read_text(), re.MULTILINE)

    assert sorted(routes) == sorted(listed)


@pytest.mark.parametrize("page", sorted((PROJECT / "docs/adr").glob("*.md")), ids=relative)
def test_a_decision_says_context_decision_consequences(page: Path) -> None:
    """In that order, under its number."""
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)
    title, *sections = headings(page)

    assert title.startswith(f"{page.name[:4]}: ")
    assert ["Context", "Decision", "Consequences"] == sections


def test_the_readme_is_short() -> None:
    """Who opens it wants to start."""
    assert len((PROJECT / "README.md").read_text().splitlines()) <= 120


# ------------------------------------------------------------------- links


def links() -> list[tuple[str, str]]:
    """Page and target of every relative link in any Markdown."""
    found = ((relative(page), target) for page in pages() for target in _LINK.findall(re.sub(r"`[^`\n]*`", "", words_of(page))))
    return [(page, target) for page, target in found if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize(("page", "target"), links())
def test_every_relative_link_leads_somewhere(page: str, target: str) -> None:
    """To a file or folder, and to a heading if it names one."""
    path, _, anchor = target.partition("#")
    file = ((PROJECT / page).parent / path).resolve() if path else PROJECT / page

    assert file.exists()
    assert not anchor or anchor in anchors(file)


# ---------------------------------------------------------------- commands


def commands_in(text: str) -> Iterator[str]:
    """What follows `roxy` in blocks of shell, and in `roxy …` in backticks."""
    blocks = [line for _, language, block in _FENCE.findall(text) if language == "sh" for line in block.splitlines()]
    spans = re.findall(r"`((?:[A-Z_]+=\S+ )?(?:\./)?roxy [^`]+)`", _FENCE.sub("", text))
    for line in (*blocks, *spans):
        for call in _ROXY.findall(re.sub(r"(^|\s)#.*", "", line)):
            if call.strip():
                yield call.strip()


def commands() -> list[tuple[str, str]]:
    """Page and command line."""
    return sorted({(relative(page), call) for page in [*HANDBOOK, *pages()] for call in commands_in(page.read_text())})


def help_of(words: list[str]) -> str:
    """What `--help` says of a command; of a group with a placeholder for the command, what it says of its first."""
    shown = CliRunner().invoke(build(words), [*words, "--help"], env={"COLUMNS": "200"}).stdout
    return shown if "\nCommands:" not in shown or len(words) > 1 else shown + help_of([*words, *SUBCOMMAND.findall(shown)[:1]])


@pytest.mark.parametrize(("page", "call"), commands())
def test_every_command_and_option_exists(page: str, call: str) -> None:
    """As `--help` has them. Options of `roxy test` that it does not know are pytest's."""
    name, *words = shlex.split(call)
    subcommand = words[:1] if name in GROUPS and words and words[0].islower() else []
    shown = help_of([name, *subcommand])
    options = {word.partition("=")[0] for word in words if word.startswith("--")}

    assert shown.startswith(" ".join(["Usage: roxy", name, *subcommand])), page
    assert name == "test" or [option for option in options if not re.search(rf"{option}\b", shown)] == [], page


@EACH_PAGE
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    """`ROXY_…` as `schemas/settings.py` knows it."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}

    assert sorted(set(_SETTING.findall(page.read_text())) - known) == []


def test_what_errors_and_help_texts_tell_people_to_type_exists() -> None:
    """`roxy …` and ROXY_… in the source."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    source = [text for path, text in texts() if path.endswith(".py") and not path.startswith("tests/")]
    names = {*SUBCOMMAND.findall(help_of([])), "--help"}

    assert sorted({name for text in source for name in _SETTING.findall(text)} - known) == []
    assert sorted({call.split()[0] for text in source for call in commands_in(text)} - names) == []


# ---------------------------------------------------------------- examples


@EACH_PAGE
def test_python_in_a_page_runs(page: Path) -> None:
    """Blocks that need a running Roxy define functions, which tests/acceptance/test_docs_examples.py calls; others are run whole."""
    python_examples(relative(page))


@EACH_PAGE
def test_a_block_of_code_says_its_language(page: Path) -> None:
    """So that none escapes the tests by accident; a drawing of folders has none."""
    languages = {language for _, language, _ in _FENCE.findall(page.read_text())}

    assert languages <= {"", "sh", "python", "text", "mermaid", "diff", "js", "json"}


async def test_the_example_backend_keeps_the_ports_word() -> None:
    """docs/howto/add-a-connector.md: text, then one Finish; a citation of a chunk that was given."""
    model: Any = python_examples("docs/howto/add-a-connector.md")["QuotingModel"]()
    scores = Scores(fused=1.0)
    chunk = RetrievedChunk(
        rank=1, chunk_id="default/a.md#0", document_id="a.md", title="A", source="a.md", start=0, end=9, text="So it is. More.", scores=scores
    )

    port = {name for name in {**vars(LanguageModel), **LanguageModel.__annotations__} if not name.startswith("_")}

    *words, finish = [part async for part in model.stream(Prompt("Is it so?", (chunk,)))]
    *none, _ = [part async for part in model.stream(Prompt("Is it so?", ()))]

    assert sorted(name for name in port if not hasattr(model, name)) == []
    assert "So it is. [1]" == "".join(words)
    assert isinstance(finish, Finish)
    assert "The documents hold nothing on this." == "".join(none)
