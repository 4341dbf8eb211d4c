"""tests/robustness/validators/dead_letters.py: what failed is there, as it was, and nothing else."""

from __future__ import annotations

import base64

import pytest

from schemas.topics import ANSWERS, DEAD_LETTERS, DOCUMENTS, FEEDBACK, INGESTIONS, QUERIES
from tests.robustness.history import Fault, History
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
    with_faults,
    with_topic,
    without,
    written_at,
)
from tests.unit.robustness.sound import OWN, sound

RULE = "dead letters"


@pytest.mark.parametrize("topic", [QUERIES.name, DOCUMENTS.name])
def test_a_failure_without_a_dead_letter_is_found(topic: str) -> None:
    """Nobody could try it again."""
    assert ["failed, and no dead letter tells of it"] == found_by(RULE, without(sound(), DEAD_LETTERS.name, is_of(topic=topic)))


def test_a_dead_letter_of_a_question_that_was_answered_is_found() -> None:
    """Whoever tries it again would ask twice."""
    first = {"offset": 0, "original_value": _value_of(QUERIES.name, 0)}

    assert ["is a dead letter, and its answer ended as AnswerCompleted"] == found_by(RULE, _another(QUERIES.name, **first))


@pytest.mark.parametrize(
    ("kind", "error", "letter_s", "answer_s", "is_found"),
    [
        ("stop-worker", "index-unavailable", 20.0, 23.0, False),
        ("stop-worker", "index-unavailable", 24.0, 23.0, True),
        ("stop-worker", "index-unavailable", 120.0, 123.0, True),
        ("kill-api", "index-unavailable", 20.0, 23.0, True),
        ("stop-worker", "invalid-query", 20.0, 23.0, True),
    ],
)
def test_a_dead_letter_that_a_worker_left_behind_is_in_order(kind: str, error: str, letter_s: float, answer_s: float, is_found: bool) -> None:
    """It lost the question before it had told anybody, for want of something that passes, and the next one answered, 3 s later."""
    first = {"offset": 0, "original_value": _value_of(QUERIES.name, 0), "error": error}
    letters = _another(QUERIES.name, **first).topics[DEAD_LETTERS.name]
    history = with_topic(written_at(sound(), own(OWN), answer_s), DEAD_LETTERS.name, letters)
    history = written_at(history._replace(run=history.run._replace(faults=(Fault(kind, "one", 10.0, 15.0),))), DEAD_LETTERS.name, letter_s)

    assert is_found == bool(found_by(RULE, history))


def test_a_dead_letter_of_a_document_that_was_taken_in_is_found() -> None:
    """Of its last version. What became of those before, nobody keeps."""
    narwhal, walrus = ({"offset": offset, "original_value": _value_of(DOCUMENTS.name, offset)} for offset in (1, 0))

    assert ["is a dead letter, and the document was taken in"] == found_by(RULE, _another(DOCUMENTS.name, **narwhal))
    assert [] == found_by(RULE, _another(DOCUMENTS.name, **walrus))


@pytest.mark.parametrize(("ended_s", "cut_s", "is_found"), [(20.0, 25.0, True), (40.0, 25.0, False), (40.0, 35.0, True)])
def test_a_dead_letter_of_feedback_whose_answer_was_cut_away_is_in_order(ended_s: float, cut_s: float, is_found: bool) -> None:
    """At 30 s its session held the answer no more, or still did; that it was made once more, or was cut, later on changes nothing."""
    given = {"topic": FEEDBACK.name, "offset": 0, "original_value": _value_of(FEEDBACK.name, 0)}
    broken = written_at(written_at(also(sound(), DEAD_LETTERS.name, is_of(topic=QUERIES.name), **given), DEAD_LETTERS.name, 30.0), own(OWN), ended_s)

    assert is_found == bool(found_by(RULE, with_faults(broken, cut_at(OWN, cut_s, 9))))


@pytest.mark.parametrize(("deleted_s", "is_found"), [(20.0, False), (40.0, True)])
def test_a_dead_letter_before_its_session_was_forgotten_has_to_be_deserved(deleted_s: float, is_found: bool) -> None:
    """At 30 s there was nothing wrong with it yet."""
    given = {"topic": FEEDBACK.name, "offset": 0, "original_value": _value_of(FEEDBACK.name, 0)}
    letter = written_at(also(sound(), DEAD_LETTERS.name, is_of(topic=QUERIES.name), **given), DEAD_LETTERS.name, 30.0)

    assert is_found == bool(found_by(RULE, deleted(letter, OWN, deleted_s)))
    assert is_found == bool(found_by(RULE, gone(deleted(letter, OWN, deleted_s), own(OWN))))


@pytest.mark.parametrize(("written_s", "is_found"), [(10.0, True), (60.0, False)])
def test_a_session_that_was_made_anew_does_not_tell_how_a_question_ended_before(written_s: float, is_found: bool) -> None:
    """Deleted at 40 s. The letter is of 30 s."""
    first = {"offset": 0, "original_value": _value_of(QUERIES.name, 0)}
    letter = written_at(_another(QUERIES.name, **first), DEAD_LETTERS.name, 30.0)

    assert is_found == bool(found_by(RULE, deleted(written_at(letter, own(OWN), written_s), OWN, 40.0)))


def test_a_dead_letter_of_sound_feedback_is_found() -> None:
    """It was acknowledged, and its answer is whole. Of an answer that was cancelled, nothing can be made."""
    given = {"topic": FEEDBACK.name, "offset": 0, "original_value": _value_of(FEEDBACK.name, 0)}
    broken = also(sound(), DEAD_LETTERS.name, is_of(topic=QUERIES.name), **given)

    assert ["is a dead letter, and judges an answer that is whole"] == found_by(RULE, broken)
    assert [] == found_by(RULE, without(broken, ANSWERS.name, is_of(id="a-q1:end")))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"original_value": "e30="}, "a dead letter holds something else than the record"),
        ({"original_value": None}, "a dead letter holds something else than the record"),
        ({"offset": 99}, "a dead letter tells of a record that is not there"),
    ],
)
def test_a_dead_letter_that_does_not_hold_the_record_is_found(change: dict[str, object], what: str) -> None:
    """As it came, to the byte."""
    assert what in found_by(RULE, altered(sound(), DEAD_LETTERS.name, is_of(topic=QUERIES.name), **change))


def test_what_retention_has_cut_needs_no_proof() -> None:
    """The record is gone; the dead letter keeps it."""
    gone = cut(sound(), DOCUMENTS.name, len(sound().topics[DOCUMENTS.name]))

    assert [] == found_by(RULE, gone)


def test_a_failure_that_counts_for_nobody_needs_no_dead_letter() -> None:
    """That of a worker which was paused: another has answered."""
    unfailed = without(without(sound(), own(OWN), is_of(id="a-q3:end")), DEAD_LETTERS.name, is_of(topic=QUERIES.name))

    assert [] == found_by(RULE, unfailed)


def test_a_document_without_a_status_is_not_said_to_have_failed() -> None:
    """So its dead letter is one too many."""
    assert ["is a dead letter, and the document was taken in"] == found_by(RULE, without(sound(), INGESTIONS.name, is_of(type="DocumentFailed")))


def _another(topic: str, **changed: object) -> History:
    return also(sound(), DEAD_LETTERS.name, is_of(topic=topic), **changed)


def _value_of(topic: str, offset: int) -> str:
    return base64.b64encode(sound().topics[topic][offset].value or b"").decode()
