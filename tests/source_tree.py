"""The project's own files, as the tests of its documents and of its architecture look at them. No git needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from infra.environment import PROJECT

PACKAGES = ("schemas", "connectors", "streams", "api", "infra")
_FOLDERS = (*PACKAGES, "tests", "docs", "requirements", ".ci")
_TEXT = {".py", ".md", ".toml", ".txt", ".json", ".jsonl", ".tsv", ".sh", ""}

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """A file of Python, parsed."""

    path: str  #: relative to the project
    text: str
    tree: ast.Module

    def names(self) -> set[str]:
        """What it defines: functions, classes, `Class.method`, and names that are assigned to."""
        return set(_names(self.tree.body, ""))

    def definitions(self) -> Iterator[FunctionNode | ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, FunctionNode | ast.ClassDef))

    def functions(self) -> Iterator[FunctionNode]:
        return (node for node in self.definitions() if not isinstance(node, ast.ClassDef))


@cache
def modules() -> tuple[Module, ...]:
    """All source, without the tests."""
    paths = sorted(path for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))
    return tuple(Module(relative(path), text := path.read_text(), ast.parse(text)) for path in paths)


def pages() -> list[Path]:
    """All Markdown: of the root, and below our folders."""
    return sorted([*PROJECT.glob("*.md"), *(path for folder in _FOLDERS for path in (PROJECT / folder).rglob("*.md"))])


def texts() -> Iterator[tuple[str, str]]:
    """Path and text of every file of ours that holds text."""
    below = (path for folder in _FOLDERS for path in (PROJECT / folder).rglob("*"))
    for path in sorted([*PROJECT.iterdir(), *below]):
        if path.is_file() and path.suffix in _TEXT and not path.name.startswith("."):
            yield relative(path), path.read_text()


def relative(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def python_examples(page: str) -> dict[str, Any]:
    """Run a page's blocks of Python, one after the other in one namespace, and return it. What stands under `__main__` is left out."""
    document = Sybil([PythonCodeBlockParser()]).parse(PROJECT / page)
    for example in document.examples():
        example.evaluate()
    namespace: dict[str, Any] = document.namespace
    return namespace


def _names(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, FunctionNode | ast.ClassDef):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from _names(node.body, f"{prefix}{node.name}.")
        for target in node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []:
            if isinstance(target, ast.Name):
                yield prefix + target.id
