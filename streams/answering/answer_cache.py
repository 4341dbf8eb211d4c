"""Answer cache: answers that may be given again. A projection of topic `answers`.

Each worker reads all of the topic, outside the consumer group: the last hours in the background when it starts, then what comes. So an answer
of one worker is given again by all, also after a restart. Guarantees: whatever the order the records come in, and however often, the latest
answer to a question counts, and grows old by its own time; memory is bounded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from cachetools import TLRUCache
from prometheus_client import Counter

from connectors.embedder.base import Embedder
from connectors.journal.base import Journal
from connectors.language_model.base import Prompt
from schemas.events import AnswerCompleted, CachedAnswer, CacheKey
from schemas.record import Record
from schemas.settings import Settings
from schemas.topics import ANSWERS
from streams.answering.near_questions import NearQuestions
from streams.answering.renumbering import renumbered
from streams.answering.same_question import may_mean_the_same
from streams.following import follow_events

_BYTES = 32 * 1024 * 1024  # of all answers together
_BESIDE = 2_048  # bytes of an entry beside its text: its keys, its citations
_READ_BACK = 20_000  # records at most that a start reads: more would not find room

_ASKED = Counter("roxy_answer_cache", "Questions that the cache of answers was asked for, by outcome: exact, semantic, miss.", ["outcome"])


class Hit(NamedTuple):
    """An answer that was given before."""

    text: str
    cached: CachedAnswer


class _Entry(NamedTuple):
    answer_id: str
    at: float  #: seconds since 1970
    text: str
    cited: Mapping[int, str]  #: chunks by number


class AnswerCache:
    """The answers of the last hours: kept for as long as anybody may ask for them. Without `near` only the same question is known."""

    def __init__(self, seconds: float = 86_400.0, near: NearQuestions | None = None, *, now: Callable[[], float] = time.time) -> None:
        self._seconds, self._near, self._now = seconds, near, now
        self._entries: TLRUCache[str, _Entry] = TLRUCache(_BYTES, self._until, now, _size)

    @classmethod
    def of(cls, each: Sequence[Settings], embedder: Embedder | None) -> AnswerCache:
        """For all arms of experiments."""
        near = NearQuestions(embedder, wanted=any(one.semantic_cache for one in each)) if embedder else None
        return cls(max(one.answer_cache_s for one in each), near)

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, key: CacheKey, prompt: Prompt, settings: Settings) -> Hit | None:
        """The answer to the same question, or to one that means the same."""
        hit = self._same(key, settings) or (await self._alike(key, prompt, settings) if settings.semantic_cache else None)
        _ASKED.labels(hit.cached.kind if hit else "miss").inc()
        return hit

    def put(self, answer: AnswerCompleted) -> None:
        """Remember an answer that may be given again."""
        key = answer.cache_key
        if key is None:
            return
        entry = _Entry(answer.answer_id, _seconds(answer.time), answer.text, {one.number: one.chunk_id for one in answer.citations})
        known = self._entries.get(key.question)
        if known is not None and (known.at, known.answer_id) >= (entry.at, entry.answer_id):
            return
        self._entries[key.question] = entry
        if self._near and entry.cited:
            self._near.tell(key.around, key.question, answer.asked)

    async def follow(self, journal: Journal) -> None:
        """Read `answers` from as long ago as an answer may be given again, for ever."""

        async def start() -> Mapping[int, int]:
            since = await journal.since(ANSWERS, int((self._now() - self._seconds) * 1000))
            ends = await journal.ends(ANSWERS)
            return {number: max(offset, ends[number] - _READ_BACK // len(ends)) for number, offset in since.items()}

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow_events(journal, ANSWERS, AnswerCompleted, self.put, start=start, worth=_has_key))
            if self._near:
                tasks.create_task(self._near.learn())

    def _same(self, key: CacheKey, settings: Settings) -> Hit | None:
        entry = self._young(key.question, settings)
        return None if entry is None else Hit(entry.text, CachedAnswer(kind="exact", answer_id=entry.answer_id))

    async def _alike(self, key: CacheKey, prompt: Prompt, settings: Settings) -> Hit | None:
        """Of those that lie near, the first that may mean the same, and whose sources were all found again."""
        if self._near is None:
            return None
        ranks = {chunk.chunk_id: chunk.rank for chunk in prompt.chunks}
        for near in await self._near.nearest(key.around, prompt.question, settings.semantic_threshold):
            entry = self._young(near.question, settings)
            if entry is None or not may_mean_the_same(near.asked, prompt.question):
                continue
            text = renumbered(entry.text, {number: ranks.get(chunk_id) for number, chunk_id in entry.cited.items()})
            if text is not None:
                return Hit(text, CachedAnswer(kind="semantic", answer_id=entry.answer_id, similarity=round(min(near.similarity, 1.0), 4)))
        return None

    def _young(self, question: str, settings: Settings) -> _Entry | None:
        """The answer to a question, unless it is older than whoever asks may be given."""
        entry = self._entries.get(question)
        return entry if entry is not None and entry.at + settings.answer_cache_s > self._now() else None

    def _until(self, question: str, entry: _Entry, now: float) -> float:
        return entry.at + self._seconds


def _has_key(record: Record) -> bool:
    """Decoding takes a hundred times as long. A text cannot say it: its quotation marks are escaped."""
    return record.value is not None and b'"cache_key":null' not in record.value


def _size(entry: _Entry) -> int:
    return _BESIDE + len(entry.text.encode())


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
