"""tests/robustness/validators/refusals.py: what there is, is found."""

from __future__ import annotations

import pytest

from tests.robustness.history import History, Operation
from tests.unit.robustness.breaking import cut, cut_at, deleted, found_by, own, with_faults, with_operations
from tests.unit.robustness.sound import OWN, sound

RULE = "refusals"


def test_a_question_in_a_session_that_there_is_must_not_be_told_that_there_is_none() -> None:
    """Its client would think that it was forgotten."""
    assert ["was told that there is nothing to ask in"] == found_by(RULE, with_operations(sound(), _refused))


def test_a_session_that_was_forgotten_is_not_there() -> None:
    """Whoever asks in it is told so."""
    refused = with_operations(sound(), _refused)
    asked = next(one for one in refused.operations if one.status == 404)
    forgot = asked._replace(kind="forget", outcome="ok", status=204)

    assert [] == found_by(RULE, refused._replace(operations=(*refused.operations, forgot)))


@pytest.mark.parametrize(("later_s", "is_found"), [(-1.0, False), (200.0, True)])
def test_who_is_told_so_before_the_session_was_forgotten_is_told_wrong(later_s: float, is_found: bool) -> None:
    """It was there. The same of whoever reads in it, and of any other refusal."""
    told_s = _FIRST.end
    for broken in (with_operations(sound(), _refused), with_operations(sound(), lambda one: _refused(one, 403)), _unread(told_s)):
        assert is_found == bool(found_by(RULE, deleted(broken, OWN, told_s + later_s)))


@pytest.mark.parametrize(("later_s", "is_found"), [(-1.0, False), (200.0, True)])
def test_who_is_told_so_before_the_session_was_cut_is_told_wrong(later_s: float, is_found: bool) -> None:
    """Nothing was gone yet."""
    broken = with_faults(cut(with_operations(sound(), _refused), own(OWN), 11), cut_at(OWN, _FIRST.end + later_s, 11))

    assert is_found == bool(found_by(RULE, broken))


def test_a_reader_of_a_session_that_there_is_must_not_be_told_that_there_is_none() -> None:
    """It would not come back."""
    history = sound()
    first = history.connections[0]._replace(ended="refused", status=404, frames=())

    assert ["was told that there is nothing to read"] == found_by(RULE, history._replace(connections=(first, *history.connections)))


@pytest.mark.parametrize("status", [400, 403, 409, 422])
def test_a_cursor_of_the_sessions_own_must_not_be_refused(status: int) -> None:
    """Its reader would give up for good."""
    assert [f"was refused with {status}, and had asked for what there is"] == found_by(RULE, _resumed(status))


def test_what_may_be_refused_to_a_reader() -> None:
    """One too many, one of a session that is forgotten, and one with a cursor that no one has given it."""
    asked = next(one for one in sound().operations if one.kind == "ask" and one.session == OWN)
    forgotten = _resumed(400)._replace(operations=(*sound().operations, asked._replace(kind="forget", outcome="ok", status=204)))

    assert [] == found_by(RULE, _resumed(429))
    assert [] == found_by(RULE, forgotten)
    assert [] == found_by(RULE, _resumed(400, after="anything"))


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422])
def test_an_operation_that_is_in_order_must_not_be_refused(status: int) -> None:
    """Traffic holds no other ones."""
    refused = with_operations(sound(), lambda one: _refused(one, status))

    assert [f"was refused with {status}, and had asked for what there is"] == found_by(RULE, refused)


def test_a_key_under_which_something_else_was_asked_may_be_refused() -> None:
    """That is what a key is for."""
    other = _FIRST._replace(request={**_FIRST.request, "text": "What else?"}, outcome="refused", status=409, response={})

    assert [] == found_by(RULE, sound()._replace(operations=(*sound().operations, other)))


def _unread(told_s: float) -> History:
    """A reader is told that there is no such session."""
    (first, *others) = (one for one in sound().connections if one.session == OWN)
    return sound()._replace(connections=(first._replace(ended="refused", status=404, end=told_s, frames=()), *others))


def _resumed(status: int, after: str | None = None) -> History:
    """A reader comes back with a cursor, its last one if there is no other, and is refused."""
    last = next(one for one in reversed(sound().connections) if one.session == OWN)
    refused = last._replace(start=last.end, after=after or last.frames[-1].cursor, ended="refused", status=status, frames=())
    return sound()._replace(connections=(*sound().connections, refused))


_FIRST = next(one for one in sound().operations if one.kind == "ask" and one.session == OWN)


def _refused(one: Operation, status: int = 404) -> Operation:
    """The first question of a session."""
    return one._replace(outcome="refused", status=status, response={}) if one == _FIRST else one
