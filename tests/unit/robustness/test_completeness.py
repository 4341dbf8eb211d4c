"""tests/robustness/validators/completeness.py: whoever read to the end has missed nothing; a gap is told only where something was cut."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from schemas.cursor import Cursor, CursorSigner
from tests.robustness.history import Connection, Ending, Frame, History, Outcome
from tests.unit.robustness.breaking import cut, cut_at, deleted, found_by, gone, own, with_faults, with_frames
from tests.unit.robustness.sound import OWN, sound
from tests.unit.robustness.story import EPOCH, SECRET

RULE = "completeness"
_LATE_S = 500.0  # all readers have come to their end


@pytest.mark.parametrize("missed", ["q1:asked", "a-q1:1:started", "a-q1:2:3", "a-q1:end", "q2:cancelled"])
def test_a_record_that_a_reader_was_not_shown_is_found(missed: str) -> None:
    """Wherever it lies."""
    broken = _shown("whole", lambda frames: [frame for frame in frames if frame.id != missed])

    assert any(what.startswith("was not shown 1 of") for what in found_by(RULE, broken))


def test_a_stream_that_ended_before_its_answer_is_found() -> None:
    """The server said that nothing more would come."""
    broken = _shown("of q1", lambda frames: frames[:3])

    assert any(what.startswith("was not shown") for what in found_by(RULE, broken))


@pytest.mark.parametrize("ended", ["cut", "broke", "closing"])
def test_a_reader_who_left_has_not_missed_what_comes_later(ended: Ending) -> None:
    """But all before."""
    left = _only(lambda one: one._replace(ended=ended, frames=one.frames[:2]))

    assert [] == found_by(RULE, left)


def test_a_reader_that_was_stopped_at_the_end_had_wanted_all() -> None:
    """It had stood still, long after all was quiet."""
    hung = _only(lambda one: one._replace(ended="hung", frames=one.frames[:2]))

    assert any(what.startswith("was not shown") for what in found_by(RULE, hung))


def test_a_stale_record_that_is_shown_is_found() -> None:
    """The log holds it, and it does not count."""
    frames = _frame_at(7, "TokensGenerated", "a-q1:1:3")
    broken = _only(lambda one: one._replace(frames=tuple(sorted((*one.frames, frames), key=_offset))))

    assert ["was shown a record that does not count, at 7"] == found_by(RULE, broken)


def test_a_gap_where_nothing_was_cut_is_found() -> None:
    """What lies in it would be lost to the reader."""
    assert ["was told of a gap (expired) where nothing was cut"] == found_by(RULE, _with_gap())


def test_a_gap_where_retention_has_cut_is_in_order() -> None:
    """Also for one who had seen what is gone by now. Behind it, nothing may be missing."""
    passed = cut(_with_gap(), own(OWN), 11)
    missed = passed._replace(connections=tuple(one._replace(frames=(*one.frames[:-3], *one.frames[-2:])) for one in passed.connections))

    assert [] == found_by(RULE, passed)
    assert ["was not shown 1 of 14 records"] == found_by(RULE, missed)


@pytest.mark.parametrize(
    ("before", "told_s", "is_found"),
    [(11, 20.0, False), (10, 20.0, True), (None, 20.0, True), (11, 5.0, True)],
    ids=["cut", "cut below it", "not cut", "told before the cut"],
)
def test_a_gap_where_a_broker_that_was_killed_since_has_the_records_again(before: int | None, told_s: float, is_found: bool) -> None:
    """What the fault had cut by then counts; one that could not be done has cut nothing."""
    found = found_by(RULE, with_faults(_with_gap(told_s), cut_at(OWN, 10.0, before)))

    assert (["was told of a gap (expired) where nothing was cut"] if is_found else []) == found


@pytest.mark.parametrize(("told_s", "is_found"), [(20.0, True), (620.0, False)])
@pytest.mark.parametrize("before", [11, None], ids=["cut", "maybe cut"])
def test_a_gap_that_was_told_before_the_only_cut_is_found(told_s: float, is_found: bool, before: int | None) -> None:
    """What retention took ten minutes later was there when the reader was told that it was not."""
    cut_later = with_faults(cut(_with_gap(told_s), own(OWN), 11), cut_at(OWN, 600.0, before))

    assert is_found == bool(found_by(RULE, cut_later))


def test_who_was_shown_an_end_that_retention_has_cut_since_is_asked_for_nothing_behind_it() -> None:
    """What somebody said of the answer later lies there, and is kept. Who was shown no end has missed it."""
    passed = cut(sound(), own(OWN), 11)
    unended = with_frames(passed, "of q1", lambda frames: [frame for frame in frames if frame.type != "AnswerCompleted"])

    assert [] == found_by(RULE, passed)
    assert ["was not shown 4 of 4 records"] == found_by(RULE, unended)


def test_a_topic_that_nobody_has_deleted_is_not_made_anew() -> None:
    """The reader would begin again, in an empty session."""
    gap = _frame_at(10, "gap", "")._replace(text="recreated")
    broken = _only(lambda one: one._replace(frames=(*one.frames, gap), ended="cut"))

    assert ["was told of a gap (recreated) where nothing was cut"] == found_by(RULE, broken)


def test_a_session_that_is_gone_is_found() -> None:
    """Somebody has read it."""
    history = sound()
    broken = history._replace(topics={name: records for name, records in history.topics.items() if name != own(OWN)})

    assert {"was shown records of a session that has none"} == {*found_by(RULE, broken)}


def test_a_session_that_was_forgotten_may_be_gone() -> None:
    """Its client has deleted it, or a fault has."""
    assert [] == found_by(RULE, gone(deleted(sound(), OWN, _LATE_S), own(OWN)))
    assert [] == found_by(RULE, gone(deleted(sound(), OWN, _LATE_S, "unknown"), own(OWN)))


@pytest.mark.parametrize("outcome", ["unknown", "ok"])
def test_a_hole_before_a_session_was_forgotten_is_found(outcome: Outcome) -> None:
    """It was there when the reader came by. One that broke off, and whose topic is still there, has deleted nothing at all."""
    hole = _shown("whole", lambda frames: [frame for frame in frames if frame.id != "a-q1:2:3"])

    assert any(what.startswith("was not shown 1 of") for what in found_by(RULE, deleted(hole, OWN, _LATE_S, outcome)))
    assert [] == found_by(RULE, deleted(hole, OWN, 0.0))
    assert any(what.startswith("was not shown 1 of") for what in found_by(RULE, deleted(hole, OWN, 0.0, "unknown")))


def test_a_gap_before_a_session_was_forgotten_is_found() -> None:
    """Nothing was gone yet. Behind that a gap is in order, and what its reader was shown then is another topic's."""
    assert ["was told of a gap (expired) where nothing was cut"] == found_by(RULE, gone(deleted(_with_gap(5.0), OWN, 8.0), own(OWN)))
    assert [] == found_by(RULE, gone(deleted(_with_gap(9.0), OWN, 8.0), own(OWN)))


def test_a_deletion_that_nobody_knows_of_and_that_came_true_excuses_what_follows() -> None:
    """The topic is there, and it is another one."""
    history = deleted(_with_gap(900.0), OWN, 800.0, "unknown")
    anew = history.run.topics[own(OWN)]._replace(epoch=str(UUID(int=8)))

    assert [] == found_by(RULE, history._replace(run=history.run._replace(topics={**history.run.topics, own(OWN): anew})))


def test_who_began_at_the_latest_is_asked_for_what_followed() -> None:
    """Its first frame tells where that was."""
    late = _only(lambda one: one._replace(after="latest", frames=one.frames[5:]))
    broken = _only(lambda one: one._replace(after="latest", frames=(*one.frames[5:8], *one.frames[9:])))

    assert [] == found_by(RULE, late)
    assert any(what.startswith("was not shown 1 of") for what in found_by(RULE, broken))


def _shown(reader: str, change: Callable[[list[Frame]], list[Frame]]) -> History:
    return with_frames(sound(), reader, change)


def _only(change: Callable[[Connection], Connection]) -> History:
    """One connection, that has read all of a session."""
    parts = [one for one in sound().connections if one.reader == "whole" and one.session == OWN]
    whole = parts[0]._replace(frames=tuple(frame for one in parts for frame in one.frames), ended="caught-up")
    return sound()._replace(connections=(change(whole),))


def _with_gap(told_s: float = 0.0) -> History:
    """Its reader is told of one behind the second record, and goes on behind the eleventh."""
    gap = _frame_at(10, "gap", "")._replace(text="expired", at=told_s)
    return _only(lambda one: one._replace(frames=(*one.frames[:2], gap, *(frame for frame in one.frames if _offset(frame) > 11))))


def _frame_at(offset: int, kind: str, event_id: str) -> Frame:
    cursor = CursorSigner(SECRET.encode()).sign(Cursor(EPOCH, 0, offset + 1), tenant="default", session_id=OWN.id)
    return Frame(0.0, cursor, kind, "", event_id, "default", OWN.id, "q1", "a-q1", 1, 3)


def _offset(frame: Frame) -> int:
    return CursorSigner(SECRET.encode()).verify(frame.cursor, tenant="default", session_id=OWN.id).offset
