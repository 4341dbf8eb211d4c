"""tests/robustness/validators/completeness.py: whoever read to the end has missed nothing; a gap is told only where something was cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.cursor import Cursor, CursorSigner
from tests.robustness.history import Connection, Ending, Fault, Frame, History
from tests.unit.robustness.breaking import cut, found_by, own, with_frames
from tests.unit.robustness.sound import OWN, sound
from tests.unit.robustness.story import EPOCH, SECRET

RULE = "completeness"


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
    gap = _frame_at(10, "gap", "")._replace(text="expired")
    broken = _only(lambda one: one._replace(frames=(*one.frames[:2], gap, *(frame for frame in one.frames if _offset(frame) > 11))))

    assert ["was told of a gap (expired) where nothing was cut"] == found_by(RULE, broken)


def test_a_gap_where_retention_has_cut_is_in_order() -> None:
    """Also for one who had seen what is gone by now. Behind it, nothing may be missing."""
    gap = _frame_at(10, "gap", "")._replace(text="expired")
    gone = cut(_only(lambda one: one._replace(frames=(*one.frames[:2], gap, *(frame for frame in one.frames if _offset(frame) > 11)))), own(OWN), 11)
    missed = gone._replace(connections=tuple(one._replace(frames=(*one.frames[:-3], *one.frames[-2:])) for one in gone.connections))

    assert [] == found_by(RULE, gone)
    assert ["was not shown 1 of 14 records"] == found_by(RULE, missed)


@pytest.mark.parametrize(
    ("before", "broken"),
    [(11, []), (10, ["was told of a gap (expired) where nothing was cut"]), (None, ["was told of a gap (expired) where nothing was cut"])],
)
def test_a_gap_where_a_broker_that_was_killed_since_has_the_records_again(before: int | None, broken: list[str]) -> None:
    """What the fault had cut counts; one that could not be done has cut nothing."""
    gap = _frame_at(10, "gap", "")._replace(text="expired")
    history = _only(lambda one: one._replace(frames=(*one.frames[:2], gap, *(frame for frame in one.frames if _offset(frame) > 11))))
    fault = Fault("cut-retention", "session", 1.0, 2.0, {"tenant": OWN.tenant, "session": OWN.id, "before": before})

    assert broken == found_by(RULE, history._replace(run=history.run._replace(faults=(fault,))))


def test_who_was_shown_an_end_that_retention_has_cut_since_is_asked_for_nothing_behind_it() -> None:
    """What somebody said of the answer later lies there, and is kept. Who was shown no end has missed it."""
    gone = cut(sound(), own(OWN), 11)
    unended = with_frames(gone, "of q1", lambda frames: [frame for frame in frames if frame.type != "AnswerCompleted"])

    assert [] == found_by(RULE, gone)
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
    history = sound()
    forgotten = history.operations[0]._replace(kind="forget", request={"session": OWN.id})
    gone = history._replace(
        operations=(*history.operations, forgotten), topics={name: each for name, each in history.topics.items() if name != own(OWN)}
    )

    assert [] == found_by(RULE, gone)


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


def _frame_at(offset: int, kind: str, event_id: str) -> Frame:
    cursor = CursorSigner(SECRET.encode()).sign(Cursor(EPOCH, 0, offset + 1), tenant="default", session_id=OWN.id)
    return Frame(0.0, cursor, kind, "", event_id, "default", OWN.id, "q1", "a-q1", 1, 3)


def _offset(frame: Frame) -> int:
    return CursorSigner(SECRET.encode()).verify(frame.cursor, tenant="default", session_id=OWN.id).offset
