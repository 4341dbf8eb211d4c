"""tests/robustness/validators/refusals.py: what there is, is found."""

from __future__ import annotations

from tests.robustness.history import Operation
from tests.unit.robustness.breaking import found_by, with_operations
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


def test_a_reader_of_a_session_that_there_is_must_not_be_told_that_there_is_none() -> None:
    """It would not come back."""
    history = sound()
    first = history.connections[0]._replace(ended="refused", status=404, frames=())

    assert ["was told that there is nothing to read"] == found_by(RULE, history._replace(connections=(first, *history.connections)))


_FIRST = next(one for one in sound().operations if one.kind == "ask" and one.session == OWN)


def _refused(one: Operation) -> Operation:
    """The first question of a session."""
    return one._replace(outcome="refused", status=404, response={}) if one == _FIRST else one
