"""`roxy contracts`: write what is generated from schemas/ into docs/, or say what has drifted from it.

Guarantees: `--check` writes nothing; a schema of an event's older version is kept, one of an event that never was is not.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, NamedTuple

import orjson
import typer

from schemas.contracts import contract_files
from schemas.events import EVENTS
from schemas.json_schemas import version_of

ROOT = Path(__file__).resolve().parents[1]
_SCHEMA_FILE = re.compile(r"(\w+)\.v(\d+)\.json")


class Drift(NamedTuple):
    """Paths, relative to the root, whose files differ from what the schemas say, and files that stand for no event."""

    changed: tuple[str, ...]
    left_over: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join([*self.changed, *(f"{path} (stands for no event)" for path in self.left_over)])


def drift(root: Path) -> Drift:
    """Compare the files under `root` with the schemas."""
    changed = (path for path, text in contract_files().items() if _read(root / path) != text.encode())
    return Drift(tuple(sorted(changed)), tuple(_left_over(root)))


def write(root: Path) -> Drift:
    """Write what drifted and delete what is left over. Returns what was changed."""
    found, files = drift(root), contract_files()
    for path in found.changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(files[path].encode())
    for path in found.left_over:
        (root / path).unlink()
    return found


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _left_over(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in (root / "docs/events").glob("*") if not _stands_for_an_event(path.name))


def _stands_for_an_event(file_name: str) -> bool:
    found = _SCHEMA_FILE.fullmatch(file_name)
    event = EVENTS.get(found[1]) if found else None
    return found is not None and event is not None and 1 <= int(found[2]) <= version_of(event)


def register(app: typer.Typer) -> None:
    """Add `roxy contracts`."""

    @app.command("contracts")
    def contracts_command(
        check: Annotated[bool, typer.Option("--check", help="Write nothing; end 1 if a file has drifted.")] = False,
        root: Annotated[Path, typer.Option(help="Folder that holds docs/.", file_okay=False)] = ROOT,
        as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one object.")] = False,
    ) -> None:
        """Generate docs/asyncapi.json, docs/events/, docs/events.md and docs/settings.md from schemas/."""
        found = drift(root) if check else write(root)
        drifted = bool(found.changed or found.left_over)
        if as_json:
            typer.echo(orjson.dumps({"changed": found.changed, "left_over": found.left_over, "written": drifted and not check}).decode())
        else:
            typer.echo(_sentence(found, check=check), err=check and drifted)
        if check and drifted:
            raise typer.Exit(1)


def _sentence(found: Drift, *, check: bool) -> str:
    if not (found.changed or found.left_over):
        return "docs/ agrees with schemas/."
    return f"Out of step with schemas/: {found}. Run `roxy contracts` and commit what it writes." if check else f"Brought up to date: {found}."
