"""Projections: what was folded while it happened is what a replay gives: pairs, whose replay a run records, and the live rows of insights."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from schemas.codec import decoded
from schemas.session_id import Session
from schemas.topics import ANSWERS, FEEDBACK, INSIGHTS, QUERIES
from streams.insights.live import LiveRows
from tests.robustness.log import Log
from tests.robustness.validators.violation import Violation

RULE = "projections"


def violations(log: Log) -> Iterator[Violation]:
    for topic, replayed in (log.run.found.replayed or {}).items():
        live = {key: entry.event for key, entry in log.last_values(topic).items()}
        yield from _compared(topic, _of_kept_sessions(log, live), _of_kept_sessions(log, replayed))
    if INSIGHTS.name in log.run.topics:
        rows = {key: entry.event["figures"] for key, entry in log.last_values(INSIGHTS.name).items()}
        yield from _compared(INSIGHTS.name, rows, _counted(log))


def _of_kept_sessions(log: Log, pairs: dict[str, Any]) -> dict[str, Any]:
    """What is judged while its session is being forgotten is told of a session that is gone: live it forms no pair."""
    return {key: pair for key, pair in pairs.items() if not log.losses.forgotten(Session(pair["tenant"], pair["session_id"]))}


def _compared(topic: str, live: dict[str, Any], replayed: dict[str, Any]) -> Iterator[Violation]:
    for key in sorted(replayed.keys() - live.keys()):
        yield Violation(RULE, f"{topic} {key}", "is missing", (str(replayed[key]),))
    for key in sorted(live.keys() - replayed.keys()):
        yield Violation(RULE, f"{topic} {key}", "is there, and a replay does not give it", (str(live[key]),))
    for key in sorted(live.keys() & replayed.keys()):
        if live[key] != replayed[key]:
            yield Violation(RULE, f"{topic} {key}", "is other than a replay gives it", (str(live[key]), str(replayed[key])))


def _counted(log: Log) -> dict[str, Any]:
    """The rows of insights, from all that lies in the log, at once."""
    rows = LiveRows(0)
    for entry in chain.from_iterable(map(log.events, (FEEDBACK.name, QUERIES.name, ANSWERS.name))):
        if (event := decoded(entry.record)) is not None:
            rows.add(event)
    found = {place.row_id: rows.row(place) for place in rows.changed()}
    return {row_id: row.figures.model_dump(mode="json") for row_id, row in found.items() if row is not None}
