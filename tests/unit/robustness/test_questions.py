"""tests/robustness/validators/questions.py: each question is in the log, and each answer ends once."""

from __future__ import annotations

import pytest

from schemas.topics import ANSWERS, QUERIES
from tests.robustness.history import Operation
from tests.unit.robustness.breaking import (
    also,
    altered,
    cut,
    cut_at,
    deleted,
    found_by,
    gone,
    is_of,
    own,
    settled_at,
    with_faults,
    with_operations,
    with_topic,
    without,
    written_at,
)
from tests.unit.robustness.sound import LANE, OWN, sound

RULE = "questions"


def test_an_accepted_question_that_is_not_in_the_log_is_lost() -> None:
    """Nobody would answer it."""
    assert ["an accepted question is not in the log"] == found_by(RULE, without(sound(), QUERIES.name, is_of(id="q1:asked")))


def test_an_accepted_regeneration_that_is_not_in_the_log_is_lost() -> None:
    """The same of another answer."""
    assert ["an accepted question is not in the log"] == found_by(RULE, without(sound(), QUERIES.name, is_of(type="RegenerationAsked")))


def test_what_retention_has_cut_is_not_lost() -> None:
    """It was in the log."""
    assert [] == found_by(RULE, cut(sound(), QUERIES.name, 1))


def test_a_question_in_the_log_was_asked_by_somebody() -> None:
    """Also one that was refused must not be there."""
    refused = with_operations(sound(), lambda one: one._replace(outcome="refused") if one.request.get("key") == "q1" or _is_of(one, "q1") else one)

    assert ["is in the log, and nobody has asked it"] == found_by(RULE, refused)


def test_a_question_that_was_asked_once_and_lies_there_twice_is_found() -> None:
    """Under another id it would be answered again. Somebody who asks it again does so under another key."""
    twice = also(sound(), QUERIES.name, is_of(id="q4:asked"), id="q44:asked", query_id="q44")
    asked = next(one for one in sound().operations if _is_of(one, "q4"))
    again = asked._replace(request={**asked.request, "key": "another"}, outcome="unknown", response={})

    assert "2 times in the log, and asked 1 times" in found_by(RULE, twice)
    assert "2 times in the log, and asked 1 times" not in found_by(RULE, twice._replace(operations=(*twice.operations, again)))


def test_another_answer_that_was_asked_for_once_and_is_due_twice_is_found() -> None:
    """Each wish is for one."""
    twice = also(sound(), QUERIES.name, is_of(type="RegenerationAsked"), id="q4:more", sibling={"answer_id": "a-q4.3"})

    assert "2 times in the log, and asked 1 times" in found_by(RULE, twice)


def test_an_answer_without_an_end_is_found() -> None:
    """It was asked for long before the end of the run."""
    assert ["has not ended"] == found_by(RULE, without(sound(), own(LANE), is_of(id="a-q4:end")))


@pytest.mark.parametrize(
    ("settled", "asked_s", "quiet_s", "is_found"),
    [(False, 60.0, 90.0, False), (True, 60.0, 90.0, True), (True, 95.0, 90.0, False), (False, 60.0, 300.0, True)],
    ids=["under way", "at rest", "asked since all was at rest", "its time is up"],
)
def test_an_answer_that_still_has_time_may_be_under_way(settled: bool, asked_s: float, quiet_s: float, is_found: bool) -> None:
    """It was asked for a moment before the end of the run. But nothing is under way of what was asked before all had come to rest."""
    unended = without(sound(), own(LANE), is_of(id="a-q4:end"))
    asked = with_operations(unended, lambda one: one._replace(end=asked_s) if _is_of(one, "q4") else one)

    assert is_found == bool(found_by(RULE, settled_at(written_at(asked, QUERIES.name, asked_s), quiet_s, settled=settled)))


def test_an_answer_without_an_end_whose_session_is_still_there_is_found() -> None:
    """Somebody has tried to delete it, and could not."""
    unended = without(sound(), own(OWN), is_of(id="a-q2:end"))

    assert ["has not ended"] == found_by(RULE, deleted(unended, OWN, 500.0, "unknown"))
    assert [] == found_by(RULE, deleted(unended, OWN, 500.0))


@pytest.mark.parametrize(("query", "is_found"), [("q2", True), ("q3", False)])
def test_a_question_of_a_forgotten_session_of_which_nothing_tells_is_found(query: str, is_found: bool) -> None:
    """It was lost before somebody deleted its session, most likely. What failed has a dead letter."""
    unended = without(sound(), ANSWERS.name, is_of(id=f"a-{query}:end"))
    lost = ["has neither an audit record nor a dead letter, and its session is gone"]

    assert [] == found_by(RULE, gone(deleted(sound(), OWN, 500.0), own(OWN)))
    assert (lost if is_found else []) == found_by(RULE, gone(deleted(unended, OWN, 500.0), own(OWN)))


@pytest.mark.parametrize(("asked_s", "is_found"), [(20.0, False), (200.0, True)])
@pytest.mark.parametrize("nothing_left", [False, True], ids=["some records", "no record"])
def test_a_question_that_was_asked_after_its_session_was_cut_has_to_end(asked_s: float, is_found: bool, nothing_left: bool) -> None:
    """At 30 s retention cut the session; it may have taken a question's end that was there then, none of one that was asked later."""
    passed = with_faults(cut(sound(), own(OWN), 17), cut_at(OWN, 30.0, 17))
    left = with_topic(passed, own(OWN), [] if nothing_left else passed.topics[own(OWN)])
    broken = written_at(without(left, QUERIES.name, lambda event: event["session_id"] != OWN.id), QUERIES.name, asked_s)

    assert is_found == ("has not ended" in found_by(RULE, broken))


def test_an_unknown_question_that_is_in_the_log_has_to_end_as_well() -> None:
    """Whoever asked may come back and look."""
    unknown = with_operations(sound(), lambda one: one._replace(outcome="unknown", response={}) if _is_of(one, "q4") else one)

    assert [] == found_by(RULE, unknown)
    assert ["has not ended"] == found_by(RULE, without(unknown, own(LANE), is_of(id="a-q4:end")))


def test_a_second_end_by_a_later_attempt_is_found() -> None:
    """It had to see the first. That of an older one, which was paused, is passed over by all."""
    assert ["was ended again by a later attempt, which had to see the end"] == found_by(
        RULE, also(sound(), own(OWN), is_of(id="a-q1:end"), _attempt(3), attempt=3)
    )
    assert [] == found_by(RULE, also(sound(), own(OWN), is_of(id="a-q1:end"), _attempt(1), attempt=1))


def test_two_ends_of_one_attempt_are_found() -> None:
    """Of another kind, or of another id. The same one twice is what at least once allows."""
    other = "was ended in another way by the same attempt"

    assert [other] == found_by(RULE, also(sound(), own(OWN), is_of(id="a-q1:end"), {"ce_type": b"AnswerFailed"}, type="AnswerFailed"))
    assert [other] == found_by(RULE, also(sound(), own(OWN), is_of(id="a-q1:end"), id="a-q1:end2"))
    assert [] == found_by(RULE, also(sound(), own(OWN), is_of(id="a-q1:end")))


def test_a_missing_audit_record_is_found() -> None:
    """Exports would never see the answer."""
    assert ["has no audit record"] == found_by(RULE, without(sound(), ANSWERS.name, is_of(id="a-q2:end")))


def test_an_audit_record_that_says_something_else_than_the_session_is_found() -> None:
    """One that a later attempt wrote counts."""
    other = "has another audit record than end"

    assert [other] == found_by(RULE, altered(sound(), ANSWERS.name, is_of(id="a-q1:end"), text="Other words."))
    assert [other] == found_by(RULE, also(sound(), ANSWERS.name, is_of(id="a-q1:end"), attempt=3, text="Other words."))
    assert [] == found_by(RULE, also(sound(), ANSWERS.name, is_of(id="a-q1:end"), attempt=1, text="Other words."))


def _is_of(one: Operation, query: str) -> bool:
    return one.kind == "ask" and one.response.get("query_id") == query


def _attempt(number: int) -> dict[str, bytes]:
    return {"attempt": str(number).encode()}
