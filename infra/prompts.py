"""`roxy prompts`: the templates round a question and its chunks: which there are, and what one says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Column, Table

from connectors.language_model.prompting import SECTIONS, files, template
from infra.index import print_json
from schemas.errors import InvalidSetting
from schemas.settings import Settings, load_settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class PromptRow(NamedTuple):
    """A template there is."""

    name: str
    hash: str  #: as in the events; empty if it is not well formed
    used: bool  #: by ROXY_PROMPT
    file: Path
    problem: str = ""


def register(app: typer.Typer) -> None:
    """Add `roxy prompts`."""
    group = typer.Typer(name="prompts", help="Templates of prompts: list them, show one.", no_args_is_help=True)
    group.command("list")(list_command)
    group.command("show")(show)
    app.add_typer(group)


def list_command(as_json: Json = False) -> None:
    """List the templates there are, with their hashes; `*`: the one in use."""
    rows = prompt_rows(load_settings())
    if as_json:
        print_json({"prompts": [{**row._asdict(), "file": str(row.file)} for row in rows]})
        return
    table = Table("name", "hash", Column("file", overflow="fold"), box=None)
    for row in rows:
        table.add_row(f"{row.name}{' *' if row.used else ''}", row.hash or row.problem, str(row.file))
    Console().print(table)


def show(name: Annotated[str | None, typer.Argument(help="Its name; none: the one in use.")] = None, as_json: Json = False) -> None:
    """Print a template as it is; its name and hash to standard error."""
    settings = load_settings()
    found = template(name or settings.prompt, settings.prompts_dir)
    if as_json:
        print_json({"name": found.name, "hash": found.fingerprint, "sections": {name: found.sections[name].template for name in SECTIONS}})
        return
    typer.echo(files(settings.prompts_dir)[found.name].read_text(encoding="utf-8"), nl=False)
    typer.echo(f"{found.name}, hash {found.fingerprint}", err=True)


def prompt_rows(settings: Settings) -> list[PromptRow]:
    """The templates there are, also those that are not well formed. Raises InvalidSetting for a folder that is none."""
    return [_row(name, file, settings) for name, file in files(settings.prompts_dir).items()]


def _row(name: str, file: Path, settings: Settings) -> PromptRow:
    row = PromptRow(name, "", name == settings.prompt, file)
    try:
        return row._replace(hash=template(name, settings.prompts_dir).fingerprint)
    except InvalidSetting as error:
        return row._replace(problem=error.detail)
