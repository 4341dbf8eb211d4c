"""tests/robustness/validators/feedback.py: each judgement that holds is counted once, in insights and in exports."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.topics import FEEDBACK
from tests.robustness.history import History
from tests.unit.robustness.breaking import also, altered, found_by, found_otherwise, is_of, with_operations, without
from tests.unit.robustness.sound import sound

RULE = "feedback"


@pytest.mark.parametrize(
    ("chosen", "what"),
    [
        ({"given_by": "bob", "feedback_id": "f1"}, "an acknowledged feedback is not in the log"),
        ({"type": "FeedbackRetracted"}, "an acknowledged retraction is not in the log"),
    ],
)
def test_what_was_acknowledged_and_is_not_in_the_log_is_found(chosen: dict[str, str], what: str) -> None:
    """Nothing would ever count it."""
    assert what in found_by(RULE, without(sound(), FEEDBACK.name, is_of(**chosen)))


def test_feedback_that_lies_there_in_other_words_is_found() -> None:
    """Neither has it been said, nor is there what was."""
    broken = altered(sound(), FEEDBACK.name, is_of(given_by="ann", thumb="down"), comment="No.")

    assert ["an acknowledged feedback is not in the log", "is in the log, and nobody has said it"] == found_by(RULE, broken)


def test_feedback_that_nobody_has_given_is_found() -> None:
    """Or that was refused."""
    refused = with_operations(sound(), lambda one: one._replace(outcome="refused") if one.request.get("given_by") == "dan" else one)

    assert ["is in the log, and nobody has said it"] == found_by(RULE, refused)


@pytest.mark.parametrize("figure", ["marks", "thumbs_up", "thumbs_down", "corrections", "won", "lost"])
@pytest.mark.parametrize("more", [-1, 1])
def test_insights_that_count_another_number_are_found(figure: str, more: int) -> None:
    """One too few is lost, one too many is counted twice; or what was taken back or replaced still counts."""
    (first, *others) = sound().run.found.insights or ()
    counted = first["figures"][figure]
    broken = found_otherwise(sound(), insights=({**first, "figures": {**first["figures"], figure: counted + more}}, *others))

    assert [f"{figure} is {counted + more}, and {counted} hold"] == found_by(RULE, broken)


def test_insights_that_lack_a_tenant_are_found() -> None:
    """Its correction is counted nowhere."""
    assert ["corrections is 0, and 1 hold"] == found_by(RULE, found_otherwise(sound(), insights=(sound().run.found.insights or ())[:1]))


def test_the_same_event_twice_is_one_judgement() -> None:
    """A record may come again: it is counted once all the same."""
    assert [] == found_by(RULE, also(sound(), FEEDBACK.name, is_of(given_by="bob", feedback_id="f1")))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"feedback_positions": ["feedback[0]@1"]}, "is exported as True of ['feedback[0]@1'], and True of ['feedback[0]@1', 'feedback[0]@2'] holds"),
        ({"feedback_positions": ["feedback[0]@0", "feedback[0]@2"]}, "is exported as True of"),
        ({"feedback_positions": ["feedback[0]@1", "feedback[0]@1", "feedback[0]@2"]}, "is exported as True of"),
        ({"label": False}, "is exported as False of"),
    ],
)
def test_an_export_that_rests_on_other_judgements_is_found(change: dict[str, Any], what: str) -> None:
    """One too few, one that was replaced, one twice; or the other way round."""
    (found,) = found_by(RULE, _exporting({**_rows()[0], **change}, _rows()[1]))

    assert found.startswith(what)


def test_an_export_that_lacks_an_answer_or_has_it_twice_is_found() -> None:
    """Or that has one which nobody judged."""
    first, second = _rows()

    assert ["is exported 0 times"] == found_by(RULE, _exporting(second))
    assert ["is exported 2 times"] == found_by(RULE, _exporting(first, second, first))
    assert ["is exported 1 times"] == found_by(RULE, _exporting(first, second, {**first, "answer_id": "a-q6"}))


def test_what_was_not_asked_for_at_the_end_is_not_judged() -> None:
    """A run may have no exports."""
    assert [] == found_by(RULE, found_otherwise(sound(), insights=None, exported=None))


def _rows() -> tuple[dict[str, Any], ...]:
    return sound().run.found.exported or ()


def _exporting(*rows: dict[str, Any]) -> History:
    return found_otherwise(sound(), exported=rows)
