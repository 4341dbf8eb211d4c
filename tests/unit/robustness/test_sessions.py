"""tests/robustness/validators/sessions.py: everything in its order, and at home."""

from __future__ import annotations

import pytest

from schemas.topics import QUERIES, SESSIONS
from tests.robustness.history import Outcome
from tests.unit.robustness.breaking import altered, deleted, exchanged, found_by, is_of, own, with_operations, without, written_at
from tests.unit.robustness.sound import LANE, OTHER, OWN, sound

RULE = "sessions"


def test_questions_in_another_order_than_in_queries_are_found() -> None:
    """A follow-up would be answered before what it leans on."""
    assert ["its questions lie in another order than they were asked in"] == found_by(
        RULE, exchanged(sound(), own(OWN), is_of(id="q1:asked"), is_of(id="q2:asked"))
    )


@pytest.mark.parametrize(("written_s", "outcome", "is_found"), [(20.0, "ok", True), (60.0, "ok", False), (60.0, "unknown", True)])
def test_questions_in_another_order_than_in_queries_were_written_after_a_deletion(written_s: float, outcome: Outcome, is_found: bool) -> None:
    """At 40 s: the session was made anew by one question, and those before it, which nobody had acknowledged, were delivered again."""
    broken = written_at(exchanged(sound(), own(OWN), is_of(id="q1:asked"), is_of(id="q2:asked")), own(OWN), written_s)

    assert is_found == bool(found_by(RULE, deleted(broken, OWN, 40.0, outcome)))


def test_questions_in_another_order_than_they_were_acknowledged_in_are_found() -> None:
    """One was in the log before the other was sent."""
    broken = exchanged(sound(), QUERIES.name, is_of(id="q1:asked"), is_of(id="q2:asked"))

    assert "a later question lies before an earlier one" in found_by(RULE, broken)


def test_a_question_that_was_sent_again_may_lie_there_since_the_first_time() -> None:
    """So it may lie before what was acknowledged meanwhile."""
    broken = exchanged(sound(), QUERIES.name, is_of(id="q1:asked"), is_of(id="q2:asked"))
    early = with_operations(broken, lambda one: one._replace(start=0.0) if one.request.get("key") == "q2" and one.outcome == "unknown" else one)

    assert "a later question lies before an earlier one" not in found_by(RULE, early)


def test_a_question_that_only_its_session_holds_is_found() -> None:
    """A replay would not know of it."""
    assert ["holds the question q6, which `queries` does not"] == found_by(RULE, without(sound(), QUERIES.name, is_of(id="q6:asked")))


def test_a_record_of_another_session_is_found() -> None:
    """By its key it is this session's, by its words another's; also of another tenant."""
    assert [f"holds a record of default/{OTHER.id}"] == found_by(RULE, altered(sound(), own(LANE), is_of(id="a-q4:1:1"), session_id=OTHER.id))
    assert [f"holds a record of acme/{LANE.id}"] == found_by(RULE, altered(sound(), own(LANE), is_of(id="a-q4:1:1"), tenant="acme"))


def test_a_record_in_another_sessions_topic_is_found() -> None:
    """A topic of its own holds one session."""
    history = sound()
    stray = next(record for record in history.topics[SESSIONS.name] if record.key == OTHER.id.encode())
    broken = history._replace(topics={**history.topics, own(OWN): (*history.topics[own(OWN)], stray._replace(topic=own(OWN), offset=99))})

    assert f"holds a record of acme/{OTHER.id}" in found_by(RULE, broken)
