"""Events of an answer: how it was begun, its tokens, how it ended."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from schemas.event import Id, Value
from schemas.session_events import IndexPosition, SessionEvent

Tier = Literal["extractive", "small", "medium", "large"]  #: of models, the cheapest first
Refused = Literal["moderation", "confidence"]


class AnswerEvent(SessionEvent):
    """An event of one answer. Of two attempts the higher wins; whoever begins the answer anew counts `attempt` up."""

    answer_id: Id  #: one answer to a question
    attempt: int = Field(ge=0)  #: of two attempts the higher wins


class Route(Value):
    """Why an answer comes from the model that it comes from."""

    tier: Tier | None = None  #: null: no tiers are set, one model answers all
    rule: str = ""  #: of the table, the one that decided
    confidence: float | None = None  #: that the chunks hold the answer, 0..1; null: nothing was looked up
    instead_of: str | None = None  #: the model that should have answered, and failed


class Screened(Value):
    """Something that speaks to the model instead of to the reader was found, and what was done."""

    where: str  #: "question", or the id of a chunk
    rules: tuple[str, ...]  #: names of the patterns that fit
    removed: bool = True  #: the model was not given it


class CachedAnswer(Value):
    """The answer was given before, to the same question or to one that means the same."""

    kind: Literal["exact", "semantic"]
    answer_id: Id
    similarity: float = 1.0  #: of both questions, cosine


class Conversation(Value):
    """What of the session the model was given beside the question."""

    verbatim: tuple[Id, ...] = ()  #: queries whose question and answer it was given whole, oldest first
    summarised: tuple[Id, ...] = ()  #: older queries, of which it was given a summary
    tokens: int = 0  #: of all of it


class GenerationStarted(AnswerEvent):
    """An attempt began. Tokens of older attempts at `resumes_at` and after are void."""

    type: Literal["GenerationStarted"] = "GenerationStarted"
    version: Literal[1] = 1
    resumes_at: int = Field(ge=0)  #: index of the first TokensGenerated of this attempt
    model: str
    parameters: dict[str, Any] = Field(default_factory=dict)  #: name and hash of the prompt's template among them
    route: Route = Route()
    arms: dict[str, str] = Field(default_factory=dict)  #: by experiment, the arm that the session is in
    conversation: Conversation = Conversation()
    screened: tuple[Screened, ...] = ()
    refused: Refused | None = None  #: why no model was asked
    cached: CachedAnswer | None = None


class TokensGenerated(AnswerEvent):
    """A piece of the answer's text: one to three tokens, more under load. Indexes of an answer are contiguous from 0."""

    type: Literal["TokensGenerated"] = "TokensGenerated"
    version: Literal[1] = 1
    index: int = Field(ge=0)
    text: str


class Citation(Value):
    """A number in the answer's text, and the chunk that it stands for."""

    number: int
    chunk_id: Id
    document_id: Id
    title: str
    source: str
    heading_path: tuple[str, ...] = ()


class Usage(Value):
    """Tokens read and written, as the model counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Cost(Value):
    """What the model's work is charged with, by ROXY_PRICES."""

    amount: float  #: in `currency`
    currency: str = "USD"


class Paid(Value):
    """What a model took for text that did not become the answer: it failed, or was stopped. Told by its server, or counted by what had come."""

    model: str
    usage: Usage
    cost: Cost | None = None  #: null: the model has no price


class CacheKey(Value):
    """Two answers with the same key would be the same: tenant, index position, model, its parameters and prompt, filters, conversation."""

    question: str  #: of all of these, the question, and the chunks that were found for it
    around: str  #: of all of these without the question


class ContextChunk(Value):
    """A chunk that an answer was made from."""

    chunk_id: Id
    rank: int
    score: float  #: by which it was ranked
    hash: str  #: of its text as the model was given it


class Context(Value):
    """What an answer was made from. Two answers with the same hash were given the same chunks in the same words."""

    hash: str
    chunks: tuple[ContextChunk, ...] = ()
    index: IndexPosition  #: what the index knew


class AnswerCompleted(AnswerEvent):
    """The answer is whole. The session, and topic `answers` (the audit record)."""

    type: Literal["AnswerCompleted"] = "AnswerCompleted"
    version: Literal[1] = 1
    question: str
    asked: str = ""  #: the question whole, as it was understood and given to the model
    text: str
    answered: bool  #: false: the documents do not hold the answer, and the text says so
    citations: tuple[Citation, ...] = ()
    model: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    context: Context | None = None  #: null: nothing was looked up
    prompt: str | None = None  #: what the model was given; null for a model that is given none
    usage: Usage = Usage()
    finish_reason: Literal["stop", "length"] = "stop"
    route: Route = Route()
    arms: dict[str, str] = Field(default_factory=dict)
    refused: Refused | None = None  #: why no model was asked
    cached: CachedAnswer | None = None  #: usage and cost are then nothing
    cache_key: CacheKey | None = None  #: null: it may not be given again
    cost: Cost | None = None  #: null: the model has no price
    in_vain: tuple[Paid, ...] = ()  #: what models took for text that is not in the answer
    grounding: float | None = None  #: 0..1, how far its sentences are held by the chunks that they cite; null: it cites nothing
    dropped_citations: int = 0  #: numbers that stand for no chunk, and were taken out of the text
    checked: bool = False  #: the model has read its own draft once more and mended it
    flagged: tuple[str, ...] = ()  #: categories that the moderator found in the answer, which had been streamed by then
    unmoderated: bool = False  #: the moderator was away: it has not looked at the question, or not at the answer
    tokens_end: int  #: one past the index of the last TokensGenerated
    took_ms: float


class AnswerFailed(AnswerEvent):
    """The answer could not be made, or not be finished."""

    type: Literal["AnswerFailed"] = "AnswerFailed"
    version: Literal[1] = 1
    error: str  #: slug of the error class
    detail: str
    remedy: str
    retryable: bool
    in_vain: tuple[Paid, ...] = ()  #: what models took for text that is not in the answer


class AnswerCancelled(AnswerEvent):
    """The answer was stopped by a QueryCancelled."""

    type: Literal["AnswerCancelled"] = "AnswerCancelled"
    version: Literal[1] = 1
    cancelled_by: str = "anonymous"
    tokens_end: int
    in_vain: tuple[Paid, ...] = ()  #: what models took for text that is not in the answer
