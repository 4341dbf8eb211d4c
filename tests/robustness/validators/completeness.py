"""Completeness: what a reader was shown is what counts of the log from its first cursor on, without a hole, and to the end if it read to the end.

A gap is told only where retention has cut, or a topic was deleted; what lies in it is not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from schemas.attempts import AttemptFilter, answer_key
from schemas.cursor import Cursor
from schemas.events import TERMINAL, answer_id_of
from tests.robustness.history import Frame
from tests.robustness.log import Entry, Log, SessionLog
from tests.robustness.readings import Reading, between_gaps, place, readings
from tests.robustness.validators.violation import Violation

RULE = "completeness"
_SHOWN = 5  # records of a hole


def violations(log: Log) -> Iterator[Violation]:
    for reading in (_until_forgotten(log, one) for one in readings(log)):
        yield from _gaps(log, reading)
        for part in between_gaps(log, reading):
            session = log.sessions.get(part.session)
            if session is not None and not _of_another(log, part, session):
                yield from _holes(log, _placed(log, part, session), session)
            elif session is None and part.records and not log.losses.forgotten(part.session) and not _lost_to_retention(log, part):
                yield Violation(RULE, str(part), "was shown records of a session that has none", (part.records[0].id,))


def _until_forgotten(log: Log, reading: Reading) -> Reading:
    """What it was shown before anybody deleted the session, as if its client had left then."""
    if not log.losses.forgotten(reading.session):
        return reading
    return reading._replace(frames=tuple(frame for frame in reading.frames if not log.losses.forgotten(reading.session, frame.at)), ended="cut")


def _of_another(log: Log, reading: Reading, session: SessionLog) -> bool:
    """Whether it was shown records of a topic that was deleted, and made anew since by a question that was still on its way."""
    shown = (place(log, reading.session, frame.cursor) for frame in reading.records)
    return log.losses.forgotten(reading.session) and any(here is not None and here.epoch != session.epoch for here in shown)


def _holes(log: Log, reading: Reading, session: SessionLog) -> Iterator[Violation]:
    expected = _expected(log, reading, session)
    shown = {here.offset - 1 for frame in reading.records if (here := place(log, reading.session, frame.cursor))}
    last = max(shown, default=-1)
    due = expected if reading.to_the_end else list(takewhile(lambda entry: entry.record.offset < last, expected))
    anew = {query for session, query in log.losses.asked_anew if session == reading.session}  # who has seen such a question's end passes over it
    missed = [entry for entry in due if entry.record.offset not in shown and entry.marks.correlation not in anew]
    if missed:
        yield Violation(RULE, str(reading), f"was not shown {len(missed)} of {len(due)} records", tuple(map(str, missed[:_SHOWN])))
    wanted = {entry.record.offset for entry in expected}
    for frame in reading.records:
        here = place(log, reading.session, frame.cursor)
        counts = here is None or here.offset - 1 in wanted or frame.query in anew
        if here and not counts and here.offset > session.start and here.epoch == session.epoch:
            yield Violation(RULE, str(reading), f"was shown a record that does not count, at {here.offset - 1}", (f"{frame.type} {frame.id}",))


def _expected(log: Log, reading: Reading, session: SessionLog) -> list[Entry]:
    """What the log holds for this reader: what counts from its start on, of its answer to that one's end."""
    start = reading.start
    if start is None or start.epoch != session.epoch:
        return []
    counts = AttemptFilter(start.open_answers, whole=start.whole)
    behind = [entry for entry in session.entries if entry.record.offset >= start.offset and counts.admits(entry.marks)]
    if reading.only is None:
        return behind
    if _ended_before(reading.only, start, session):
        return []
    told = _told_end(log, reading)  # retention may have cut it since, and left what came behind it, such as feedback
    return _to_the_end([entry for entry in behind if _answer_of(entry) == reading.only and (told is None or entry.record.offset <= told)])


def _told_end(log: Log, reading: Reading) -> int | None:
    """Where the end lies that the reader itself was shown, below what is kept."""
    ends = [place(log, reading.session, frame.cursor) for frame in reading.records if frame.type in TERMINAL]
    session = log.sessions[reading.session]
    return next((here.offset - 1 for here in ends if here is not None and here.offset <= session.start), None)


def _placed(log: Log, reading: Reading, session: SessionLog) -> Reading:
    """The reading with the place where it began, as far as that can be told."""
    if reading.start is not None:
        return reading
    if not reading.after:
        return reading._replace(start=Cursor(session.epoch, 0, 0, whole=session.whole))
    first = reading.frames[:1]  # `latest`: where that was, the first frame tells
    return reading._replace(start=place(log, reading.session, first[0].cursor) if first else None, frames=reading.frames[1:])


def _ended_before(answer: str, start: Cursor, session: SessionLog) -> bool:
    """Of an answer that the cursor knows, it says so itself."""
    known = [state for state in start.open_answers if state.answer == answer_key(answer.encode())]
    if known:
        return known[0].next_index < 0
    ends = (entry.record.offset for entry in session.entries if _answer_of(entry) == answer and entry.marks.type in TERMINAL)
    return min(ends, default=start.offset) < start.offset


def _answer_of(entry: Entry) -> str:
    """Whose stream it belongs to: what is of a question, and of no other answer, to that of its first one."""
    return entry.marks.answer.decode() if entry.marks.answer else answer_id_of(entry.marks.correlation)


def _to_the_end(entries: Sequence[Entry]) -> list[Entry]:
    ends = next((number for number, entry in enumerate(entries, 1) if entry.marks.type in TERMINAL), len(entries))
    return list(entries[:ends])


def _gaps(log: Log, reading: Reading) -> Iterator[Violation]:
    """A gap leads on, to where the kept records began; and something was cut, or deleted."""
    before = reading.start
    for frame in reading.frames:
        here = place(log, reading.session, frame.cursor)
        if frame.type == "gap" and here is not None and not _deserved(log, reading, frame, before, here):
            yield Violation(RULE, str(reading), f"was told of a gap ({frame.text}) where nothing was cut", (str(before), str(here)))
        before = here or before


def _deserved(log: Log, reading: Reading, frame: Frame, before: Cursor | None, here: Cursor) -> bool:
    if frame.text == "recreated":  # of a session that nobody has deleted
        return False
    return _first_kept(log, reading, here, frame.at) >= here.offset > (before.offset if before else 0)


def _first_kept(log: Log, reading: Reading, here: Cursor, at: float) -> int:
    """At that time. Of a session that has no records left, and that no fault has cut, its topic tells."""
    if reading.session in log.sessions or reading.session in log.losses.cuts:
        return log.losses.first_kept(reading.session, at)
    return max((kept.starts.get(here.partition, 0) for kept in log.run.topics.values() if kept.epoch == str(here.epoch)), default=0)


def _lost_to_retention(log: Log, reading: Reading) -> bool:
    here = place(log, reading.session, reading.records[-1].cursor)
    return here is not None and _first_kept(log, reading, here, log.run.ended_at) >= here.offset
