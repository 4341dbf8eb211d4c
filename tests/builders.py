"""Values for tests, each with sound defaults: `a_query(text="…")`. Records, contexts, and a model that says what it is told to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, Literal

from connectors.language_model.base import Finish, Prompt, Resumes
from connectors.session_log.base import Gap, SessionLog, SessionRecord
from schemas.attempts import AttemptFilter
from schemas.codec import Context, decode, encode
from schemas.events import (
    TERMINAL,
    ChunksRetrieved,
    Event,
    FeedbackGiven,
    GenerationStarted,
    IndexPosition,
    QueryAsked,
    QueryCancelled,
    RegenerationAsked,
    RetrievedChunk,
    Scores,
    Sibling,
    TokensGenerated,
    Understanding,
    Usage,
    answer_id_of,
)
from schemas.record import Record
from schemas.session_id import Session, new_session_id

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONTEXT = Context("/roxy/test", TRACEPARENT)
REPEATED = CONTEXT._replace(repeat=True)


def a_session(tenant: str = "default", placement: Literal["topic", "lane"] = "topic") -> Session:
    return Session(tenant, new_session_id(tenant, placement))


def a_query(session: Session | None = None, query_id: str = "q1", **fields: Any) -> QueryAsked:
    session = session or Session("default", "t1")
    return QueryAsked(**{"id": query_id, "tenant": session.tenant, "session_id": session.id, "query_id": query_id, "text": "What is kept?"} | fields)


def understood(asked: QueryAsked) -> tuple[QueryAsked, Understanding]:
    """A question, and itself as what is looked up."""
    return asked, Understanding(text=asked.text)


def a_cancellation(session: Session | None = None, query_id: str = "q1", **fields: Any) -> QueryCancelled:
    session = session or Session("default", "t1")
    identity = {"id": f"{query_id}:cancelled", "tenant": session.tenant, "session_id": session.id, "query_id": query_id, "cancelled_by": "ann"}
    return QueryCancelled(**identity | fields)


def a_regeneration(session: Session | None = None, query_id: str = "q1", name: str = "1", **fields: Any) -> RegenerationAsked:
    """`settings`: the sibling's."""
    session, answer_id = session or Session("default", "t1"), f"{answer_id_of(query_id)}.{name}"
    identity = {"id": f"{answer_id}:asked", "tenant": session.tenant, "session_id": session.id, "query_id": query_id}
    return RegenerationAsked(**identity | {"sibling": Sibling(answer_id=answer_id, settings=fields.pop("settings", {}))} | fields)


def a_feedback(session: Session | None = None, query_id: str = "q1", **fields: Any) -> FeedbackGiven:
    session = session or Session("default", "t1")
    identity = {"id": "f1", "feedback_id": "f1", "tenant": session.tenant, "session_id": session.id, "query_id": query_id}
    return FeedbackGiven(**identity | {"answer_id": answer_id_of(query_id), "thumb": "up"} | fields)


def a_chunk(rank: int = 1, **fields: Any) -> RetrievedChunk:
    text = fields.pop("text", f"Chunk {rank} says so.")
    identity = {"rank": rank, "chunk_id": f"d{rank}#0", "document_id": f"d{rank}", "title": f"Document {rank}", "source": f"d{rank}.md"}
    return RetrievedChunk(**identity | {"start": 0, "end": len(text), "text": text, "scores": Scores(fused=1 / rank)} | fields)


def chunks_retrieved(session: Session | None = None, query_id: str = "q1", chunks: int = 2, **fields: Any) -> ChunksRetrieved:
    session = session or Session("default", "t1")
    identity = {"id": f"{query_id}:chunks", "tenant": session.tenant, "session_id": session.id, "query_id": query_id}
    found = {"question": "What is kept?", "chunks": tuple(a_chunk(rank) for rank in range(1, chunks + 1)), "index": IndexPosition(index="test")}
    understanding = Understanding(text="What does the chunk say?")
    return ChunksRetrieved(**identity | found | {"understanding": understanding, "session_offset": 0, "took_ms": 1.0} | fields)


def tokens(found: ChunksRetrieved, index: int, text: str, attempt: int = 1) -> TokensGenerated:
    return TokensGenerated(**_answer(found, attempt, f"{attempt}:{index}"), index=index, text=text)


def generation_started(found: ChunksRetrieved, attempt: int = 1, resumes_at: int = 0) -> GenerationStarted:
    return GenerationStarted(**_answer(found, attempt, f"{attempt}:started"), resumes_at=resumes_at, model="scripted")


def _answer(found: ChunksRetrieved, attempt: int, part: str) -> dict[str, Any]:
    answer_id = found.answer_id
    session = {"tenant": found.tenant, "session_id": found.session_id, "query_id": found.query_id}
    return {"id": f"{answer_id}:{part}", "answer_id": answer_id, "attempt": attempt} | session


def a_record(event: Event, topic: str = "queries", partition: int = 0, offset: int = 0, context: Context = CONTEXT) -> Record:
    """The event as it lies in Kafka."""
    return Record(topic, partition, offset, *encode(event, context))


def unreadable(topic: str = "queries", offset: int = 0, value: bytes | None = b"{not json") -> Record:
    return Record(topic, 0, offset, b"t1", value, (("tenant", b"acme"),))


class ScriptedModel:
    """Says `tokens`; `fails_at` token k raises `error`. Remembers what it was asked and whether its streams were closed."""

    worth_keeping = True

    def __init__(
        self,
        tokens: Sequence[str] = ("One ", "two ", "[1]."),
        resumes: Resumes = "rerun",
        fails_at: int = -1,
        error: Exception | None = None,
        name: str = "scripted",
    ):
        self.name, self.resumes, self.converses, self.template = name, resumes, False, None
        self.parameters: dict[str, Any] = {}
        self.prefixes: list[str] = []
        self.closed = 0
        self._tokens, self._fails_at, self._error = tokens, fails_at, error

    async def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        self.prefixes.append(prefix)
        try:
            for number, token in enumerate(self._rest(prefix)):
                if number == self._fails_at and self._error is not None:
                    raise self._error
                await self.before(number)
                yield token
            yield Finish(Usage(completion_tokens=len(self._tokens)))
        finally:
            self.closed += 1

    async def before(self, number: int) -> None:
        """Called before each token: where a test waits."""

    def _rest(self, prefix: str) -> Sequence[str]:
        text = "".join(self._tokens)
        assert text.startswith(prefix)
        return (text[len(prefix) :],) if prefix else self._tokens


async def events_of(session_log: SessionLog, session: Session) -> list[Event]:
    """All events of a session's log, as they lie there."""
    return [decode(record.record) for record in await records_of(session_log.history(session))]


async def records_of(history: AsyncIterator[SessionRecord | Gap]) -> list[SessionRecord]:
    return [record async for record in history if isinstance(record, SessionRecord)]


def as_read(records: Sequence[SessionRecord]) -> tuple[str, list[Event]]:
    """What a reader of the records makes of them: the answer's text, and the terminal events that counted."""
    counts, texts, ends = AttemptFilter(), list[str](), list[Event]()
    for record in records:
        if not counts.admits(record.marks):
            continue
        match event := decode(record.record):
            case GenerationStarted():
                del texts[event.resumes_at :]
            case TokensGenerated():
                assert len(texts) == event.index
                texts.append(event.text)
            case _ if event.type in TERMINAL:
                ends.append(event)
    return "".join(texts), ends
