"""Follow-ups: when a question leans on the one before, and what it is made into."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Citation
from streams.turns import Turn
from streams.understanding.follow_up import made_whole
from streams.understanding.leaning import leans


def a_citation(number: int, title: str, *headings: str) -> Citation:
    return Citation(number=number, chunk_id=f"c{number}", document_id=f"d{number}", title=title, source="s", heading_path=headings)


@pytest.mark.parametrize(
    ("before", "asked", "expected"),
    [
        ("What is consumer lag?", "how do I measure it?", "how do I measure consumer lag?"),
        ("How does compaction work?", "What are its drawbacks?", "What are compaction's drawbacks?"),
        ("Is TLS enabled by default?", "And how do I turn it off?", "how do I turn TLS off?"),
        ("How do I get a parking permit?", "how much does it cost?", "how much does a parking permit cost?"),
        ("Who is the CEO?", "what is her email?", "what is the CEO's email?"),
        ("What is a dead letter?", "which topic does it go to?", "which topic does a dead letter go to?"),
        ("What is a dead letter?", "how many are there?", "how many are there? (What is a dead letter)"),
        ("How do I configure SASL?", "ok. and for the producer?", "How do I configure SASL for the producer?"),
        ("How long does Kafka keep records?", "how do I change it?", "how do I change it? (How long does Kafka keep records)"),
        ("what was the revenue in 2022?", "and in 2023?", "what was the revenue in 2023?"),
        ("what was the revenue in 2022?", "what about the costs?", "what was the costs in 2022?"),
        ("Who approves travel expenses above 500 euros?", "and below 500?", "Who approves travel expenses below 500 euros?"),
        ("What is a lane?", "What about a topic?", "What is a topic?"),
        ("How do I enable TLS?", "and on Windows?", "How do I enable TLS on Windows?"),
        ("How do I reset the offsets?", "why?", "why: How do I reset the offsets?"),
        ("Why does the producer retry?", "but why?", "Why does the producer retry?"),
        ("How does a group work?", "tell me more", "How does a group work? (tell me more)"),
        ("acks=1 or acks=all?", "what does the latter do?", "what does acks=all do?"),
        ("difference between delete and compact", "what about the second one?", "compact (difference between delete and compact)"),
        ("at least once vs at most once", "which one is better?", "which one is better? (at least once vs at most once)"),
    ],
)
def test_what_a_question_leaves_out_is_put_back(before: str, asked: str, expected: str) -> None:
    """In the place of a pronoun, of a time, of what the question before was about; else that question stands beside."""
    assert leans(asked)
    assert (expected, ("q1",)) == made_whole(asked, [Turn("q1", before)])


def test_a_place_in_a_list_is_looked_up_in_the_answer_and_in_what_it_cites() -> None:
    """In the answer's list first."""
    turn = Turn(
        "q1", "Which clean-up policies are there?", citations=(a_citation(1, "Retention", "By time"), a_citation(2, "Compaction", "Tombstones"))
    )
    listed = turn._replace(answer="There are delete, compact and both. [1]")

    assert "how does compact work?" == made_whole("how does the second one work?", [listed]).text
    assert "how does Compaction Tombstones work?" == made_whole("how does the second one work?", [turn]).text
    assert "how does Compaction Tombstones work?" == made_whole("how does the last one work?", [turn]).text


def test_a_place_that_nothing_has_leaves_the_question_before_beside_it() -> None:
    """Nothing is made up."""
    assert "which is the third one? (What is lag)" == made_whole("which is the third one?", [Turn("q1", "What is lag?")]).text


def test_the_last_turn_counts() -> None:
    """It was made whole itself, so a chain of follow-ups keeps its topic."""
    turns = [Turn("q1", "What is a lane?"), Turn("q2", "how do I measure consumer lag?")]

    assert ("how do I measure consumer lag on Windows?", ("q2",)) == made_whole("and on Windows?", turns)


def test_without_a_turn_before_a_question_stays_as_it_is() -> None:
    """And follows nothing."""
    assert ("why?", ()) == made_whole("why?", [])


@given(st.text(max_size=80), st.text(max_size=600), st.text(max_size=80))
def test_the_same_turns_give_the_same_text_and_never_an_error(asked: str, before: str, answer: str) -> None:
    """Whatever people write; and it does not grow without limit from turn to turn."""
    turns = [Turn("q1", before, answer)]
    whole = made_whole(asked, turns)

    assert whole == made_whole(asked, turns)
    assert len(whole.text) <= len(asked) + 410
