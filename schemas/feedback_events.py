"""Events of feedback: what people thought of answers, and what was made of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from schemas.event import Event, Id, Value
from schemas.session_events import IndexPosition, SessionEvent

Signal = Literal["copied", "source-opened"]
#: What a judgement says something with; at least one of them is given.
SAYS = ("thumb", "stars", "correction", "better_than", "signal", "comment", "tags")
MOST_CORRECTION, MOST_COMMENT, MOST_TAG = 100_000, 10_000, 100  #: characters; a pair holds a correction beside the answer, in one record
MOST_TAGS = 20


class FeedbackGiven(SessionEvent):
    """Someone judged an answer, one of the chunks that it cites, or two answers against each other. Topic `feedback`, then the session.

    Of one rater about one target the last one counts, by its time.
    """

    type: Literal["FeedbackGiven"] = "FeedbackGiven"
    version: Literal[1] = 1
    feedback_id: Id  #: given again with other words, the later ones replace the earlier
    answer_id: Id
    chunk_id: Id | None = None  #: set: about this chunk, as far as the answer rests on it
    given_by: str = "anonymous"
    thumb: Literal["up", "down"] | None = None
    stars: int | None = Field(None, ge=1, le=5)
    correction: str | None = Field(None, min_length=1, max_length=MOST_CORRECTION)  #: the answer as it should have been
    better_than: Id | None = None  #: another answer to the same question, that this one is better than
    shown: tuple[Id, ...] = Field((), max_length=20)  #: in which order both were shown: people prefer the first
    signal: Signal | None = None  #: something that was done with the answer, and says less than a word
    comment: str | None = Field(None, min_length=1, max_length=MOST_COMMENT)
    tags: tuple[Annotated[str, Field(min_length=1, max_length=MOST_TAG)], ...] = Field((), max_length=MOST_TAGS)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(getattr(self, name) for name in SAYS):
            raise ValueError(f"give at least one of {', '.join(SAYS)}")
        return self


class FeedbackRetracted(SessionEvent):
    """Someone took back what they had said. Topic `feedback`, then the session."""

    type: Literal["FeedbackRetracted"] = "FeedbackRetracted"
    version: Literal[1] = 1
    feedback_id: Id
    retracted_by: str = "anonymous"


Feedback = FeedbackGiven | FeedbackRetracted


class Side(Value):
    """One of the two answers of a pair."""

    text: str
    answer_id: Id | None = None  #: null: a correction
    model: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    arms: dict[str, str] = Field(default_factory=dict)
    mark: float | None = None  #: the rater's, 0..1


class PreferencePairFormed(Event):
    """Of two answers to a question one is preferred. Topic `preferences`; a null record takes a pair back."""

    SUBJECT = "pair_id"
    CORRELATION = "query_id"

    type: Literal["PreferencePairFormed"] = "PreferencePairFormed"
    version: Literal[1] = 1
    pair_id: Id
    session_id: Id
    query_id: Id
    rater: str  #: who judged
    signal: Literal["correction", "comparison", "ratings", "implicit"]
    question: str  #: whole, as it was understood
    prompt: str | None = None  #: what the rejected answer's model was given; null for a model that is given none
    chosen: Side
    rejected: Side
    same_context: bool  #: both answers were made from the same chunks
    context: str | None = None  #: hash of the chunks that the rejected answer was made from
    index: IndexPosition | None = None  #: what the index knew when they were found
    feedback: tuple[Id, ...]  #: ids of the FeedbackGiven events that it rests on
    weight: float = 1.0
    judged_at: str  #: time of the last of them


class CorrectionReviewed(Event):
    """Someone decided whether a correction becomes a document. Topic `reviews`: all that the document is made of stands here."""

    SUBJECT = "pair_id"
    CORRELATION = "query_id"

    type: Literal["CorrectionReviewed"] = "CorrectionReviewed"
    version: Literal[1] = 1
    proposal_id: Id  #: the correction in these words: in other words it is another proposal
    pair_id: Id  #: of the rater and the answer, with whatever words: the record's key, and in the document's id
    session_id: Id
    query_id: Id
    answer_id: Id
    question: str
    text: str  #: the correction
    rater: str  #: who corrected
    feedback: tuple[Id, ...]  #: ids of the FeedbackGiven events that it comes from
    judged_at: str
    verdict: Literal["approved", "rejected"]
    reviewed_by: str = "anonymous"
    reason: str = ""
