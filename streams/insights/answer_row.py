"""AnswerRow: of an answer what figures are made of. Its prompt and its text, which are most of it, are not kept."""

from __future__ import annotations

import math
from collections.abc import Iterable
from hashlib import blake2b
from sys import intern
from typing import Literal, NamedTuple

from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, Paid
from schemas.feedback_check import chunks_of
from schemas.moments import seconds_of
from schemas.spending import End
from streams.preferences.implicit import Ended, hash_of_words
from streams.unread import NO_READERS

How = Literal["whole", "failed", "cancelled"]
_NONE = "(none)"
_LONGEST = 100  # characters of a name that is counted
_MOST = 1e12  # of a figure: a foreign producer's nonsense must not be what no record can hold, once it is added up


class AnswerRow(NamedTuple):
    """One end of one answer. One that failed or was cancelled has no more than its model, if that wrote some of it in vain."""

    tenant: str
    session_id: str
    query_id: str
    answer_id: str
    attempt: int
    time: str
    at: float  #: the same, in seconds since 1970
    how: How = "whole"
    error: str = ""  #: of one that failed, slug of the error class
    cut_off: bool = False  #: somebody stopped it who had seen some of it
    models: tuple[str, ...] = ()
    in_vain: tuple[tuple[str, float], ...] = ()  #: currency and amount
    words: str = ""  #: of the question, hashed
    question: str = ""  #: whole, as it was understood; only of one that is not answered
    answered: bool = False
    refused: str | None = None
    cached: bool = False
    flagged: bool = False
    prompt: str | None = None  #: name of its template
    arms: tuple[tuple[str, str], ...] = ()  #: experiment and arm
    cited: tuple[tuple[str, str], ...] = ()  #: chunk and its document
    chunks: tuple[str, ...] = ()  #: that it was made from: only they can be judged with it
    took_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    currency: str | None = None
    cost: float = 0.0
    grounding: float | None = None
    digest: str = ""  #: of its text

    @property
    def documents(self) -> set[str]:
        return {document for _, document in self.cited}

    @property
    def whole(self) -> bool:
        return self.how == "whole"

    @property
    def made(self) -> bool:
        """A model was at work for all of it: what it took says something of the model."""
        return self.whole and not self.cached and self.refused is None

    @property
    def order(self) -> tuple[int, str, str]:
        """Of two ends of one answer the greater counts. Two that differ in nothing but what they say have an order, too."""
        return self.attempt, self.time, repr(self)

    @property
    def ended(self) -> Ended | None:
        """What its session may tell of it, if it ended whole."""
        return Ended(self.query_id, self.answer_id, self.at, self.words) if self.whole else None


def row_of(end: End) -> AnswerRow:
    """Raises ValueError where its time is none, or a figure is one that nothing can have."""
    row = AnswerRow(
        tenant=end.tenant,
        session_id=end.session_id,
        query_id=end.query_id,
        answer_id=end.answer_id,
        attempt=end.attempt,
        time=end.time,
        at=seconds_of(end.time),
        in_vain=tuple((paid.cost.currency[:_LONGEST], paid.cost.amount) for paid in end.in_vain if paid.cost),
    )
    _require_possible(amount for _, amount in row.in_vain)
    match end:
        case AnswerCompleted():
            return _whole(row, end)
        case AnswerFailed():
            return row._replace(how="failed", error=end.error[:_LONGEST], models=_models(end.in_vain))
        case AnswerCancelled():
            seen = end.tokens_end > 0 and end.cancelled_by != NO_READERS
            return row._replace(how="cancelled", cut_off=seen, models=_models(end.in_vain))


def digest_of(text: str) -> str:
    """Enough to see that a correction says the same."""
    return blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _whole(row: AnswerRow, answer: AnswerCompleted) -> AnswerRow:
    cost, usage = answer.cost, answer.usage
    _require_possible((answer.took_ms, usage.prompt_tokens, usage.completion_tokens, cost.amount if cost else 0.0, answer.grounding or 0.0))
    return row._replace(
        models=(intern(answer.model),),
        words=hash_of_words(answer.question),
        question="" if answer.answered else answer.asked or answer.question,
        answered=answer.answered,
        refused=answer.refused,
        cached=answer.cached is not None,
        flagged=bool(answer.flagged),
        prompt=intern(str(answer.parameters.get("prompt", _NONE))),
        arms=tuple(sorted(answer.arms.items())),
        cited=tuple(sorted({(intern(citation.chunk_id), intern(citation.document_id)) for citation in answer.citations})),
        chunks=tuple(sorted(map(intern, chunks_of(answer)))),
        took_ms=answer.took_ms,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        currency=cost.currency[:_LONGEST] if cost else None,
        cost=cost.amount if cost else 0.0,
        grounding=answer.grounding,
        digest=digest_of(answer.text),
    )


def _models(in_vain: Iterable[Paid]) -> tuple[str, ...]:
    return tuple(sorted({paid.model for paid in in_vain}))


def _require_possible(figures: Iterable[float]) -> None:
    if not all(math.isfinite(figure) and abs(figure) <= _MOST for figure in figures):
        raise ValueError("a figure that nothing can have")
