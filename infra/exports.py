"""What `roxy export` does: opens the log, fixes the bounds, writes the folder; or makes the rows again and compares."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from connectors.journal import open_journal
from connectors.journal.base import Journal
from connectors.tokenizer import open_tokenizer
from infra.generations import Total
from schemas.errors import InvalidInput
from schemas.event import rfc3339
from schemas.settings import Settings
from schemas.topics import ANSWERS, FEEDBACK
from streams.exports.bounds import bounds_at
from streams.exports.fold import Tools
from streams.exports.manifest import Manifest, read_manifest
from streams.exports.personal_data import Scrubber
from streams.exports.plan import Plan
from streams.exports.pseudonyms import Pseudonyms
from streams.exports.verification import Verified, verify
from streams.exports.writing import export
from streams.positions import milliseconds
from streams.preferences.replay import Bounds
from streams.replay import Advance, length


async def run_export(settings: Settings, plan: Plan, out: Path, *, at: str | None, total: Total, advance: Advance) -> Manifest:
    """Raises InvalidInput, InvalidPosition, MissingExtra, LogUnavailable."""
    tools = tools_of(settings, plan)
    async with open_journal(settings) as journal:
        bounds = await bounds_at(at, journal)
        total(await _length(journal, bounds))
        return await export(journal, bounds, plan, tools, out, advance)


async def run_verification(settings: Settings, folder: Path, *, total: Total, advance: Advance) -> Verified:
    """Raises InvalidInput, MissingExtra, LogUnavailable."""
    manifest = read_manifest(folder)
    tools = tools_of(settings, manifest.plan)
    async with open_journal(settings) as journal:
        total(await _length(journal, manifest.bounds))
        return await verify(journal, folder, manifest, tools, advance)


def tools_of(settings: Settings, plan: Plan) -> Tools:
    """Raises MissingExtra, InvalidSetting."""
    scrubber = Scrubber() if plan.pii == "scrub" else None
    return Tools(Pseudonyms(settings.export_secret), open_tokenizer(settings.tokenizer_file), scrubber)


def plan_of(settings: Settings, **fields: object) -> Plan:
    """Of what was given on the command line; what was not is None. Raises InvalidInput, InvalidPosition."""
    given = {name: value for name, value in fields.items() if value is not None}
    for name in {"since", "until"} & given.keys():
        given[name] = rfc3339(datetime.fromtimestamp(milliseconds(str(given[name])) / 1000, UTC))
    try:
        return Plan.model_validate({"implicit_weight": settings.implicit_weight, **given})
    except ValidationError as error:
        problem = error.errors()[0]
        option = "--" + str(problem["loc"][0]).replace("_", "-")
        raise InvalidInput(f"{option}: {problem['msg']}.", remedy="See `roxy export preferences --help`.") from error


def left_out(settings: Settings, file: Path | None) -> tuple[str, ...]:
    """Pseudonyms of the people and sessions that a file names, one a line. Raises InvalidInput."""
    if file is None:
        return ()
    names = Pseudonyms(settings.export_secret)
    try:
        return tuple(sorted({names.left_out(line) for line in _lines(file.read_text(encoding="utf-8").splitlines())}))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{file} cannot be read: {error}.", remedy="It is a text file with a rater's name, or session:ID, in each line."
        ) from error


def _lines(lines: Iterable[str]) -> Iterable[str]:
    return filter(None, map(str.strip, lines))


async def _length(journal: Journal, bounds: Bounds) -> int:
    return await length(journal, FEEDBACK, bounds.feedback) + await length(journal, ANSWERS, bounds.answers)
