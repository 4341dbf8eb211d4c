"""What is done with each topic's events: the ports bound to the plain functions that do it.

Each takes an event and its delivery and yields outputs; streams/step.py writes them. Of a record that may have been worked on before,
what is in the session's log counts: nothing is written there twice.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from connectors.journal.base import Journal
from schemas.errors import RoxyError, UnknownSession
from schemas.events import (
    ChunksRetrieved,
    CorrectionReviewed,
    DocumentDeleted,
    DocumentFailed,
    DocumentSubmitted,
    Event,
    FeedbackGiven,
    FeedbackRetracted,
    QueryAsked,
    QueryCancelled,
    RegenerationAsked,
    Understanding,
)
from schemas.review import document_of
from schemas.session_id import Session
from streams.answer_so_far import AnswerSoFar, holds, read_back
from streams.answering.arm_counts import count_end
from streams.answering.attempt import answer_failed
from streams.answering.brief import Brief, brief_of
from streams.answering.budget import warn_of_length
from streams.answering.in_force import InForce
from streams.answering.routing import routed
from streams.answering.spent import count_spent
from streams.generation import generate
from streams.ingestion import ingest
from streams.outlet import Output
from streams.ports import Ports
from streams.preferences.forming import form
from streams.regeneration import Question, regenerate
from streams.retrieval import retrieve
from streams.step import Delivery
from streams.submitted_correction import was_submitted
from streams.turns import Turn
from streams.understanding.understand import understand
from streams.understanding.vocabulary import Vocabulary

_REMEMBERED = 10_000  # query ids: a producer that writes a question twice does so within seconds


async def on_query(event: Event, delivery: Delivery, *, ports: Ports) -> AsyncGenerator[Output, None]:
    """`queries`: QueryAsked, RegenerationAsked → the session's, and ChunksRetrieved onward; QueryCancelled → the session's.

    Of what is delivered again and had failed here, the end goes to `answers` once more.
    """
    if isinstance(event, QueryCancelled):
        if not (delivery.redelivered and await holds(ports.session_log, event)):
            yield event
        ports.cancellations.cancel(event, delivery.position.offset)  # this worker may have begun to listen after it was written
    if isinstance(event, RegenerationAsked):
        async with aclosing(_regenerated(event, delivery, ports)) as outputs:
            async for output in outputs:
                yield output
    if not isinstance(event, QueryAsked):
        return
    so_far = await _asked_before(event, delivery, ports)
    if delivery.redelivered and so_far.ended_before_found:
        yield so_far.audit
    if so_far.ended or (so_far.asked and not delivery.redelivered):  # of a question written twice, the first one's own delivery sees to all
        return
    if not so_far.asked:
        yield event

    async def asked_at() -> int:
        return (await delivery.written())[0].offset if so_far.asked_at is None else so_far.asked_at

    holds_now = ports.steering.of(event.tenant, event.session_id, so_far.found.arms if so_far.found else None)
    found = so_far.found or await _found(event, asked_at, holds_now, ports)
    settings = holds_now.settings
    ports.read_ahead.start(found.chunks, lambda: ports.speakers.chain(routed(found, settings), settings)[0].model)
    yield (found.model_copy(update={"session_offset": await asked_at()}),)


async def on_retrieval(event: Event, delivery: Delivery, *, ports: Ports) -> AsyncGenerator[Output, None]:
    """`retrievals`: ChunksRetrieved → the session's, and the answer."""
    if not isinstance(event, ChunksRetrieved):
        return

    async def so_far(found: ChunksRetrieved) -> AnswerSoFar:
        return await read_back(ports.session_log, Session(found.tenant, found.session_id), found.query_id, found.session_offset, found.answer_id)

    holding = list[InForce]()

    async def briefing() -> Brief:
        # Not before it is asked for: an answer that is whole stays so, whatever may be set by now.
        holding[:] = [ports.steering.of(event.tenant, event.session_id, event.arms, event.sibling)]
        return await brief_of(
            event, holding[0], speakers=ports.speakers, conversations=ports.conversations, answers=ports.answers, moderation=ports.moderation
        )

    answer = generate(event, delivery, briefing=briefing, cancellations=ports.cancellations, moderation=ports.moderation, read_back=so_far)
    async with aclosing(answer) as outputs:
        async for output in outputs:
            yield output
            count_spent(output)  # behind the write: what was lost on the way is said once more
            for holds_now in holding:
                count_end(output, holds_now.arms)
                warn_of_length(output, holds_now.settings)


async def on_feedback(event: Event, delivery: Delivery, *, ports: Ports) -> AsyncGenerator[Output, None]:
    """`feedback`: the same event into its session, and `preferences`."""
    if not isinstance(event, FeedbackGiven | FeedbackRetracted):
        return
    async with aclosing(form(event, ports.session_log, delivery.untimed(), implicit_weight=ports.settings.implicit_weight)) as outputs:
        async for output in outputs:
            yield output


async def on_review(event: Event, delivery: Delivery, *, journal: Journal) -> AsyncGenerator[Output, None]:
    """`reviews`: a correction that was approved → `documents`, once."""
    if not isinstance(event, CorrectionReviewed) or event.verdict != "approved":
        return
    document = document_of(event)
    with delivery.untimed():
        submitted = delivery.redelivered and await was_submitted(document, journal)
    if not submitted:
        yield (document,)


async def on_document(event: Event, delivery: Delivery, *, ports: Ports) -> AsyncGenerator[Output, None]:
    """`documents`: a version, or a deletion → `chunks` and `ingestions`."""
    if not isinstance(event, DocumentSubmitted | DocumentDeleted):
        return
    changes = ingest(event, chunker=ports.chunker, embedder=ports.embedder, index=ports.index, source=delivery.position, untimed=delivery.untimed)
    async with aclosing(changes) as outputs:
        async for output in outputs:
            yield output


def answer_failure(event: Event, delivery: Delivery, error: RoxyError) -> Event | None:
    """A question that cannot be answered, or not once more, ends in AnswerFailed."""
    if not isinstance(event, QueryAsked | RegenerationAsked | ChunksRetrieved):
        return None
    failed = answer_failed(event, delivery.attempt, error, delivery.in_vain)
    count_spent(failed)
    of_arms = isinstance(event, ChunksRetrieved) and not (event.sibling and event.sibling.settings)
    count_end(failed, event.arms if isinstance(event, ChunksRetrieved) and of_arms else {})
    return failed


def document_failure(event: Event, delivery: Delivery, error: RoxyError) -> Event | None:
    """A document that cannot be indexed ends in DocumentFailed."""
    if not isinstance(event, DocumentSubmitted | DocumentDeleted):
        return None
    return DocumentFailed(
        id=f"{event.document_id}@{delivery.position.partition}/{delivery.position.offset}:failed",
        tenant=event.tenant,
        document_id=event.document_id,
        error=error.slug(),
        detail=error.detail,
        remedy=error.remedy,
    )


def no_failure(event: Event, delivery: Delivery, error: RoxyError) -> Event | None:
    """Nobody waits for this: the dead letter tells all."""
    return None


def _regenerated(event: RegenerationAsked, delivery: Delivery, ports: Ports) -> AsyncGenerator[Output, None]:
    """Another answer. It is looked up with what holds for it; the arms are those that its question was in."""

    async def look_up(question: Question, understanding: Understanding | None) -> ChunksRetrieved:
        async def asked_at() -> int:
            return question.asked_at

        session = event.tenant, event.session_id
        arms = question.found.arms if question.found else ports.steering.of(*session).arms
        holds_now = ports.steering.of(*session, arms, event.sibling)
        found = await _found(question.asked, asked_at, holds_now, ports, understanding)
        return found.model_copy(update={"arms": dict(arms)})

    return regenerate(event, delivery, settings=ports.settings, session_log=ports.session_log, look_up=look_up)


async def _found(
    event: QueryAsked, asked_at: Callable[[], Awaitable[int]], holds_now: InForce, ports: Ports, understanding: Understanding | None = None
) -> ChunksRetrieved:
    """What is found for what is made of a question, now or before. The session is read if the question leans on it, up to the question itself."""

    async def turns() -> Sequence[Turn]:
        return await ports.conversations.turns.before(Session(event.tenant, event.session_id), event.query_id, await asked_at())

    understanding = understanding or await understand(
        event, history=turns, vocabulary=Vocabulary(ports.searched, ports.terms, ports.guards.keyword, ports.guards.deadline())
    )
    found = await retrieve(
        event,
        understanding,
        embedder=ports.embedder,
        index=ports.searched,
        plan=holds_now.plan,
        reranker=ports.rerankers.get(holds_now.plan.reranker),
        guards=ports.guards,
        results=ports.results,
        votes=ports.votes,
    )
    return found.model_copy(update={"arms": dict(holds_now.arms)}) if holds_now.arms else found


async def _asked_before(event: QueryAsked, delivery: Delivery, ports: Ports) -> AnswerSoFar:
    """What is out of a question that may have been written, or worked on, before."""
    repeated = event.query_id in ports.seen
    ports.seen[event.query_id] = None
    if len(ports.seen) > _REMEMBERED:
        ports.seen.popitem(last=False)
    if not (repeated or delivery.redelivered or event.idempotency_key):
        return AnswerSoFar()
    try:
        return await read_back(ports.session_log, Session(event.tenant, event.session_id), event.query_id, None)
    except UnknownSession:
        return AnswerSoFar()  # a producer's own session, not made yet
