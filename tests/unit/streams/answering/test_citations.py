"""streams/answering/citations.py: what a text cites, and how numbers that stand for nothing are taken out of it while it is streamed."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from streams.answering.citations import CitationFilter, cited, numbers_in
from tests.builders import a_chunk

CHUNKS = (a_chunk(1), a_chunk(2))
PIECES = st.sampled_from(
    ["[1]", "[9]", "[1, 9]", "[", "]", "(", ")", " ", "  ", ", ", ".", "word", "`", "``", "```", "\n", "~~~", "1", "9", ";", "![", "](x)", "[0]", "é"]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)


def filtered(*tokens: str, behind: str = "") -> str:
    stream = CitationFilter({1, 2}, behind=behind)
    return "".join(map(stream.feed, tokens)) + stream.end()


def dropped(text: str) -> int:
    stream = CitationFilter({1, 2})
    stream.feed(text)
    stream.end()
    return stream.dropped


# -------------------------------------------------------------------- dropped


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kept for ever [9].", "Kept for ever."),
        ("Kept for ever. [9] Or not.", "Kept for ever. Or not."),
        ("Kept [9] for ever.", "Kept for ever."),
        ("Kept [1][9].", "Kept [1]."),
        ("Kept [9][1].", "Kept [1]."),
        ("Kept [9] [1].", "Kept [1]."),
        ("Kept [1], [9].", "Kept [1]."),
        ("Kept [9], [8], and so on.", "Kept, and so on."),
        ("Kept [1, 9] and [9; 2] and [ 8,9 ].", "Kept [1] and [2] and."),
        ("[9] Kept.", "Kept."),
        ("First.\n[9] Kept.", "First.\nKept."),
        ("- [9] Kept.", "- Kept."),
        ("  [9] Kept.", "  Kept."),
        ("Kept ([9]).", "Kept."),
        ("Kept ([1], [9]).", "Kept ([1])."),
        ("Kept ([9] says so).", "Kept (says so)."),
        ("Kept (as [9] says).", "Kept (as says)."),
        ("[0] [003] [99]", ""),
        ("数据保留七天[9]。", "数据保留七天。"),
        ("Kept.[9]", "Kept."),
        ("Kept [9] ", "Kept "),
    ],
)
def test_a_number_that_stands_for_nothing_goes_and_leaves_no_trace(text: str, expected: str) -> None:
    """No blank too many, no comma, no empty brackets."""
    assert expected == filtered(text)
    assert dropped(text) > 0


@pytest.mark.parametrize(
    "text",
    [
        "Kept [1], [2] and [1, 2]; [2][1].",
        "The entry array[9] of matrix[8][9], f(x, [x]) and call([9]).",
        "See [9](https://example.org/9), ![9](x.png) and [the manual][9].",
        "Write `array [9]`, ``a ` [9]`` or\n\n```python\nx = [9]\ny = [ 9, 8 ]\n```\n",
        "~~~\n[9]\n```\n[9]\n~~~~\n",
        "In [2024], [x], [-9], [9.5], [1-9], [] and [1234].",
        "An unfinished [9",
        "- [ ] open\n- [x] done",
    ],
)
def test_what_is_no_citation_or_a_right_one_is_left_alone(text: str) -> None:
    """Names of code, links, code in its marks, numbers of another kind."""
    assert text == filtered(text)
    assert 0 == dropped(text)


def test_a_stray_backtick_does_not_hide_the_rest() -> None:
    """A span ends with its line, a fence does not; behind a closed one all is as before."""
    assert "A ` and.\nNext." == filtered("A ` and.\nNext [9].")
    assert "Use `x` so." == filtered("Use `x` so [9].")
    assert "```\n[9]\n```\nSo." == filtered("```\n[9]\n```\nSo [9].")


def test_each_number_is_counted() -> None:
    """Those of a list too."""
    assert 3 == dropped("So [9], [1, 8, 7] `[9]`.")


# ------------------------------------------------------------------ streamed


@given(TEXTS, st.lists(st.integers(0, 80), max_size=12))
@example(" [9][1](x)", [2, 3, 5])
def test_however_a_text_is_cut_the_same_comes_out(text: str, cuts: list[int]) -> None:
    """Also character by character."""
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    tokens = [text[start:end] for start, end in itertools.pairwise(places)]

    assert filtered(text) == filtered(*tokens) == filtered(*text)


@given(TEXTS.filter(lambda text: "9" not in text and "0" not in text))
def test_a_text_without_wrong_numbers_is_unchanged(text: str) -> None:
    """Whatever else stands in it."""
    assert text == filtered(text)


@given(st.lists(st.text(alphabet="ab.\n`~,", min_size=1, max_size=5), max_size=10))
def test_without_brackets_every_token_goes_out_at_once(words: list[str]) -> None:
    """As it came; the blank between two goes out with the second."""
    stream = CitationFilter({1})

    assert [f" {word}" for word in words] == [stream.feed(f" {word}") for word in words]


@given(TEXTS)
def test_only_what_may_become_a_citation_is_held_back(text: str) -> None:
    """A few characters: blanks, a bracket, numbers."""
    stream, out = CitationFilter(range(100)), ""
    for fed, character in enumerate(text, 1):
        out += stream.feed(character)
        held = text[len(out) : fed]

        assert re.fullmatch(r"[ \t(\[\]0-9,;)]*", held)


@given(TEXTS, st.integers(0, 80))
def test_the_filter_goes_on_behind_what_is_out(text: str, cut: int) -> None:
    """A model that was given what is out continues as if nothing had happened: code is still code, a name still a name."""
    first = CitationFilter({1, 2})
    out = first.feed(text[:cut])
    assume(first.dropped == 0)  # else what is held cannot be told from here
    behind = CitationFilter({1, 2}, behind=out)

    assert filtered(text) == out + behind.feed(text[len(out) :]) + behind.end()


# --------------------------------------------------------------------- cited


def test_lists_and_numbers_behind_a_word_are_read_as_well() -> None:
    """As many models write."""
    assert [1, 2, 3] == list(numbers_in("So it is[1]. And so [2, 3]."))
    assert [1, 2] == [citation.number for citation in cited("So it is[1]. And so [2, 3].", CHUNKS)]
