"""Bodies of feedback over HTTP: POST and DELETE /v1/sessions/{id}/feedback. What of it fits the answer is schemas/feedback_check.py's to say."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.event import Id
from schemas.feedback_events import MOST_COMMENT, MOST_CORRECTION, MOST_TAG, MOST_TAGS, SAYS, Signal
from schemas.http_bodies import Body, ExternalId, Plain


class FeedbackWanted(Body):
    """POST /v1/sessions/{id}/feedback. At least one of thumb, stars, correction, better_than, signal, comment, tags."""

    query_id: ExternalId | None = Field(None, description="The answer's question if left out.")
    answer_id: Id | None = Field(None, description="The query's first answer if left out; the session's last one if that is left out too.")
    chunk_id: Id | None = Field(None, description="About this chunk, that the answer was made from, instead of about the answer.")
    citation: int | None = Field(None, ge=1, strict=True, description="The same by its number in the answer's text.")
    feedback_id: ExternalId | None = Field(None, description="Name it to send the same feedback again, or to change it.")
    thumb: Literal["up", "down"] | None = None
    stars: int | None = Field(None, ge=1, le=5, strict=True)
    correction: Annotated[Plain, Field(max_length=MOST_CORRECTION)] | None = Field(None, description="The answer as it should have been.")
    better_than: Id | None = Field(None, description="Another answer to the same question, that this one is better than.")
    shown: tuple[Id, ...] = Field((), max_length=20, description="In which order the answers were shown: people prefer the first.")
    signal: Signal | None = Field(None, description="Something that was done with the answer, and says less than a word.")
    comment: Annotated[Plain, Field(max_length=MOST_COMMENT)] | None = None
    tags: tuple[Annotated[Plain, Field(max_length=MOST_TAG)], ...] = Field((), max_length=MOST_TAGS)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(getattr(self, name) for name in SAYS):
            raise ValueError(f"give at least one of {', '.join(SAYS)}")
        if self.chunk_id is not None and self.citation is not None:
            raise ValueError("give chunk_id or citation, not both")
        return self


class FeedbackAccepted(Body):
    """The feedback, or its retraction, is in the log."""

    feedback_id: str
    query_id: str
    answer_id: str
