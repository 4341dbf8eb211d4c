"""What the steps work with: opened once by the process's composition root, handed to each step by name."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import blake2b
from typing import TYPE_CHECKING

from connectors.chunker import open_chunker
from connectors.chunker.by_content_type import ChunkerByContentType
from connectors.embedder import open_embedder
from connectors.embedder.base import Embedder
from connectors.journal.base import Journal
from connectors.keyword_index import open_keyword_index
from connectors.reranker import open_reranker
from connectors.reranker.base import Reranker
from connectors.session_log.base import SessionLog
from connectors.shared_index import open_shared_index
from connectors.vector_index import open_vector_index
from schemas.flags import Flags
from schemas.settings import Settings
from streams.answering.answer_cache import AnswerCache
from streams.answering.budget import require_words
from streams.answering.conversation import Conversations
from streams.answering.in_force import Steering
from streams.answering.moderation import Moderation
from streams.answering.routing import require_routes
from streams.answering.speakers import Speakers, require_slots
from streams.cancellations import Cancellations
from streams.chunk_index import ChunkIndex
from streams.derivation import Cutter
from streams.read_ahead import ReadAhead
from streams.rebuild_index import Workshop
from streams.search.chunk_votes import ChunkVotes
from streams.search.guard import Guards
from streams.search.result_cache import ResultCache
from streams.serving import Serving
from streams.shared_writes import Target
from streams.understanding.terms import Terms

if TYPE_CHECKING:
    from connectors.weaviate.chunks import WeaviateChunks


@dataclass(frozen=True)
class Ports:
    """What the steps work with."""

    settings: Settings
    session_log: SessionLog
    chunker: ChunkerByContentType
    embedder: Embedder | None
    index: ChunkIndex  #: the one that follows `chunks`; ingestion asks it what is known
    speakers: Speakers
    conversations: Conversations
    cancellations: Cancellations
    target: Target | None = None  #: the shared index, if a part of it lies on a server
    rerankers: Mapping[str, Reranker] = field(default_factory=dict)  #: by the setting that names them
    guards: Guards = field(default_factory=Guards)
    results: ResultCache | None = None
    votes: ChunkVotes | None = None  #: on chunks, where they count
    terms: Terms = field(default_factory=Terms.of)
    read_ahead: ReadAhead = field(default_factory=ReadAhead)
    flags: Flags = field(default_factory=Flags)
    answers: AnswerCache = field(default_factory=AnswerCache)
    moderation: Moderation = field(default_factory=Moderation)
    serving: Serving = field(default_factory=Serving)
    seen: OrderedDict[str, None] = field(default_factory=OrderedDict)  #: queries that this worker met

    @cached_property
    def steering(self) -> Steering:
        """Which settings hold for whom."""
        return Steering(self.settings, self.flags)

    @property
    def searched(self) -> ChunkIndex:
        """The generation of the index that questions are answered from."""
        return self.serving.loaded or self.index


async def open_ports(settings: Settings, session_log: SessionLog) -> Ports:
    """The ports that the settings name. A model of sentences takes seconds to load: in a thread, so that the process answers meanwhile."""
    embedder = await asyncio.to_thread(open_embedder, settings.embedder, settings.state_dir if settings.embedding_cache else None)
    name, dims = (embedder.name, embedder.dims) if embedder else ("none", None)
    shared = open_shared_index(settings, embedder=name, dims=dims)
    each, speakers = Steering(settings, Flags()).each(), Speakers(settings)
    for one in each:
        require_routes(one)
        require_words(one)
        require_slots(one)
        speakers.open_all(one)
    return Ports(
        settings=settings,
        session_log=session_log,
        chunker=open_chunker(settings, embedder),
        embedder=embedder,
        index=open_index(settings, embedder, shared),
        target=Target(shared, name, dims, settings.consumer_group) if shared else None,
        speakers=speakers,
        conversations=Conversations(session_log),
        cancellations=Cancellations(),
        rerankers=await asyncio.to_thread(_rerankers, each),
        guards=Guards.of(settings),
        # Not with a shared index: what it finds changes while a worker's own position stands still.
        results=ResultCache(settings.result_cache_s) if settings.result_cache_s and not shared else None,
        votes=ChunkVotes() if any(one.chunk_votes_weight for one in each) else None,
        answers=AnswerCache.of(each, None if shared else embedder),
        moderation=Moderation.of(settings),
        terms=Terms.of(settings.terms_file),
    )


def _rerankers(each: Sequence[Settings]) -> dict[str, Reranker]:
    opened = {name: open_reranker(name) for name in {one.reranker for one in each}}
    return {name: reranker for name, reranker in opened.items() if reranker is not None}


def open_workshop(settings: Settings, journal: Journal, embedder: Embedder | None) -> Workshop:
    """What builds a generation of the index as these settings make it."""
    cutting = (settings.chunker, settings.chunk_tokens, settings.chunk_overlap, settings.chunk_min_tokens, embedder.name if embedder else "none")
    fingerprint = blake2b(repr(cutting).encode(), digest_size=6).hexdigest()
    return Workshop(journal, partial(open_index, settings, embedder), Cutter(open_chunker(settings, embedder), embedder, fingerprint))


def open_index(settings: Settings, embedder: Embedder | None, shared: WeaviateChunks | None = None) -> ChunkIndex:
    """An index of the kinds that the settings name: empty, but for what lies in the shared one.

    Without that, every part lies in this process: so do generations of the past, and what `roxy eval` tries.
    """
    settings = settings if shared else _in_process(settings)
    return ChunkIndex(
        vectors=open_vector_index(settings.vector_index, embedder.dims, shared) if embedder else None,
        keywords=open_keyword_index(settings.keyword_index, shared),
        embedder_name=embedder.name if embedder else "none",
        dims=embedder.dims if embedder else None,
    )


def _in_process(settings: Settings) -> Settings:
    parts = {"vector_index": "usearch", "keyword_index": "tantivy"}
    return settings.model_copy(update={name: kind for name, kind in parts.items() if getattr(settings, name) == "weaviate"})
