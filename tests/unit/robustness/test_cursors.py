"""tests/robustness/validators/cursors.py: whoever reads from the cursor of a 202 on is shown all of the answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from schemas.attempts import answer_key
from schemas.cursor import Cursor, CursorSigner, OpenAnswer
from schemas.session_id import Session
from tests.robustness.history import History, Operation
from tests.robustness.validators.rules import violations_of
from tests.unit.robustness.breaking import cut_at, found_by, gone, own, with_faults, with_operations
from tests.unit.robustness.sound import LANE, OTHER, OWN, sound
from tests.unit.robustness.story import EPOCH, SECRET

RULE = "cursors"


@pytest.mark.parametrize(("query", "session", "begins"), [("q1", OWN, 0), ("q2", OWN, 11), ("q4", LANE, 0)])
@pytest.mark.parametrize("behind", [1, 3, 99])
def test_a_cursor_behind_its_question_is_found(query: str, session: Session, begins: int, behind: int) -> None:
    """The end of the session was asked for after the question had been written: what its worker was faster with is lost to the reader."""
    broken = _given(query, session, Cursor(EPOCH, 0, begins + behind))

    assert [f"was given the cursor {begins + behind}, and its answer begins at {begins}"] == found_by(RULE, broken)


def test_a_cursor_behind_the_wish_for_another_answer_is_found() -> None:
    """The same of that."""
    broken = with_operations(sound(), lambda one: _told(one, LANE, Cursor(EPOCH, 0, 99)) if one.kind == "regenerate" else one)

    assert ["was given the cursor 99, and its answer begins at 21"] == found_by(RULE, broken)


def test_a_cursor_before_its_question_is_in_order() -> None:
    """A question that was sent again may be the one that lies there."""
    assert [] == found_by(RULE, _given("q2", OWN, Cursor(EPOCH, 0, 3)))
    assert [] == found_by(RULE, _given("q2", OWN, Cursor(EPOCH, 0, 11)))


def test_a_cursor_by_which_the_answer_is_over_is_found() -> None:
    """Its reader would be told at once that nothing more comes."""
    over, waiting = (Cursor(EPOCH, 0, 0, (OpenAnswer(answer_key(b"a-q1"), 1, index),)) for index in (-1, 0))

    assert ["was given a cursor by which the answer is over"] == found_by(RULE, _given("q1", OWN, over))
    assert [] == found_by(RULE, _given("q1", OWN, waiting))


def test_a_cursor_of_something_else_is_found() -> None:
    """Of another session, of another topic, or none."""
    none = "was given a cursor that is none of this session"

    assert [none] == found_by(RULE, _given("q1", OWN, Cursor(EPOCH, 0, 0), signed_for=OTHER))
    assert [none] == found_by(RULE, with_operations(sound(), lambda one: one._replace(response=_without_cursor(one)) if _is_of(one, "q1") else one))
    assert ["was given a cursor of another topic than the session's"] == found_by(RULE, _given("q1", OWN, Cursor(UUID(int=8), 0, 0)))


def test_no_other_rule_sees_it() -> None:
    """A reader that follows from such a cursor on is shown all that lies behind it: nothing, and is told that it is over."""
    broken = _given("q1", OWN, Cursor(EPOCH, 0, 99))

    assert {RULE} == {violation.rule for violation in violations_of(broken)}


@pytest.mark.parametrize(("cut_s", "is_found"), [(0.0, False), (500.0, True)])
def test_of_a_question_that_was_cut_the_one_behind_it_counts(cut_s: float, is_found: bool) -> None:
    """It lay there twice, and when it was sent once more, only the second was left; the broker, killed since, has the first again."""
    twice = sound()._replace(topics={**sound().topics, own(OWN): (*sound().topics[own(OWN)], sound().topics[own(OWN)][0]._replace(offset=99))})
    again = _told(_asked("q1"), OWN, Cursor(EPOCH, 0, 99))
    broken = with_faults(twice._replace(operations=(*twice.operations, again)), cut_at(OWN, cut_s, 11))

    assert is_found == bool(found_by(RULE, broken))


def test_of_a_session_that_is_gone_nothing_is_known() -> None:
    """Its records are, too."""
    assert [] == found_by(RULE, gone(_given("q1", OWN, Cursor(EPOCH, 0, 99)), own(OWN)))


def _given(query: str, session: Session, cursor: Cursor, signed_for: Session | None = None) -> History:
    return with_operations(sound(), lambda one: _told(one, signed_for or session, cursor) if _is_of(one, query) else one)


def _told(one: Operation, session: Session, cursor: Cursor) -> Operation:
    signed = CursorSigner(SECRET.encode()).sign(cursor, tenant=session.tenant, session_id=session.id)
    return one._replace(response={**one.response, "cursor": signed})


def _without_cursor(one: Operation) -> dict[str, Any]:
    return {name: value for name, value in one.response.items() if name != "cursor"}


def _asked(query: str) -> Operation:
    return next(one for one in sound().operations if _is_of(one, query))


def _is_of(one: Operation, query: str) -> bool:
    return one.kind == "ask" and one.response.get("query_id") == query
