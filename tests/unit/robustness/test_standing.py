"""tests/robustness/standing.py: the same judgements hold by it as by the product's own fold."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from schemas.events import Feedback
from schemas.topics import ANSWERS, FEEDBACK
from streams.preferences.judgements import Judgements
from tests.robustness.history import Found
from tests.robustness.log import Log
from tests.robustness.standing import standing
from tests.unit.robustness.story import Story
from tests.unit.streams.preferences.judged import ANSWERS as ANSWER_IDS
from tests.unit.streams.preferences.judged import an_answer, feedback

_KINDS = ("mark", "correction", "comparison")


@settings(max_examples=40)
@for_all(st.lists(feedback(), max_size=12))
def test_what_holds_is_what_the_products_fold_says(events: list[Feedback]) -> None:
    """Of any feedback, in any order: two who have written the rule down apart from each other agree."""
    story = Story()
    story.topics = {ANSWERS.name: [], FEEDBACK.name: []}
    story.write(*map(an_answer, ANSWER_IDS), *events)
    told = story.told(Found())

    found = {(target.rater, target.kind, target.about): one.entry.event["id"] for target, one in standing(Log(told)).items()}
    held = {(target.rater, target.kind, target.about): event.id for target, event in Judgements(events).last().items() if target.kind in _KINDS}

    assert held == found
