"""Summary: a turn in one line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.language_model.base import Turn
from streams.answering.summary import line_of, telling

LAG = (
    "Good that you ask about this topic. Consumer lag is the number of records that a group has not read yet. "
    "It is measured for each partition. Dashboards show it in red and in green colours."
)


def test_the_sentence_that_tells_most_is_taken() -> None:
    """It shares most with the question and with the rest of the answer."""
    assert "Consumer lag is the number of records that a group has not read yet." == telling(Turn("What is consumer lag?", LAG))


def test_an_answer_without_sentences_is_taken_itself() -> None:
    """A list, a word."""
    assert "- Which port? → 9092" == line_of(Turn("Which port?", "9092"))


def test_of_sentences_alike_the_first_is_taken() -> None:
    """So that the line is the same whenever it is made."""
    assert "One is as good as two." == telling(Turn("?", "One is as good as two. Two is as good as one."))


@given(st.builds(Turn, st.text(max_size=900), st.text(max_size=900)))
def test_a_line_is_one_and_short(turn: Turn) -> None:
    """Whatever was asked and answered."""
    line = line_of(turn)

    assert 1 == len(line.splitlines())
    assert 500 >= len(line)
