"""Events of a session: questions, and what was found for them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from schemas.event import Event, Id, Value

#: Of a question `q.1` the first answer would have the id of another answer to the question `q`.
QuestionId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9_:/#@-]*$")]


def answer_id_of(query_id: str) -> str:
    """The id of a question's first answer."""
    return f"a-{query_id}"


def is_sibling_of(answer_id: str, query_id: str) -> bool:
    """Whether that can be the id of another answer to the question: its first one's, a dot, and what tells them apart."""
    first = f"{answer_id_of(query_id)}."
    return answer_id.startswith(first) and answer_id != first


class SessionEvent(Event):
    """An event of one session. Correlation is the query."""

    SUBJECT = "session_id"
    CORRELATION = "query_id"

    session_id: Id  #: the session, and the record's key
    query_id: Id  #: the question that it belongs to


# ---------------------------------------------------------------- questions


class Filters(Value):
    """Which chunks a question may find. Every part that is given must hold; of a part with several values, one of them. Empty: all."""

    sources: tuple[str, ...] = ()  #: where the document came from; one that ends in `*` stands for all that begin so
    tags: tuple[str, ...] = ()
    since: str | None = None  #: the chunk was written, or changed, then or later: RFC 3339, UTC, with milliseconds
    until: str | None = None  #: and before then


NO_FILTERS = Filters()


class QueryAsked(SessionEvent):
    """Someone asked a question. Topic `queries`, then the session."""

    type: Literal["QueryAsked"] = "QueryAsked"
    version: Literal[1] = 1
    query_id: QuestionId  #: without a dot: in an answer's id, what stands behind one tells it from the question's first
    text: str = Field(min_length=1)  #: the question
    filters: Filters = NO_FILTERS
    asked_by: str = "anonymous"  #: subject of the principal
    idempotency_key: str | None = None  #: set: the same question may have been written before

    @property
    def answer_id(self) -> str:
        """Of the answer that it asks for."""
        return answer_id_of(self.query_id)


class QueryCancelled(SessionEvent):
    """Someone asked for the answer to stop. Topic `queries`, then the session. What is asked for behind it is not meant."""

    type: Literal["QueryCancelled"] = "QueryCancelled"
    version: Literal[1] = 1
    answer_id: Id | None = None  #: only this one; null: every answer to the question that is under way
    cancelled_by: str = "anonymous"


class Sibling(Value):
    """Another answer to a question that has one: what it shall be made with instead of what holds for the session."""

    answer_id: Id  #: the first answer's, a dot, and what tells it from others: `a-q1.01jd…`
    settings: dict[str, Any] = Field(default_factory=dict)  #: by the settings' names in lower case, without ROXY_
    asked_by: str = "anonymous"


class RegenerationAsked(SessionEvent):
    """Someone asked for another answer to a question. Topic `queries`, then the session."""

    type: Literal["RegenerationAsked"] = "RegenerationAsked"
    version: Literal[1] = 1
    sibling: Sibling
    look_up_again: bool = False  #: false: from the same chunks, so that both answers can be compared

    @property
    def answer_id(self) -> str:
        """Of the answer that it asks for."""
        return self.sibling.answer_id

    @model_validator(mode="after")
    def _names_a_sibling(self) -> Self:
        """Under the id of an answer that there is, its tokens would go on behind that one's."""
        if not is_sibling_of(self.answer_id, self.query_id):
            raise ValueError(f"the sibling's answer_id does not begin with {answer_id_of(self.query_id)}.")
        return self


Intent = Literal["lookup", "how-to", "comparison", "follow-up", "greeting", "out-of-scope"]

#: Intents that are answered without looking anything up.
SHORTCUTS: frozenset[Intent] = frozenset({"greeting", "out-of-scope"})


class Understanding(Value):
    """What was made of a question before it was looked up."""

    intent: Intent = "lookup"
    text: str  #: what was looked up: the question cleaned, and made whole if it leans on those before it
    keywords: tuple[str, ...] = ()  #: its words that tell most, the rarest first
    expansions: tuple[str, ...] = ()  #: words that were looked up too, for less: what its acronyms stand for, a word spelt nearly so
    follows: tuple[Id, ...] = ()  #: questions of the session that it was made whole with


class Scores(Value):
    """Why a chunk was taken. A part that did not find the chunk is null."""

    vector: float | None = None  #: cosine similarity, -1..1
    keyword: float | None = None  #: BM25, 0..
    fused: float  #: of both parts, by ROXY_FUSION, ROXY_SMOOTHING and the votes; 0..
    votes: float | None = None  #: what the fused score was multiplied with, by votes on the chunk; null: by nothing
    rerank: float | None = None  #: the reranker's, higher is better


class RetrievedChunk(Value):
    """A chunk as it was found for one question."""

    rank: int  #: 1 is best; the number in a citation
    chunk_id: Id
    document_id: Id
    title: str
    source: str  #: path or URL that the document came from
    heading_path: tuple[str, ...] = ()
    start: int  #: first character in the document's text
    end: int  #: one past the last character
    text: str
    tokens: int = 0  #: length of `text`, as the chunker counts
    scores: Scores
    neighbours: tuple[Id, ...] = ()  #: chunks before and behind it whose text was joined to its own
    also_in: tuple[Id, ...] = ()  #: chunks that say the same, and were found too


class IndexPosition(Value):
    """What the index knew: the next offset of `chunks` by partition, that it had not applied yet."""

    index: str  #: identity: embedder, vector and keyword backend
    generation: int = 0
    offsets: dict[str, int] = Field(default_factory=dict)


class KnownVotes(Value):
    """Which votes on chunks a search knew."""

    offsets: dict[str, int]  #: the next one of `feedback`, by partition
    digest: str  #: of the tenant's: where it is the same, the same chunks are moved by the same


class ChunksRetrieved(SessionEvent):
    """Chunks were found for a question. Topic `retrievals`, and the session."""

    type: Literal["ChunksRetrieved"] = "ChunksRetrieved"
    version: Literal[1] = 1
    question: str
    filters: Filters = NO_FILTERS
    understanding: Understanding
    chunks: tuple[RetrievedChunk, ...]
    context_tokens: int = 0  #: of all chunks together
    index: IndexPosition
    plan: str = ""  #: fingerprint of the settings that it was searched with
    votes: KnownVotes | None = None  #: on chunks; null: they do not count
    reranker: str | None = None
    degraded: tuple[str, ...] = ()  #: parts that did not answer: "vector", "keyword", "rerank"
    cached: tuple[str, ...] = ()  #: what was not computed anew: "embedding", "results"
    arms: dict[str, str] = Field(default_factory=dict)  #: by experiment, the arm that the session is in
    sibling: Sibling | None = None  #: set: for another answer than the question's first
    session_offset: int  #: where the session's QueryAsked lies: a reader of this answer need not look further back
    query_offset: int | None = None  #: of a sibling: where in `queries` it was asked for; what was cancelled before does not mean it
    took_ms: float

    @property
    def answer_id(self) -> str:
        """Of the answer that it was found for."""
        return self.sibling.answer_id if self.sibling else answer_id_of(self.query_id)
