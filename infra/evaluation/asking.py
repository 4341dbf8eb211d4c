"""Asking: each question of a dataset through the real retrieval step, one after the other; what comes back is a ranking of documents."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from connectors.journal.memory import MemoryJournal
from infra.evaluation.dataset import TENANT, Question
from infra.evaluation.progress import Advance
from schemas.events import SHORTCUTS, ChunksRetrieved, Event, QueryAsked
from schemas.record import Position
from schemas.topics import QUERIES
from streams.app import steps
from streams.chunk_index import ChunkIndex
from streams.ports import Ports
from streams.search.plan import Plan
from streams.step import Delivery

_SESSION = "tevaluation"
_UNBOUNDED = 10**9  # tokens


class Reply(NamedTuple):
    """What was found for one question."""

    question: Question
    documents: tuple[str, ...]  #: ids in the index, best first
    skipped: str | None  #: the intent for which nothing was looked up
    degraded: tuple[str, ...]
    cached: tuple[str, ...]
    took_ms: float


def evaluated(plan: Plan, depth: int, most_chunks: int = 1) -> Plan:
    """The plan as it is evaluated: all that orders the chunks is kept; what only cuts and shapes the context of an answer is off.

    So many chunks are asked for that `depth` documents are among them, though each had `most_chunks` of them; at most all candidates, which are
    two lists of at least `depth`.
    """
    candidates = max(plan.candidates, depth)
    return plan._replace(candidates=candidates, top_k=min(2 * candidates, depth * most_chunks), context_tokens=_UNBOUNDED, neighbours=0)


async def ask_all(ports: Ports, questions: Sequence[Question], plan: Plan, advance: Advance = lambda _: None) -> list[Reply]:
    """Ask one after the other, so that the times are those of a question that has the machine to itself. Raises Unavailable."""
    settings = ports.settings.model_copy(update={**plan._asdict(), "experimenting": False})
    ready = replace(ports, settings=settings, seen=OrderedDict())
    replies = []
    for number, question in enumerate(questions):
        replies.append(await _ask(ready, question, number))
        advance(1)
    return replies


async def _ask(ports: Ports, question: Question, number: int) -> Reply:
    asked = QueryAsked(id=f"q{number}:asked", tenant=TENANT, session_id=f"{_SESSION}{number}", query_id=f"q{number}", text=question.text)
    found = await _retrieved(ports, asked, number)
    intent = found.understanding.intent
    return Reply(question, ranking(found, ports.index), intent if intent in SHORTCUTS else None, found.degraded, found.cached, found.took_ms)


def ranking(found: ChunksRetrieved, index: ChunkIndex) -> tuple[str, ...]:
    """A document stands where its best chunk does; one whose chunk was merged into another's, right behind that one."""
    return tuple(dict.fromkeys(_documents_of(found, index)))


async def _retrieved(ports: Ports, asked: QueryAsked, number: int) -> ChunksRetrieved:
    """What the step of `queries` writes onward."""
    step = next(step for step in steps(ports, MemoryJournal()) if step.topic is QUERIES)
    at = Position(QUERIES.name, 0, number)

    async def written() -> list[Position]:
        return [at]

    events: list[Event] = []
    async for output in step.run(asked, Delivery(at, redelivered=False, attempt=1, written=written, in_vain=[])):
        events += output if isinstance(output, tuple) else ()
    return next(event for event in events if isinstance(event, ChunksRetrieved))


def _documents_of(found: ChunksRetrieved, index: ChunkIndex) -> Iterator[str]:
    for chunk in found.chunks:
        yield chunk.document_id
        for chunk_id in chunk.also_in:
            if (merged := index.chunk(TENANT, chunk_id)) is not None:
                yield merged.document_id
