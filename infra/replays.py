"""What `roxy replay` does: which index a past question is asked again of, with which settings, and all of them one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

import structlog
from pydantic import ValidationError

from connectors.language_model import open_language_model
from connectors.reranker import open_reranker
from infra.generations import Total, opened_workshop
from schemas.errors import InvalidInput, RoxyError
from schemas.settings import Settings
from schemas.topics import CHUNKS, DOCUMENTS, FEEDBACK
from streams.chunk_index import ChunkIndex
from streams.generation_folder import load_generation
from streams.generations import LIVE, Generations
from streams.past_questions import Past, past_question, past_questions
from streams.rebuild_index import Origin, Workshop, build
from streams.regression import Table, table
from streams.replay import Advance, length
from streams.replay_question import Replayed, Searcher, origin_then, replayed, votes_then
from streams.search.chunk_votes import ChunkVotes, read_votes
from streams.search.plan import Plan

_LIVE = "live"

log = structlog.get_logger(__name__)


class Against(NamedTuple):
    """What past questions are asked again of."""

    generation: int | None  #: None: the index as it was at each question
    changed: dict[str, str]  #: settings of the search

    @classmethod
    def of(cls, against: str | None, changed: str | None) -> Self:
        """Raises InvalidInput."""
        pairs = [pair.partition("=") for pair in (changed or "").split(",") if pair]
        unknown = sorted({name.strip() for name, _, _ in pairs} - set(Plan._fields))
        if unknown:
            raise InvalidInput(f"{', '.join(unknown)}: no setting of the search.", remedy=f"There are {', '.join(Plan._fields)}.")
        if against is not None and against != _LIVE and not against.isdecimal():
            raise InvalidInput(f"--against {against} is nothing to compare with.", remedy="Give the number of a generation, or live.")
        generation = None if against is None else LIVE if against == _LIVE else int(against)
        return cls(generation, {name.strip(): value.strip() for name, _, value in pairs})


class Bench(NamedTuple):
    """All that a replay needs."""

    settings: Settings
    shop: Workshop
    generations: Generations
    searcher: Searcher
    against: Against

    async def searched(self, past: Past, advance: Advance) -> ChunkIndex:
        """What that question is asked again of. Raises UnknownGeneration, GenerationDiffers, Unavailable."""
        if self.against.generation is None:
            index = (await build(origin_then(past.found, self.generations), self.shop, advance=advance)).index
            index.generation = past.found.index.generation
            return index
        return await self._generation(self.against.generation, advance)

    async def votes(self, past: Past) -> ChunkVotes | None:
        """As they were at that question, or as they are now; None: they do not count. Raises LogUnavailable."""
        journal = self.shop.journal
        if not self.searcher.plan.chunk_votes_weight:
            return None
        if self.against.generation is None:
            return await votes_then(past.found, journal)
        now = ChunkVotes()
        await read_votes(journal, now, await journal.ends(FEEDBACK))
        return now

    async def _generation(self, number: int, advance: Advance) -> ChunkIndex:
        """One that follows `chunks` is taken as it is now, a frozen one as it was built."""
        journal = self.shop.journal
        event = self.generations.require(number) if number != LIVE else None
        if event is not None and not event.live:
            return await load_generation(event, self.shop, self.settings.state_dir)
        source = event.source if event is not None else "chunks"
        documents = await journal.ends(DOCUMENTS) if source == "documents" else {}
        index = (await build(Origin(source, await journal.ends(CHUNKS), documents), self.shop, advance=advance)).index
        index.generation = number
        return index


async def replay_one(settings: Settings, query_id: str, against: Against, *, total: Total, advance: Advance) -> Replayed:
    """Raises UnknownQuery, UnknownGeneration, GenerationDiffers, InvalidInput, Unavailable."""
    async with _opened(settings, against) as bench:
        past = await past_question(bench.shop.journal, query_id)
        total(2 * await length(bench.shop.journal, CHUNKS, await bench.shop.journal.ends(CHUNKS)))
        return await replayed(past, await bench.searched(past, advance), bench.searcher, await bench.votes(past))


async def replay_all(settings: Settings, against: Against, *, total: Total, advance: Advance) -> Table:
    """One index for all of them, or one for each state of the index at which questions were asked."""
    async with _opened(settings, against) as bench:
        questions = await past_questions(bench.shop.journal)
        total(len(questions))
        done: list[Replayed] = []
        failed = 0
        for group in _groups(questions, one=against.generation is not None, voted=bool(bench.searcher.plan.chunk_votes_weight)):
            try:
                index, votes = await bench.searched(group[0], lambda count: None), await bench.votes(group[0])
                for past in group:
                    done.append(await replayed(past, index, bench.searcher, votes))
                    advance(1)
            except RoxyError as error:
                log.warning("questions not asked again", first=group[0].found.query_id, questions=len(group), error=str(error))
                failed += len(group)
        return table(done, failed, bench.searcher.plan.fingerprint)


def _groups(questions: list[Past], *, one: bool, voted: bool) -> list[list[Past]]:
    """Questions that are asked of the same index; where votes count, with the same votes."""
    if one:
        return [questions] if questions else []
    groups: dict[str, list[Past]] = {}
    for past in questions:
        votes = past.found.votes.model_dump_json() if past.found.votes else past.found.time
        groups.setdefault(past.found.index.model_dump_json() + (votes if voted else ""), []).append(past)
    return list(groups.values())


@asynccontextmanager
async def _opened(settings: Settings, against: Against) -> AsyncIterator[Bench]:
    changed = _changed(settings, against.changed)
    async with opened_workshop(changed) as shop:
        reranker = await asyncio.to_thread(open_reranker, changed.reranker)
        searcher = Searcher(shop.cutter.embedder, reranker, Plan.of(changed), open_language_model("extractive", changed))
        yield Bench(changed, shop, await Generations.read(shop.journal), searcher, against)


def _changed(settings: Settings, changed: dict[str, str]) -> Settings:
    """Raises InvalidInput."""
    try:
        return type(settings).model_validate(settings.model_dump() | changed)
    except ValidationError as error:
        problem = error.errors()[0]
        raise InvalidInput(f"--settings {'.'.join(map(str, problem['loc']))}: {problem['msg']}.", remedy="See `roxy settings`.") from error
