"""tests/robustness/validators/relays.py: what `queries` and `feedback` hold comes to the session, too."""

from __future__ import annotations

import base64

import pytest

from schemas.session_id import Session
from schemas.topics import DEAD_LETTERS, FEEDBACK, QUERIES
from tests.robustness.history import History
from tests.robustness.validators.rules import violations_of
from tests.unit.robustness.breaking import (
    Chosen,
    also,
    altered,
    cut,
    cut_at,
    deleted,
    fields_of,
    found_by,
    gone,
    is_of,
    own,
    settled_at,
    with_faults,
    without,
    written_at,
)
from tests.unit.robustness.sound import LANE, OWN, sound

RULE = "relays"
_CANCELLED = is_of(type="QueryCancelled")
_JUDGED = is_of(type="FeedbackGiven", given_by="bob", feedback_id="f1")


@pytest.mark.parametrize(
    ("chosen", "session"),
    [
        (_CANCELLED, OWN),
        (_JUDGED, OWN),
        (is_of(type="FeedbackRetracted"), LANE),
        (is_of(id="q1:asked"), OWN),
        (is_of(type="RegenerationAsked"), LANE),
    ],
    ids=["cancellation", "feedback", "retraction", "question", "another answer"],
)
def test_what_never_came_to_its_session_is_found(chosen: Chosen, session: Session) -> None:
    """Its worker has acknowledged it, and written nothing. Readers, who are held against the session, cannot miss it."""
    assert [f"never came to the session {session.id}"] == found_by(RULE, without(sound(), own(session), chosen))


def test_a_cancellation_that_nobody_was_shown_is_found_by_this_rule_alone() -> None:
    """Its answer runs on as if nobody had wished it to stop."""
    unseen = without(sound(), own(OWN), _CANCELLED)
    shown = [one._replace(frames=tuple(frame for frame in one.frames if frame.type != "QueryCancelled")) for one in unseen.connections]

    assert {RULE} == {violation.rule for violation in violations_of(unseen._replace(connections=tuple(shown)))}


def test_what_came_there_in_other_words_is_found() -> None:
    """Readers see what lies there."""
    assert [f"never came to the session {OWN.id}"] == found_by(RULE, altered(sound(), own(OWN), _JUDGED, thumb="down"))


def test_the_same_fact_may_be_written_again_later() -> None:
    """Once in the session is enough."""
    assert [] == found_by(RULE, also(sound(), QUERIES.name, is_of(id="q4:asked"), time="2026-11-21T12:34:56.000Z"))


def test_what_failed_has_a_dead_letter_instead() -> None:
    """That tells of it to whoever tries it again."""
    number, record = next((number, record) for number, record in enumerate(sound().topics[FEEDBACK.name]) if _JUDGED(fields_of(record)))
    told = {"topic": FEEDBACK.name, "offset": number, "original_value": base64.b64encode(record.value or b"").decode()}

    assert [] == found_by(RULE, also(_unrelayed(), DEAD_LETTERS.name, is_of(topic=QUERIES.name), **told))


@pytest.mark.parametrize(
    ("settled", "written_s", "is_found"),
    [(True, 60.0, True), (True, 95.0, False), (False, 60.0, False)],
    ids=["at rest", "written since", "unsettled"],
)
def test_what_is_under_way_may_come_yet(settled: bool, written_s: float, is_found: bool) -> None:
    """All had come to rest at 90 s, or had not."""
    history = settled_at(written_at(_unrelayed(), FEEDBACK.name, written_s), 90.0, settled=settled)

    assert is_found == (f"never came to the session {OWN.id}" in found_by(RULE, history))


@pytest.mark.parametrize(("given_s", "is_found"), [(20.0, False), (200.0, True)])
def test_what_retention_may_have_cut_may_have_been_there(given_s: float, is_found: bool) -> None:
    """At 30 s: not what was written later."""
    passed = written_at(with_faults(cut(_unrelayed(), own(OWN), 11), cut_at(OWN, 30.0, 11)), FEEDBACK.name, given_s)

    assert is_found == (f"never came to the session {OWN.id}" in found_by(RULE, passed))


def test_what_was_forgotten_with_its_session_is_gone() -> None:
    """One that somebody could not delete still has to hold it."""
    assert [] == found_by(RULE, gone(deleted(_unrelayed(), OWN, 500.0), own(OWN)))
    assert [f"never came to the session {OWN.id}"] == found_by(RULE, deleted(_unrelayed(), OWN, 500.0, "unknown"))


def _unrelayed() -> History:
    return without(sound(), own(OWN), _JUDGED)
