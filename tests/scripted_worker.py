"""A worker for the tests of protocols: over memory backends, it writes for each question the records that a real one would write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import decode
from schemas.errors import UnknownSession
from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, Citation, Event, QueryAsked, QueryCancelled, Usage, answer_id_of
from schemas.session_id import Session
from schemas.topics import QUERIES
from tests.builders import CONTEXT, a_chunk, chunks_retrieved, generation_started, tokens

PIECES = ("Records ", "are kept ", "for 30 days [1]", ".")
TEXT = "".join(PIECES)
CITATIONS = tuple(Citation(number=n, **{name: getattr(a_chunk(n), name) for name in ("chunk_id", "document_id", "title", "source")}) for n in (1, 2))


def an_answer(asked: QueryAsked, *, pieces: Sequence[str] = PIECES) -> list[Event]:
    """What a worker writes for a question. One that begins with `Fail` fails, one that begins with `Wait` does not end."""
    session = Session(asked.tenant, asked.session_id)
    found = chunks_retrieved(session, asked.query_id, question=asked.text)
    begun: list[Event] = [asked, found, generation_started(found), *(tokens(found, index, piece) for index, piece in enumerate(pieces))]
    if asked.text.startswith("Wait"):
        return begun[:5]
    return [*begun, failed(asked) if asked.text.startswith("Fail") else completed(asked, "".join(pieces), len(pieces))]


def completed(asked: QueryAsked, text: str = TEXT, tokens_end: int = len(PIECES), attempt: int = 1) -> AnswerCompleted:
    usage = Usage(prompt_tokens=12, completion_tokens=4)
    made = {"question": asked.text, "text": text, "answered": True, "citations": CITATIONS, "model": "scripted", "usage": usage}
    return AnswerCompleted(**_identity(asked, "completed", attempt), **made, tokens_end=tokens_end, took_ms=1.0)


def failed(asked: QueryAsked) -> AnswerFailed:
    error = {"error": "model-unavailable", "detail": "The language model did not answer.", "remedy": "Try again.", "retryable": False}
    return AnswerFailed(**_identity(asked, "failed"), **error)


def cancelled(asked: QueryAsked | QueryCancelled) -> AnswerCancelled:
    return AnswerCancelled(**_identity(asked, "cancelled"), tokens_end=2)


@asynccontextmanager
async def working(journal: MemoryJournal, log: MemorySessionLog) -> AsyncIterator[None]:
    """Answer what is asked, for so long."""
    task = asyncio.create_task(_work(journal, log))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _work(journal: MemoryJournal, log: MemorySessionLog) -> None:
    async with journal.follow(QUERIES) as follower:
        while True:
            for record in await follower.read(1.0):
                await _answer(log, decode(record))


async def _answer(log: MemorySessionLog, event: Event) -> None:
    assert isinstance(event, QueryAsked | QueryCancelled)
    events = an_answer(event) if isinstance(event, QueryAsked) else [event, cancelled(event)]
    with suppress(UnknownSession):  # forgotten meanwhile
        await log.append(Session(event.tenant, event.session_id), events, CONTEXT)


def _identity(asked: QueryAsked | QueryCancelled, part: str, attempt: int = 1) -> dict:
    answer = {"answer_id": answer_id_of(asked.query_id), "attempt": attempt, "id": f"{asked.query_id}:{part}:{attempt}"}
    return {"tenant": asked.tenant, "session_id": asked.session_id, "query_id": asked.query_id, **answer}
