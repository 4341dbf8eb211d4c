"""Cancellations: an acknowledged wish to stop is in the log, and a cancelled answer has no counted token after its terminal record."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.topics import QUERIES
from tests.robustness.log import Entry, Log, by_answer
from tests.robustness.readings import readings
from tests.robustness.validators.violation import Violation

RULE = "cancellations"


def violations(log: Log) -> Iterator[Violation]:
    yield from _acknowledged(log)
    for session, one in log.sessions.items():
        for answer, entries in by_answer(one.entries).items():
            yield from _silent(f"{session.tenant}/{session.id} {answer}", entries)
    yield from _shown(log)


def _acknowledged(log: Log) -> Iterator[Violation]:
    """202 means that it is in the log."""
    written = {(entry.event["session_id"], entry.event["query_id"]) for entry in log.events(QUERIES.name, "QueryCancelled")}
    for one in log.operations("cancel", outcome="ok"):
        if log.uncut(QUERIES.name) and (one.session.id, one.request["query_id"]) not in written:
            yield Violation(RULE, f"{one.client} in {one.session.id}", "an acknowledged cancellation is not in the log", (str(one),))


def _silent(who: str, entries: list[Entry]) -> Iterator[Violation]:
    """Whoever wrote the end writes no more, and a later attempt had to see it. Only an older attempt's worker, which was paused, may not know."""
    ended: Entry | None = None
    for entry in entries:
        if ended is not None and entry.marks.type == "TokensGenerated" and entry.marks.attempt >= ended.marks.attempt:
            yield Violation(RULE, who, "has a token after it was cancelled", (str(ended), str(entry)))
        if entry.marks.type == "AnswerCancelled" and (ended is None or entry.marks.attempt > ended.marks.attempt):
            ended = entry


def _shown(log: Log) -> Iterator[Violation]:
    for reading in readings(log):
        cancelled: set[str] = set()
        for frame in reading.records:
            if frame.type == "TokensGenerated" and frame.answer in cancelled:
                yield Violation(RULE, str(reading), f"was shown a token of {frame.answer} after it was cancelled", (frame.id,))
            if frame.type == "AnswerCancelled":
                cancelled.add(frame.answer)
