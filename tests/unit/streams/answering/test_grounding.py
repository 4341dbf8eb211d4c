"""streams/answering/grounding.py: answers in the documents' own words, with their own citations and with others'."""

from __future__ import annotations

import random
import re
from statistics import mean

import pytest

from connectors.language_model.base import Prompt
from connectors.language_model.extractive import NO_ANSWER, answer
from infra.environment import PROJECT
from schemas.events import RetrievedChunk
from streams.answering.grounding import grounding_of
from tests.builders import a_chunk

LAG = a_chunk(1, text="Consumer lag is the distance between the end of a partition and the offset of its group.", title="Lag")
KEEP = a_chunk(2, text="A topic keeps its records for seven days by default.", title="Retention")
CHUNKS = (LAG, KEEP)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A topic keeps its records for seven days. [2]", 1.0),
        ("A topic keeps its records for seven days [2].", 1.0),
        ("- Lag is the distance to the end of a partition [1]\n- Topics keep records for seven days [2]", 1.0),
        ("Consumer lag keeps records for seven days. [1][2]", 1.0),
        ("Consumer lag keeps records for seven days. [1, 2]", 1.0),
        ("A topic keeps its records for seven days. [1]", 0.0),
        ("A topic keeps its records for seven days. Lag is the distance. [1]", 0.5),
        ("## Retention of everything\n\nIn short:\n\nA topic keeps its records for seven days [2]. That is so.", 1.0),
        (f"A topic keeps its records for seven days [2]. {NO_ANSWER}", 1.0),
        ("Topics keep elephants for seven days [2].", 0.8),
    ],
)
def test_a_sentence_is_held_by_the_chunks_that_it_cites(text: str, expected: float) -> None:
    """By no others; headings, leads to a list and short sentences do not count, sentences without a citation do."""
    assert expected == grounding_of(text, CHUNKS)


@pytest.mark.parametrize("text", ["", NO_ANSWER, "A topic keeps its records for seven days.", "A topic keeps its records for seven days [9]."])
def test_a_text_that_cites_nothing_has_no_score(text: str) -> None:
    """There is nothing to compare it with."""
    assert grounding_of(text, CHUNKS) is None


# ---------------------------------------------------------------- real texts


def sections() -> list[RetrievedChunk]:
    """Of the sample documents, as chunks."""
    texts = [
        (page.stem, section)
        for page in sorted((PROJECT / "infra/samples/docs").glob("*.md"))
        for section in re.split(r"^## ", page.read_text(), flags=re.MULTILINE)[1:]
    ]
    return [a_chunk(1, chunk_id=f"{name}#{place}", document_id=name, title=name, text=f"## {text}") for place, (name, text) in enumerate(texts)]


def answers_about_samples() -> list[tuple[str, tuple[RetrievedChunk, ...]]]:
    """Extractive answers to the headings of the documents, each from its own section and five others, of the same document while there are any."""
    rng, chunks = random.Random(0), sections()
    asked = []
    for chunk in rng.sample(chunks, 80):
        others = sorted(rng.sample(chunks, len(chunks)), key=lambda other, of=chunk.document_id: other.document_id != of)
        found = [chunk, *(other for other in others if other is not chunk)][:6]
        ranked = tuple(one.model_copy(update={"rank": rank}) for rank, one in enumerate(found, 1))
        asked.append((answer(Prompt(chunk.text.partition("\n")[0].lstrip("# "), ranked)), ranked))
    return [(text, ranked) for text, ranked in asked if text != NO_ANSWER]


def shuffled(text: str) -> str:
    """The same with each number moved on."""
    return re.sub(r"\[(\d)\]", lambda number: f"[{int(number[1]) % 6 + 1}]", text)


def test_right_citations_of_real_texts_are_told_from_wrong_ones() -> None:
    """Near 1 where each sentence stands in what it cites; much lower where it stands in another chunk, in nearly every pair of answers."""
    answers = answers_about_samples()
    right = [score for text, chunks in answers if (score := grounding_of(text, chunks)) is not None]
    wrong = [score for text, chunks in answers if (score := grounding_of(shuffled(text), chunks)) is not None]
    auc = mean(1.0 if good > bad else 0.5 if good == bad else 0.0 for good in right for bad in wrong)

    assert len(right) > 40
    assert min(right) > 0.95
    assert mean(wrong) < 0.35
    assert auc > 0.99
