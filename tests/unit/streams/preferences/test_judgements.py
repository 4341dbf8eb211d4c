"""streams/preferences/judgements.py: what of the feedback counts."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas.events import Feedback
from streams.preferences.judgements import Judgements, Target, mark_of
from tests.unit.streams.preferences.judged import UNHURRIED, feedback, given, retracted


@UNHURRIED
@for_all(st.lists(feedback(), max_size=12).flatmap(lambda events: st.tuples(st.just(events), st.permutations(events + events[: len(events) // 2]))))
def test_neither_order_nor_redelivery_changes_what_counts(case: tuple[list[Feedback], list[Feedback]]) -> None:
    """Any interleaving, any event twice."""
    once, shuffled = case

    assert Judgements(once).last() == Judgements(shuffled).last()


def test_the_last_words_under_an_id_count() -> None:
    """By their own time, not by when they arrive."""
    judgements = Judgements([given(at=1, thumb="down"), given(at=0, thumb="up")])

    assert ["down"] == [event.thumb for event in judgements]


def test_of_a_raters_votes_for_one_answer_the_last_counts() -> None:
    """Under different ids: a double vote that contradicts itself."""
    last = Judgements([given("f1", at=0, thumb="up"), given("f2", at=1, stars=1)]).last()

    assert {Target("ann", "mark", ("a-q1",)): 0.0} == {target: mark_of(event) for target, event in last.items()}


def test_what_was_taken_back_does_not_count_and_what_it_replaced_does_again() -> None:
    """The retraction is of one id."""
    last = Judgements([given("f1", at=0, thumb="up"), given("f2", at=1, thumb="down"), retracted("f2", at=2)]).last()

    assert ["f1"] == [event.feedback_id for event in last.values()]


def test_nobody_takes_back_what_somebody_else_said() -> None:
    """Clients choose the ids."""
    last = Judgements([given("f1", by="ann"), retracted("f1", by="bob", at=2)]).last()

    assert ["ann"] == [event.given_by for event in last.values()]


def test_feedback_that_is_given_again_after_its_retraction_counts() -> None:
    """The later of both decides."""
    last = Judgements([given("f1", at=0), retracted("f1", at=1), given("f1", at=2, stars=4)]).last()

    assert [0.75] == [mark_of(event) for event in last.values()]


def test_a_vote_on_a_chunk_is_no_vote_on_the_answer() -> None:
    """It has a target of its own."""
    last = Judgements([given(thumb="down", chunk_id="default/a.md#0")]).last()

    assert [Target("ann", "chunk", ("a-q1", "default/a.md#0"))] == list(last)


def test_who_opens_a_chunks_source_has_used_the_answer() -> None:
    """The signal is about both."""
    last = Judgements([given(signal="source-opened", chunk_id="default/a.md#0")]).last()

    assert [Target("ann", "signal", ("a-q1", "source-opened"))] == list(last)
