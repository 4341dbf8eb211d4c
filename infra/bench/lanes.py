"""Made-up sessions in the lanes of a real broker, for the bench of replay: a question, its chunks, the answer's beginning, 60 tokens, its end.

One session is made of events and encoded; the others are its records under their own ids. Several are under way at a time, as in life.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.kafka.client import open_producer
from infra.bench.corpus import BENCH, TENANT, text_of
from infra.bench.filling import under_id, write
from schemas.codec import encode
from schemas.events import (
    AnswerCompleted,
    ChunksRetrieved,
    Event,
    GenerationStarted,
    IndexPosition,
    QueryAsked,
    RetrievedChunk,
    Scores,
    TokensGenerated,
    Understanding,
    answer_id_of,
)
from schemas.record import Draft
from schemas.session_id import Session, new_session_id
from schemas.settings import Settings
from schemas.topics import SESSIONS

TOKENS = 60
RECORDS = TOKENS + 4  #: of a session
_AT_A_TIME = 64  # sessions under way
_CHUNKS = 5
_TIME = "2026-01-01T00:00:00.000Z"
_QUESTION = "How long is a record kept?"
_TEXTS = tuple(f" {word}" for word in (text_of(0) * 2).split()[:TOKENS])


async def fill_lanes(settings: Settings, count: int) -> int:
    """At least so many records, of whole sessions. Returns how many."""
    sessions = -(-count // RECORDS)
    async with open_producer(settings, "roxy-bench") as producer:
        for first in range(0, sessions, _AT_A_TIME):
            await write(producer, SESSIONS, _drafts(min(_AT_A_TIME, sessions - first)), settings.session_lanes)
    return sessions * RECORDS


def _drafts(sessions: int) -> Iterator[Draft]:
    """Of sessions that go on side by side: a record of each in turn."""
    own = [new_session_id(TENANT, "lane").encode() for _ in range(sessions)]
    for template in _TEMPLATES:
        for session_id in own:
            yield under_id(template, template.key, session_id)


def _events(session: Session) -> Iterator[Event]:
    query = f"q-{session.id}"
    of_query = {"tenant": session.tenant, "time": _TIME, "session_id": session.id, "query_id": query}
    of_answer = {**of_query, "answer_id": answer_id_of(query), "attempt": 1}
    index = IndexPosition(index="made-up", offsets={str(partition): 1_000 for partition in range(8)})
    yield QueryAsked(id=query, text=_QUESTION, **of_query)
    yield ChunksRetrieved(
        id=f"{query}:found",
        question=_QUESTION,
        understanding=Understanding(text=_QUESTION),
        chunks=tuple(map(_chunk, range(1, _CHUNKS + 1))),
        index=index,
        session_offset=0,
        took_ms=5.0,
        **of_query,
    )
    yield GenerationStarted(id=f"{query}:1", resumes_at=0, model="made-up", **of_answer)
    for number, text in enumerate(_TEXTS):
        yield TokensGenerated(id=f"{answer_id_of(query)}:1:{number}", index=number, text=text, **of_answer)
    yield AnswerCompleted(
        id=f"{answer_id_of(query)}:end",
        question=_QUESTION,
        asked=_QUESTION,
        text="".join(_TEXTS),
        answered=True,
        model="made-up",
        tokens_end=TOKENS,
        took_ms=900.0,
        **of_answer,
    )


def _chunk(rank: int) -> RetrievedChunk:
    text = text_of(rank)
    return RetrievedChunk(
        rank=rank,
        chunk_id=f"{TENANT}/bench-{rank}#0",
        document_id=f"bench-{rank}",
        title=f"Page {rank}",
        source=f"bench/{rank}.md",
        start=0,
        end=len(text),
        text=text,
        scores=Scores(fused=1 / rank),
    )


_TEMPLATES = [encode(event, BENCH) for event in _events(Session(TENANT, new_session_id(TENANT, "lane")))]
