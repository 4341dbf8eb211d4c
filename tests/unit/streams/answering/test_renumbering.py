"""Renumbering: the same text, with the numbers that its chunks have now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.answering.citations import numbers_in
from streams.answering.renumbering import renumbered


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("Kept [1]. Or not [2].", {1: 2, 2: 1}, "Kept [2]. Or not [1]."),
        ("Both [1, 3].", {1: 4, 3: 10}, "Both [4, 10]."),
        ("Kept [1].", {1: 1}, "Kept [1]."),
        ("In [2024] it held [1].", {1: 1}, "In [2024] it held [1]."),
        ("Use `rows[1]`, which is there [1].", {1: 1}, "Use `rows[1]`, which is there [1]."),
    ],
)
def test_each_chunk_gets_its_present_number(text: str, places: dict[int, int], expected: str) -> None:
    """Two may change places."""
    now = renumbered(text, places)

    assert expected == now


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Kept [1]. Or not [2].", {1: 1, 2: None}),
        ("Kept [1], in rows[7].", {1: 2}),
        ("Use `rows[1]`, which is there [1].", {1: 2}),
        ("Nobody knows.", {}),
        ("In [2024] it held [1]. And so [2].", {1: 2, 2: 1}),
        ("It held [1], as [2–3] say.", {1: 2}),
    ],
)
def test_what_cannot_be_renumbered_is_not_given(text: str, places: dict[int, int | None]) -> None:
    """A chunk that was not found now; brackets that may be no citation; a text that cites nothing."""
    now = renumbered(text, places)

    assert now is None


@given(st.permutations(range(1, 7)), st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_there_and_back_is_the_same_text(order: list[int], cited: list[int]) -> None:
    """Whatever was cited, in whatever order it is found now."""
    places = dict(enumerate(order, start=1))
    text = " ".join(f"So it is [{number}]." for number in cited)

    there = renumbered(text, places)

    assert there is not None
    assert [places[number] for number in cited] == list(numbers_in(there))
    assert text == renumbered(there, {place: number for number, place in places.items()})
