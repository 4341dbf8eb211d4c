"""Past questions: what was found for them, and answered, as `retrievals` and `answers` hold it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NamedTuple

from connectors.journal.base import Journal
from schemas.codec import decoded
from schemas.errors import UnknownQuery
from schemas.events import AnswerCompleted, ChunksRetrieved, Event, answer_id_of
from schemas.topics import ANSWERS, RETRIEVALS, Topic
from streams.replay import history


class Past(NamedTuple):
    """A question, and its answer, if there is one."""

    found: ChunksRetrieved
    answer: AnswerCompleted | None


async def past_question(journal: Journal, query_id: str) -> Past:
    """One of them. Raises UnknownQuery, LogUnavailable."""
    for past in await past_questions(journal):
        if past.found.query_id == query_id:
            return past
    raise UnknownQuery(f"Nothing was retrieved for a query {query_id}.")


async def past_questions(journal: Journal) -> list[Past]:
    """All that are kept, in order of their times, with their first answers. What was found first counts: later ones are a redelivery's.

    Raises LogUnavailable.
    """
    found: dict[str, ChunksRetrieved] = {}
    answers: dict[str, AnswerCompleted] = {}
    async for event in _events(journal, RETRIEVALS):
        if isinstance(event, ChunksRetrieved) and event.sibling is None:
            found.setdefault(event.query_id, event)
    async for event in _events(journal, ANSWERS):
        if isinstance(event, AnswerCompleted) and event.answer_id == answer_id_of(event.query_id):
            before = answers.get(event.query_id)
            if before is None or before.attempt < event.attempt:
                answers[event.query_id] = event
    ordered = sorted(found.values(), key=lambda event: (event.time, event.query_id))
    return [Past(event, answers.get(event.query_id)) for event in ordered]


async def _events(journal: Journal, topic: Topic) -> AsyncGenerator[Event, None]:
    """Those that can be read."""
    async for records in history(journal, topic, await journal.ends(topic)):
        for record in records:
            if (event := decoded(record)) is not None:
                yield event
