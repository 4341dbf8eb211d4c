"""AnswerRow: of an answer what figures are made of. Its prompt and its text, which are most of it, are not kept."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from schemas.events import AnswerCompleted

_NONE = "(none)"


class AnswerRow(NamedTuple):
    """One end of one answer."""

    tenant: str
    session_id: str
    answer_id: str
    attempt: int
    time: str
    at: float  #: the same, in seconds since 1970
    question: str  #: whole, as it was understood
    answered: bool
    refused: str | None
    cached: bool
    flagged: bool
    model: str
    prompt: str  #: name of its template
    arms: tuple[tuple[str, str], ...]  #: experiment and arm
    cited: tuple[tuple[str, str], ...]  #: chunk and its document
    took_ms: float
    prompt_tokens: int
    completion_tokens: int
    currency: str | None
    cost: float
    grounding: float | None
    digest: str  #: of its text

    @property
    def documents(self) -> set[str]:
        return {document for _, document in self.cited}

    @property
    def made(self) -> bool:
        """A model was at work: what it took says something of the model."""
        return not self.cached and self.refused is None

    @property
    def order(self) -> tuple[int, str, str]:
        """Of two ends of one answer the greater counts. Two that differ in nothing but what they say have an order, too."""
        return self.attempt, self.time, repr(self)


def row_of(answer: AnswerCompleted) -> AnswerRow:
    """Raises ValueError where its time is none."""
    cost, cached = answer.cost, answer.cached is not None
    return AnswerRow(
        tenant=answer.tenant,
        session_id=answer.session_id,
        answer_id=answer.answer_id,
        attempt=answer.attempt,
        time=answer.time,
        at=seconds_of(answer.time),
        question=answer.asked or answer.question,
        answered=answer.answered,
        refused=answer.refused,
        cached=cached,
        flagged=bool(answer.flagged),
        model=answer.model,
        prompt=str(answer.parameters.get("prompt", _NONE)),
        arms=tuple(sorted(answer.arms.items())),
        cited=tuple(sorted({(citation.chunk_id, citation.document_id) for citation in answer.citations})),
        took_ms=answer.took_ms,
        prompt_tokens=answer.usage.prompt_tokens,
        completion_tokens=answer.usage.completion_tokens,
        currency=cost.currency if cost else None,
        cost=cost.amount if cost else 0.0,
        grounding=answer.grounding,
        digest=digest_of(answer.text),
    )


def seconds_of(time: str) -> float:
    """Seconds since 1970; a time without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(time)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except OverflowError as error:  # beyond the year 9999 in UTC
        raise ValueError(time) from error


def digest_of(text: str) -> str:
    """Enough to see that a correction says the same."""
    return blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
