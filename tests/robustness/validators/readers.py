"""Readers: over all its connections none is shown a record twice, out of order, of another tenant or session, or other than it lies in the log."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from schemas.events import TERMINAL, answer_id_of, is_sibling_of
from schemas.record import Record
from schemas.session_id import Session
from tests.robustness.history import Frame
from tests.robustness.history_files import digest_of
from tests.robustness.log import Log
from tests.robustness.readings import NO_RECORDS, Reading, place, readings
from tests.robustness.validators.violation import Violation

RULE = "readers"
_OF_ANSWER = frozenset({"GenerationStarted", "TokensGenerated", *TERMINAL})
_ONCE = _OF_ANSWER | {"QueryAsked", "RegenerationAsked"}
_BESIDE = frozenset({"RegenerationAsked", "ChunksRetrieved", "QueryCancelled"})  #: may be about another answer than the question's first one

_Records = dict[tuple[UUID, int], Record]  # by topic epoch and offset


def violations(log: Log) -> Iterator[Violation]:
    lying = {session: {(one.epoch, entry.record.offset): entry.record for entry in one.entries} for session, one in log.sessions.items()}
    for reading in readings(log):
        yield from _in_order(log, reading)
        yield from _once(log, reading)
        for frame in reading.records:
            yield from _own(reading, frame)
            yield from _as_it_lies(log, reading, frame, lying.get(reading.session, {}))


def _in_order(log: Log, reading: Reading) -> Iterator[Violation]:
    """Cursors name the next record, so each is behind the one before; in a topic made anew, offsets begin again."""
    before = reading.start
    for frame in reading.frames:
        here = place(log, reading.session, frame.cursor)
        if here is None:
            yield Violation(RULE, str(reading), "was given a cursor that is none of this session", (_told(frame),))
            continue
        follows = before is None or here.epoch != before.epoch or here.offset > before.offset or frame.type in NO_RECORDS
        if not follows and before is not None:
            yield Violation(RULE, str(reading), f"is at {before.offset} and was shown the record before {here.offset}", (_told(frame),))
        before = here


def _once(log: Log, reading: Reading) -> Iterator[Violation]:
    """The same fact may lie in the log more than once; a reader is shown it once."""
    seen: dict[str, Frame] = {}
    for frame in (one for one in reading.records if (reading.session, one.query) not in log.losses.asked_anew):
        if frame.type in _ONCE and frame.id in seen:
            yield Violation(RULE, str(reading), f"was shown {frame.type} {frame.id} twice", (_told(seen[frame.id]), _told(frame)))
        seen.setdefault(frame.id, frame)


def _own(reading: Reading, frame: Frame) -> Iterator[Violation]:
    if Session(frame.tenant, frame.session) != reading.session:
        yield Violation(RULE, str(reading), f"was shown a record of {frame.tenant}/{frame.session}", (_told(frame),))
    of = frame.answer if frame.type in _OF_ANSWER else answer_id_of(frame.query)
    if reading.only is not None and of != reading.only and not (frame.type in _BESIDE and is_sibling_of(reading.only, frame.query)):
        yield Violation(RULE, str(reading), f"was shown a record of {of}", (_told(frame),))


def _as_it_lies(log: Log, reading: Reading, frame: Frame, lying: _Records) -> Iterator[Violation]:
    """Of a record that is still kept. A session that was forgotten may have been made anew."""
    here = place(log, reading.session, frame.cursor)
    session = log.sessions.get(reading.session)
    if here is None or session is None or here.epoch != session.epoch or here.offset <= session.start:
        return
    record = lying.get((here.epoch, here.offset - 1))
    if record is None:
        yield Violation(RULE, str(reading), f"was shown what the log does not hold at {here.offset - 1}", (_told(frame),))
    elif digest_of(record.value or b"") != frame.digest:
        yield Violation(RULE, str(reading), f"was shown something else than lies at {record.position}", (_told(frame),))


def _told(frame: Frame) -> str:
    return f"{frame.at:.3f} s {frame.type} {frame.id} index {frame.index}"
