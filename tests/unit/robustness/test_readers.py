"""tests/robustness/validators/readers.py: nobody is shown a record twice, out of order, or of somebody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.robustness.history import Frame, History
from tests.unit.robustness.breaking import deleted, found_by, is_of, own, with_frames, without
from tests.unit.robustness.sound import OTHER, OWN, sound

RULE = "readers"


def test_a_record_that_is_shown_twice_is_found() -> None:
    """In one connection, or again in the next."""
    assert [
        "is at 5 and was shown the record before 5",
        "was shown TokensGenerated a-q1:1:2 twice",
    ] == found_by(RULE, _shown("whole", lambda frames: [again for frame in frames for again in [frame] * (1 + (frame.id == "a-q1:1:2"))]))


def test_a_record_that_is_shown_again_on_the_next_connection_is_found() -> None:
    """Although its client had asked from behind it."""
    first, second, *others = (one for one in sound().connections if one.reader == "whole")
    broken = sound()._replace(connections=(first, second._replace(frames=(*first.frames, *second.frames)), *others))

    assert "was shown QueryAsked q1:asked twice" in found_by(RULE, broken)


def test_the_same_fact_from_another_place_is_found() -> None:
    """A record that lies in the log twice is shown once."""
    fifth = next(frame for one in sound().connections for frame in one.frames if frame.id == "a-q1:2:3")
    broken = _shown("whole", lambda frames: [fifth._replace(cursor=frame.cursor) if frame.id == "a-q1:end" else frame for frame in frames])

    assert "was shown TokensGenerated a-q1:2:3 twice" in found_by(RULE, broken)


def test_two_records_in_each_others_place_are_found() -> None:
    """Cursors only go forward."""
    broken = _shown("whole", lambda frames: [*frames[:-2], *frames[-1:], *frames[-2:-1]])

    assert "is at 4 and was shown the record before 3" in found_by(RULE, broken)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"tenant": "acme"}, f"was shown a record of acme/{OWN.id}"),
        ({"session": OTHER.id}, f"was shown a record of default/{OTHER.id}"),
        ({"answer": "a-q2"}, "was shown a record of a-q2"),
        ({"cursor": "anything"}, "was given a cursor that is none of this session"),
    ],
    ids=["tenant", "session", "answer", "cursor"],
)
def test_a_record_of_somebody_else_is_found(change: dict[str, str], what: str) -> None:
    """Of another tenant, another session, another answer than was asked for; or a cursor that is another session's."""
    broken = _shown("of q1", lambda frames: [frame._replace(**change) if frame.id == "a-q1:2:2" else frame for frame in frames])  # type: ignore[arg-type]

    assert [what] == found_by(RULE, broken)


def test_a_record_that_is_shown_otherwise_than_it_lies_is_found() -> None:
    """To the byte."""
    broken = _shown("of q1", lambda frames: [frame._replace(digest="00") if frame.id == "a-q1:2:2" else frame for frame in frames])

    assert ["was shown something else than lies at session.default.tOwn[0]@6"] == found_by(RULE, broken)


def test_a_record_that_is_shown_otherwise_before_its_session_was_forgotten_is_found() -> None:
    """What was deleted later lay there then; and it may still."""
    broken = _shown("of q1", lambda frames: [frame._replace(digest="00") if frame.id == "a-q1:2:2" else frame for frame in frames])

    assert ["was shown something else than lies at session.default.tOwn[0]@6"] == found_by(RULE, deleted(broken, OWN, 500.0, "unknown"))


def test_a_record_that_was_shown_and_lies_nowhere_is_found() -> None:
    """A log that loses what was read from it has lost what was acknowledged, too."""
    assert ["was shown what the log does not hold at 6"] * 2 == found_by(RULE, without(sound(), own(OWN), is_of(id="a-q1:2:2")))


def test_a_client_that_asks_from_an_earlier_place_is_shown_it_again() -> None:
    """It is as if another had begun there."""
    first, *others = (one for one in sound().connections if one.reader == "whole" and one.session == OWN)

    assert [] == found_by(RULE, sound()._replace(connections=(first, first._replace(start=first.start + 0.6), *others)))


def test_frames_that_hold_no_record_are_not_records() -> None:
    """A goodbye names a place that its client has reached already."""
    goodbye = _shown("whole", lambda frames: [*frames, Frame(0.0, frames[-1].cursor, "closing")] if frames else frames)

    assert [] == found_by(RULE, goodbye)


def _shown(reader: str, change: Callable[[list[Frame]], list[Frame]]) -> History:
    return with_frames(sound(), reader, change)
