"""Replay of a question: what is found for it at another state of the index, or with other settings, beside what was found then.

What was made of the question is taken from its event, not made again; a cached result is not used; no language model is asked. The extractive
one, which is none, is run again where it gave the answer.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors.embedder.base import Embedder
from connectors.journal.base import Journal
from connectors.language_model.base import LanguageModel, Prompt
from connectors.reranker.base import Reranker
from schemas.events import AnswerCompleted, ChunksRetrieved, QueryAsked
from schemas.topics import FEEDBACK
from streams.chunk_index import ChunkIndex
from streams.comparison import Difference, compared
from streams.generations import LIVE, Generations
from streams.past_questions import Past
from streams.positions import milliseconds, offsets_of
from streams.rebuild_index import Origin
from streams.retrieval import retrieve
from streams.search.chunk_votes import ChunkVotes, read_votes
from streams.search.guard import Guards
from streams.search.plan import Plan

_PATIENCE_S = 120.0  # a replay is not in a hurry, and a part that was given up would look like a change


class Searcher(NamedTuple):
    """How questions are asked again."""

    embedder: Embedder | None
    reranker: Reranker | None
    plan: Plan
    model: LanguageModel | None  #: that answers again as it did: the extractive one


class Replayed(NamedTuple):
    """A question, then and now."""

    past: Past
    now: ChunksRetrieved
    difference: Difference
    answer_changed: bool | None  #: None: it had no answer, or its model is not run again
    citations_lost: tuple[str, ...]  #: chunks that the answer cited and that are not found now


async def replayed(past: Past, index: ChunkIndex, searcher: Searcher, votes: ChunkVotes | None = None) -> Replayed:
    """Ask again. `votes`: on chunks, if they count. Raises Unavailable."""
    then = past.found
    asked = QueryAsked(
        id=then.query_id, tenant=then.tenant, session_id=then.session_id, query_id=then.query_id, text=then.question, filters=then.filters
    )
    now = await retrieve(
        asked,
        then.understanding,
        embedder=searcher.embedder,
        index=index,
        plan=searcher.plan,
        reranker=searcher.reranker,
        guards=Guards(timeout_s=_PATIENCE_S),
        votes=votes,
    )
    changed = await _answer_changed(past.answer, now, searcher.model) if past.answer else None
    return Replayed(past, now, compared(then.chunks, now.chunks), changed, _lost(past.answer, now))


def origin_then(found: ChunksRetrieved, generations: Generations) -> Origin:
    """What the index was made of when the question was asked. Raises UnknownGeneration.

    A generation made of `documents` is taken as it was built: what it took over from `chunks` since is left out.
    """
    number = found.index.generation
    if number != LIVE:
        event = generations.require(number)
        if event.source == "documents" or not event.live:
            return Origin.of(event)
    return Origin("chunks", offsets_of(found.index), {})


async def votes_then(found: ChunksRetrieved, journal: Journal) -> ChunkVotes:
    """The votes that were known when the question was asked; where they did not count, those that had been given by then. Raises LogUnavailable."""
    offsets = {int(partition): offset for partition, offset in found.votes.offsets.items()} if found.votes else None
    votes = ChunkVotes()
    await read_votes(journal, votes, await journal.since(FEEDBACK, milliseconds(found.time)) if offsets is None else offsets)
    return votes


async def _answer_changed(answer: AnswerCompleted, now: ChunksRetrieved, model: LanguageModel | None) -> bool | None:
    if model is None or answer.model != model.name:
        return None
    parts = [part async for part in model.stream(Prompt(now.understanding.text, now.chunks))]
    return "".join(part for part in parts if isinstance(part, str)) != answer.text


def _lost(answer: AnswerCompleted | None, now: ChunksRetrieved) -> tuple[str, ...]:
    found = {chunk.chunk_id for chunk in now.chunks}
    cited = dict.fromkeys(citation.chunk_id for citation in answer.citations) if answer else {}
    return tuple(chunk_id for chunk_id in cited if chunk_id not in found)
