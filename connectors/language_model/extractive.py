"""Language model without a model: it answers in the documents' own sentences, each with its citation. Deterministic, so it can be run again.

A sentence scores by how much of the question it covers (rare words count more), by what it stands under, and by the rank of its chunk.
Two to five are taken, none like another; the best one's source comes first, and within a source they keep the document's order.
When the chunks hold too little of the question, it says so in one sentence without a citation.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, NamedTuple

from connectors.keyword_index.terms import Analyser
from connectors.language_model.base import Finish, Prompt, Resumes
from connectors.language_model.evidence import holds_answer
from connectors.language_model.passage import passage_of
from connectors.language_model.weights import Question, Terms, likeness
from schemas.events import RetrievedChunk, Usage

NO_ANSWER = "The documents do not answer this question."

_TOKEN = re.compile(r"\s*\S+")
_MOST_SENTENCES = 5
_UNDER = 0.4  # of what a title, a heading or the sentence before covers, beside what the sentence does itself
_RANK = 0.3  # what the best chunk's sentences have ahead of the last one's
_LEANING = 0.85  # a sentence that leans on the one before it ("This means …") reads worse alone
_LEANS = re.compile(r"(?:It|Its|This|That|These|Those|They|Their|He|She|Such|So|But|And|Then|Therefore|However|Otherwise|Instead|Both)\b")
_LONG = 40  # words; a longer sentence scores less in proportion
_ALIKE = 0.6
_WORTH = 0.7  # of the best sentence's score: what scores less is left out, but for the second


class Candidate(NamedTuple):
    """A sentence that may be quoted."""

    text: str
    chunk: RetrievedChunk
    place: int  #: among its chunk's sentences
    terms: Terms
    under: Terms  #: of the title, the headings and the sentence before
    score: float = 0.0

    @property
    def order(self) -> tuple[int, int]:
        return self.chunk.start, self.place


class ExtractiveModel:
    """See connectors/language_model/base.py."""

    name = "extractive"
    resumes: Resumes = "rerun"
    converses = False
    worth_keeping = False
    template = None

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {"version": 1}

    async def read_ahead(self, chunks: tuple[RetrievedChunk, ...]) -> None:
        """Read the chunks that nobody has read lately: 1 ms each, one at a time."""
        for chunk in chunks:
            await asyncio.sleep(0)
            passage_of(chunk)

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        """The answer, word by word."""
        text = answer(prompt)
        tokens = _TOKEN.findall(text)
        for token in tokens:
            yield token
        read = sum(passage_of(chunk).words for chunk in prompt.chunks)
        yield Finish(Usage(prompt_tokens=read, completion_tokens=len(tokens)))


def answer(prompt: Prompt) -> str:
    """The answer's text."""
    candidates = list(_candidates(prompt.chunks))
    if not candidates or not holds_answer(prompt.question, prompt.chunks):
        return NO_ANSWER
    question = Question.weighed(Analyser().question_terms(prompt.question), [candidate.terms for candidate in candidates])
    scored = [candidate._replace(score=_score(candidate, question, len(prompt.chunks))) for candidate in candidates]
    return " ".join(f"{chosen.text} [{chosen.chunk.rank}]" for chosen in _arranged(_chosen(scored)))


def _candidates(chunks: Sequence[RetrievedChunk]) -> Iterator[Candidate]:
    """Every sentence once, from the best chunk that has it."""
    seen: set[str] = set()
    for chunk in sorted(chunks, key=lambda chunk: chunk.rank):
        passage, before = passage_of(chunk), Terms()
        for place, sentence in enumerate(passage.sentences):
            if sentence.text not in seen:
                yield Candidate(sentence.text, chunk, place, sentence.terms, passage.headings | before)
            seen.add(sentence.text)
            before = sentence.terms


def _score(candidate: Candidate, question: Question, ranks: int) -> float:
    covered = question.covered(candidate.terms)
    under = question.covered(candidate.under - candidate.terms)
    rank = 1 - (candidate.chunk.rank - 1) / ranks
    words = len(candidate.text.split())
    leaning = _LEANING if _LEANS.match(candidate.text) else 1.0
    return (covered + _UNDER * under + _RANK * rank) * min(1.0, _LONG / words) * leaning


def _chosen(scored: Sequence[Candidate]) -> list[Candidate]:
    """The best sentences, each new against those before it; at least two if there are two that differ."""
    chosen: list[Candidate] = []
    for candidate in sorted(scored, key=lambda candidate: (-candidate.score, candidate.chunk.rank, candidate.place)):
        worth = not chosen or candidate.score >= _WORTH * chosen[0].score or len(chosen) == 1
        if worth and len(chosen) < _MOST_SENTENCES and all(likeness(candidate.terms, other.terms) < _ALIKE for other in chosen):
            chosen.append(candidate)
    return chosen


def _arranged(chosen: Sequence[Candidate]) -> Iterator[Candidate]:
    """By source, the best sentence's first; within a source as the document has them."""
    for document in dict.fromkeys(candidate.chunk.document_id for candidate in chosen):
        yield from sorted((candidate for candidate in chosen if candidate.chunk.document_id == document), key=lambda candidate: candidate.order)
