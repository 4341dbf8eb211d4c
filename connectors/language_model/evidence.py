"""Evidence: do the chunks found for a question hold its answer at all? Pure; the extractive model asks before it quotes.

Counted is the share of the question's terms that one chunk holds, with its title and headings, and how near in meaning the nearest chunk is
(cosine), if there are vectors. All terms count alike here: a rare one is what the index looked for first, so it is not rare in what
it found. A name in the question (a capital inside the sentence) that no chunk holds weighs against: who asks about Salesforce is not
answered by a page that has all the other words.

On the 40 sample questions and 23 that the sample documents do not answer (10 of them about neighbouring software): with MiniLM 1 of 40 is
refused and 1 of 23 answered; with keywords only 4 and none; two of the four because the right page was not found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from connectors.keyword_index.terms import Analyser
from connectors.language_model.passage import forget_passages, parts_of, read
from schemas.events import RetrievedChunk

_BY_WORDS = 0.45  # about half of the question's terms in one chunk
_WITH_MEANING = 0.65  # the same sum: half of the terms and a cosine of 0.15, or a quarter and 0.4
_NAME_MISSING = 0.4
_REMEMBERED = 256  # questions that are on their way: asked when the chunks are read ahead, when the model is chosen, and by the extractive one
_WORD = re.compile(r"\w+")


def holds_answer(question: str, chunks: Sequence[RetrievedChunk]) -> bool:
    """Whether it is worth quoting from these chunks."""
    held, nearest = _evidence(question, chunks)
    return held >= _BY_WORDS if nearest is None else held + nearest >= _WITH_MEANING


def confidence(question: str, chunks: Sequence[RetrievedChunk]) -> float:
    """How likely it is that the chunks hold the answer, 0..1: 0.5 is where `holds_answer` says yes."""
    held, nearest = _evidence(question, chunks)
    share = held / _BY_WORDS if nearest is None else (held + nearest) / _WITH_MEANING
    return round(min(max(share / 2, 0.0), 1.0), 4)


def _evidence(question: str, chunks: Sequence[RetrievedChunk]) -> tuple[float, float | None]:
    """The share of the question that one chunk holds, less what a missing name takes off, and the nearest cosine."""
    return _weighed(question, tuple((*parts_of(chunk), chunk.scores.vector) for chunk in chunks))


@lru_cache(maxsize=_REMEMBERED)
def _weighed(question: str, chunks: tuple[tuple[str, str, float | None], ...]) -> tuple[float, float | None]:
    analyser, texts = Analyser(), [read(headings, text).terms for headings, text, _ in chunks]
    terms = analyser.question_terms(question)
    if not terms or not texts:
        return -1.0, None
    held = max(sum(term in text for term in terms) / len(terms) for text in texts)
    names = analyser.terms(" ".join(_names(question)))
    missing = _NAME_MISSING if any(all(name not in text for text in texts) for name in names) else 0.0
    return held - missing, max((cosine for _, _, cosine in chunks if cosine is not None), default=None)


def forget_evidence() -> None:
    """As in a worker that has read none of it: for measurements."""
    forget_passages()
    _weighed.cache_clear()


def _names(question: str) -> list[str]:
    """Words with a capital but the first and `I`; none if most words have one, as in a headline."""
    words = _WORD.findall(question)[1:]
    names = [word for word in words if word[0].isupper() and word != "I"]
    return names if len(names) * 3 <= len(words) * 2 else []
