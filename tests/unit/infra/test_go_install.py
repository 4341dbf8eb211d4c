"""Servers that are built with Go: once, wholly or not at all, and what is said where that cannot be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.go_install import Program
from infra.ollama_install import OLLAMA
from infra.weaviate_install import WEAVIATE
from schemas.errors import LocalProcessError, MissingExtra

EACH = pytest.mark.parametrize("program", [WEAVIATE, OLLAMA], ids=lambda program: program.name)


def tools(folder: Path, monkeypatch: pytest.MonkeyPatch, go: str) -> None:
    """A `go` that does what the script says, a C++ compiler, and nothing else on the PATH but the system's."""
    (folder / "bin").mkdir()
    for name, script in (("go", go), ("g++", "exit 1")):
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")


@EACH
def test_without_go_the_error_says_what_else_can_be_done(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install Go, or use a server elsewhere."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingExtra) as missing:
        program.install(tmp_path)

    assert all(way in str(missing.value) for way in ("Install Go", program.elsewhere, f"ROXY_{program.name.upper()}_URL"))


def test_without_a_compiler_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go's own words would not: they are about a header."""
    (tmp_path / "go").write_text("#!/bin/sh\n")
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtra, match=r"C\+\+ compiler"):
        OLLAMA.install(tmp_path)


@EACH
def test_a_build_is_made_once(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its program lies in the cache by version, and the second time Go is not asked."""
    tools(tmp_path, monkeypatch, f'echo "$@" >> "$0.asked"; touch "$GOBIN/{program.file}"')
    places = {program.install(tmp_path), program.install(tmp_path)}

    assert places == {program.path(tmp_path)}
    assert [f"@{program.version}" in line for line in (tmp_path / "bin" / "go.asked").read_text().splitlines()] == [True]


@EACH
def test_a_build_that_fails_leaves_nothing_behind(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the error ends in what Go said."""
    tools(tmp_path, monkeypatch, f'touch "$GOBIN/{program.file}"; echo "dial tcp: no route" >&2; exit 1')
    with pytest.raises(LocalProcessError, match="no route"):
        program.install(tmp_path)

    assert [path.name for path in program.path(tmp_path).parent.iterdir()] == [".lock"]
