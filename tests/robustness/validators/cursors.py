"""Cursors: whoever reads from the cursor of a 202 on is shown all of the answer. It lies at or before the record that asks for the answer, and does
not say that the answer is over. Readers are held against the log from their cursor on: what lies before it, no other rule asks for.
"""

from __future__ import annotations

from collections.abc import Iterator

from schemas.attempts import answer_key
from schemas.cursor import Cursor
from tests.robustness.history import Operation
from tests.robustness.log import Log, SessionLog
from tests.robustness.readings import place
from tests.robustness.validators.violation import Violation

RULE = "cursors"
_ASKING = {"ask": "QueryAsked", "regenerate": "RegenerationAsked"}


def violations(log: Log) -> Iterator[Violation]:
    for one in log.operations(*_ASKING, outcome="ok"):
        cursor, session = place(log, one.session, one.response.get("cursor")), log.sessions.get(one.session)
        if cursor is None:
            yield _wrong(one, "was given a cursor that is none of this session")
            continue
        if _says_over(cursor, one.response["answer_id"]):
            yield _wrong(one, "was given a cursor by which the answer is over")
        if session is not None:
            yield from _before(log, one, cursor, session)


def _before(log: Log, one: Operation, cursor: Cursor, session: SessionLog) -> Iterator[Violation]:
    if cursor.epoch != session.epoch:
        if not log.losses.forgotten(one.session):
            yield _wrong(one, "was given a cursor of another topic than the session's")
        return
    asked = _asked_at(one, cursor, session)
    first = _reachable(asked, log.losses.first_kept(one.session, one.end))
    if first is not None and cursor.offset > first:
        yield _wrong(one, f"was given the cursor {cursor.offset}, and its answer begins at {first}")


def _asked_at(one: Operation, cursor: Cursor, session: SessionLog) -> list[int]:
    """Where the record lies that asks for the answer, in order: it may do so more than once."""
    asking = [entry for entry in session.entries if entry.marks.type == _ASKING[one.kind] and entry.marks.correlation == one.response["query_id"]]
    mine = (entry for entry in asking if one.kind == "ask" or (entry.marks.answer or b"").decode() == one.response["answer_id"])
    return [entry.record.offset for entry in mine if entry.record.partition == cursor.partition]


def _reachable(asked: list[int], kept: int) -> int | None:
    """The first that was there when the reply was given: a broker that was killed has what was cut again."""
    return next((offset for offset in asked if offset >= kept), min(asked, default=None))


def _says_over(cursor: Cursor, answer: str) -> bool:
    return any(state.answer == answer_key(answer.encode()) and state.next_index < 0 for state in cursor.open_answers)


def _wrong(one: Operation, what: str) -> Violation:
    return Violation(RULE, f"{one.client} in {one.session.id}", what, (str(one),))
