"""streams/exports/agreement.py: several raters as one opinion."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from streams.exports.agreement import most
from tests.unit.streams.exports.log import a_log, fold, said


@for_all(st.lists(st.booleans(), max_size=9))
def test_the_opinion_of_most_is_that_of_more_than_half(opinions: list[bool]) -> None:
    """Of two opinions; a draw is none."""
    found = most(opinions)
    most_think = 2 * sum(opinions) > len(opinions)

    if 2 * sum(opinions) == len(opinions):
        assert found is None
    else:
        assert found is not None
        assert (most_think, opinions.count(most_think) / len(opinions)) == found


async def test_what_two_of_three_prefer_is_exported_once_with_those_two() -> None:
    """One row, two raters, two thirds."""
    journal = await a_log(*(said(0, by, better_than="a-q0.1") for by in ("ann", "bob")), said(0, "cleo", sibling=1, better_than="a-q0"))
    found = await fold(journal, "preferences", test_share=0)

    assert [("Text of a-q0.", 2, 2 / 3)] == [(row.texts[0], len(row.raters), row.agreement) for row in found.splits["train"]]


async def test_raters_who_disagree_half_and_half_make_no_row() -> None:
    """It is counted."""
    found = await fold(await a_log(said(0, better_than="a-q0.1"), said(0, "bob", sibling=1, better_than="a-q0")), "preferences")

    assert ([], {"raters disagree": 1}) == ([*found.splits["train"], *found.splits["test"]], found.dropped)


async def test_too_little_agreement_is_left_out() -> None:
    """Two of three are not three of four."""
    journal = await a_log(*(said(0, by, thumb="up") for by in ("ann", "bob")), said(0, "cleo", thumb="down"))
    found = await fold(journal, "kto", min_agreement=0.75)

    assert {"too little agreement": 1} == found.dropped


async def test_two_who_correct_in_the_same_words_are_two_raters_of_one_row() -> None:
    """And a third with other words has a row of their own."""
    journal = await a_log(*(said(0, by, correction="So.") for by in ("ann", "bob")), said(0, "cleo", correction="Thus."))
    found = await fold(journal, "preferences", test_share=0)

    assert [("So.", 2), ("Thus.", 1)] == sorted((row.texts[0], len(row.raters)) for row in found.splits["train"])
