"""`roxy history`: one session from its beginning to now, for people, or as its records."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, NamedTuple

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from connectors.session_log import open_session_log
from infra.index import cluster_settings
from infra.moments import Kind, Moment
from infra.timeline import CUT, Told, timeline, told
from schemas.errors import UnknownSession
from schemas.session_id import Session
from schemas.settings import Settings

_STYLES: dict[Kind, str] = {"asked": "bold", "found": "cyan", "begun": "dim", "answer": "green", "feedback": "yellow", "odd": "red"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what a model or a producer wrote must not steer the terminal


class Past(NamedTuple):
    """A session as it is kept."""

    records: list[Told]
    cut: bool  #: records before the first one may be gone


def register(app: typer.Typer) -> None:
    """Add `roxy history`."""

    @app.command("history")
    def history_command(
        session: Annotated[str, typer.Argument(help="The session's id.")],
        tenant: Annotated[str, typer.Option(help="Whose it is.")] = "default",
        as_json: Annotated[bool, typer.Option("--json", help="One record a line, as JSON; also those that do not count.")] = False,
    ) -> None:
        """Show all that happened in a session: questions, what was found, answers, feedback."""
        past = asyncio.run(past_of(cluster_settings(), Session(tenant, session)))
        if as_json:
            for line in lines_of(past):
                typer.echo(line)
        else:
            show(past, Console())


async def past_of(settings: Settings, session: Session) -> Past:
    """What of the session is kept, up to now. Raises UnknownSession, LogUnavailable."""
    async with open_session_log(settings) as log:
        if not await log.exists(session):
            raise UnknownSession(
                f"The tenant {session.tenant} has no session {session.id}.",
                remedy="Check the id, and --tenant. What was judged or answered long ago is still on `feedback` and `answers`.",
            )
        beginning = await log.beginning(session)
        return Past(told([entry async for entry in log.history(session)], beginning), not beginning.whole)


def lines_of(past: Past) -> list[str]:
    """JSON, a line for each record; first a gap, if there is one."""
    lines: list[dict[str, object]] = [{"type": "gap", "event": {"reason": "expired"}}] if past.cut else []
    for record, counts in past.records:
        value = orjson.Fragment(record.record.value or b"") if _is_json(record.record.value) else None
        lines.append({"position": str(record.record.position), "type": record.marks.type, "counts": counts, "event": value})
    return [orjson.dumps(line).decode() for line in lines]


def show(past: Past, console: Console) -> None:
    """When, who, what; the words beneath."""
    grid = Table.grid(padding=(0, 2))
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    if past.cut:
        grid.add_row("", "", Text(CUT, _STYLES["odd"]))
    for moment in timeline(past.records):
        grid.add_row(Text(moment.time[:19].replace("T", " "), "dim"), Text(_plain(moment.who)), _told_by(moment))
    console.print(grid if grid.row_count else "Nothing was asked yet, or all of it has expired.")


def _told_by(moment: Moment) -> Text:
    return Text("\n").join([Text(_plain(moment.what), _STYLES[moment.kind]), *([Text(_plain(moment.words))] if moment.words else [])])


def _plain(text: str) -> str:
    return _CONTROL.sub("�", text)


def _is_json(value: bytes | None) -> bool:
    try:
        orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return False
    return True
