"""Grounding: how far an answer's sentences are held by the chunks that they cite. Pure.

Counted is the share of a sentence's terms that the chunks it cites hold, with their titles and headings. Words, not meaning: a sentence that
says the opposite in the same words is held, one that says the same in other words is not. It finds citations that do not belong, and
sentences that nobody vouches for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from prometheus_client import Histogram

from connectors.keyword_index.terms import Analyser
from connectors.language_model.extractive import NO_ANSWER
from connectors.language_model.passage import passage_of
from connectors.language_model.sentences import parts_of
from connectors.language_model.weights import Terms
from schemas.events import RetrievedChunk
from streams.answering.citations import LIST, numbers_in, without_citations

_SCORES = Histogram("roxy_answer_grounding", "How far answers are held by what they cite, 0..1.", buckets=[tenth / 10 for tenth in range(1, 11)])

_BEHIND_THE_END = re.compile(rf"([.!?…][\"'”’)]*)((?:\s*{LIST})+)")
_FEWEST_TERMS = 3  # a shorter sentence leads from one to the next: "That has two reasons."


class _Sentence(NamedTuple):
    text: str
    numbers: tuple[int, ...]


def grounding_of(text: str, chunks: Sequence[RetrievedChunk]) -> float | None:
    """0..1, the mean over its sentences; None for a text that cites nothing.

    A sentence that cites nothing is held by nothing, unless it says that there is no answer, leads to a list, or is short.
    """
    held = {chunk.rank: passage_of(chunk).terms for chunk in chunks}
    if not held.keys() & set(numbers_in(text)):
        return None
    sentences = list(_sentences(text))
    terms = Analyser().terms_of_each([sentence.text for sentence in sentences])
    supports = [_support(terms, sentence, held) for terms, sentence in zip(terms, sentences, strict=True) if _counts(terms, sentence)]
    score = round(sum(supports) / len(supports), 4) if supports else None
    if score is not None:
        _SCORES.observe(score)
    return score


def _sentences(text: str) -> list[_Sentence]:
    """Each with its numbers, those behind its full stop too."""
    parts = parts_of(_BEHIND_THE_END.sub(r" \2\1", text))
    return [_Sentence(without_citations(part), tuple(numbers_in(part))) for part in parts]


def _counts(terms: Terms, sentence: _Sentence) -> bool:
    if sentence.numbers:
        return bool(terms)
    return len(terms) >= _FEWEST_TERMS and not sentence.text.rstrip().endswith(":") and NO_ANSWER not in sentence.text


def _support(terms: Terms, sentence: _Sentence, held: Mapping[int, Terms]) -> float:
    cited = Terms().union(*(held.get(number, Terms()) for number in sentence.numbers))
    return len(terms & cited) / len(terms)
