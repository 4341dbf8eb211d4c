"""Chunk votes: what raters thought of chunks, as a factor of their scores. A projection of `feedback`, kept where ROXY_CHUNK_VOTES_WEIGHT is set.

Of one rater about one chunk the last vote counts, by the events' own times; what was taken back, or said in other words since, does not. So neither
the order of the records nor their doubles change it, and the same offsets of `feedback` give the same factors: a replay makes them again.
The index is never touched. A vote is about a chunk as it was: it counts no more once the chunk was written anew.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

import structlog

from connectors.journal.base import Journal
from schemas.codec import decoded
from schemas.errors import Unavailable
from schemas.events import Feedback, FeedbackGiven, FeedbackRetracted, KnownVotes
from schemas.record import Record
from schemas.topics import FEEDBACK
from streams.chunk_change import document_of
from streams.preferences.judgements import mark_of
from streams.replay import history

_DOUBT = 3  # votes that a chunk is thought to have had, half of them for it: one vote moves it a quarter of the way, nine three quarters
_READ_S = 5.0
_RETRY_S = 1.0

log = structlog.get_logger(__name__)

_Place = bytes  # hash of tenant, session, rater, feedback id: clients choose ids, and two may choose the same
_Order = tuple[str, bytes]  # time, and a hash of the event, which tells two of the same millisecond apart


class _Said(NamedTuple):
    """The last words under a feedback id."""

    order: _Order
    chunk_id: str | None  #: None: they are no vote on a chunk
    value: float  #: -1..1


class Vote(NamedTuple):
    """What one rater thinks of one chunk."""

    order: _Order  #: by time
    value: float

    @property
    def time(self) -> str:
        return self.order[0]


class ChunkVotes:
    """A fold of `feedback`. It keeps a line for each feedback id, and no texts."""

    def __init__(self) -> None:
        self._said: dict[_Place, _Said] = {}
        self._retracted: dict[_Place, str] = {}
        self._under: dict[tuple[str, str], tuple[_Place, ...]] = {}  # by rater and chunk, where the rater may have said something of it
        self._votes: defaultdict[str, dict[str, Vote]] = defaultdict(dict)  # by chunk id and rater
        self._digests: defaultdict[str, int] = defaultdict(int)  # by tenant
        self.offsets: dict[int, int] = {}  #: the next offset of `feedback` to fold, by partition

    def known(self, tenant: str) -> KnownVotes:
        """What a search of the tenant's that asks now is moved by."""
        offsets = {str(partition): offset for partition, offset in sorted(self.offsets.items())}
        return KnownVotes(offsets=offsets, digest=f"{self._digests.get(tenant, 0):016x}")

    def take(self, records: Iterable[Record]) -> None:
        """Fold records. One that cannot be read is passed over: the agent that owns it puts it among the dead letters."""
        for record in records:
            if isinstance(event := decoded(record), FeedbackGiven | FeedbackRetracted):
                self.fold(event)

    def fold(self, event: Feedback) -> None:
        """One of another tenant's chunk counts for nothing: the chunk's id begins with its own."""
        if isinstance(event, FeedbackRetracted):
            rater = event.retracted_by
            place = _hash(event.tenant, event.session_id, rater, event.feedback_id)
            self._retracted[place] = max(event.time, self._retracted.get(place, ""))
        else:
            rater = event.given_by
            place = _hash(event.tenant, event.session_id, rater, event.feedback_id)
            said, before = _said(event), self._said.get(place)
            if before is not None and said.order <= before.order:
                return
            self._said[place] = said
            if before is not None and before.chunk_id not in (None, said.chunk_id):
                self._count(place, rater, before.chunk_id)
        self._count(place, rater, self._said[place].chunk_id if place in self._said else None)

    def __contains__(self, chunk_id: object) -> bool:
        return chunk_id in self._votes

    def factor(self, chunk_id: str, written_at: str, weight: float) -> float | None:
        """What a chunk's score is multiplied with, between 1 - weight and 1 + weight; None: nobody has voted on it as it is."""
        values = [vote.value for vote in self._votes[chunk_id].values() if vote.time >= written_at] if chunk_id in self._votes else []
        return 1 + weight * sum(values) / (len(values) + _DOUBT) if values else None

    def _count(self, place: _Place, rater: str, chunk_id: str | None) -> None:
        """What the rater thinks of the chunk, told anew from all that they have said of it."""
        if chunk_id is None:
            return
        under = self._under.get((rater, chunk_id), ())
        under = self._under[rater, chunk_id] = under if place in under else (*under, place)
        standing = [Vote(said.order, said.value) for each in under if (said := self._said[each]).chunk_id == chunk_id and self._stands(each)]
        votes = self._votes[chunk_id]
        self._move(chunk_id, rater, votes.pop(rater, None))
        if standing:
            votes[rater] = max(standing)
            self._move(chunk_id, rater, votes[rater])
        elif not votes:
            del self._votes[chunk_id]

    def _stands(self, place: _Place) -> bool:
        return self._said[place].order[0] > self._retracted.get(place, "")

    def _move(self, chunk_id: str, rater: str, vote: Vote | None) -> None:
        """Into the digest, or out of it."""
        if vote is not None:
            self._digests[document_of(chunk_id)[0]] ^= int.from_bytes(_hash(chunk_id, rater, vote.time, repr(vote.value))[:8])


async def read_votes(journal: Journal, votes: ChunkVotes, ends: Mapping[int, int]) -> None:
    """Fold all that lies below these offsets of `feedback`. Raises LogUnavailable."""
    async for records in history(journal, FEEDBACK, ends):
        votes.take(records)
    votes.offsets = dict(ends)


async def follow_votes(journal: Journal, votes: ChunkVotes) -> None:
    """Fold what comes, from where the votes stand, for ever. Whatever fails, it tries again."""
    while True:
        try:
            async with journal.follow(FEEDBACK, votes.offsets or None) as follower:
                while True:
                    votes.take(await follower.read(_READ_S))
                    votes.offsets = dict(follower.positions)
        except Unavailable as error:
            log.warning("votes not followed", error=str(error), retry_s=_RETRY_S)
        except Exception:
            log.exception("votes not followed", retry_s=_RETRY_S)
        await asyncio.sleep(_RETRY_S)


def _said(event: FeedbackGiven) -> _Said:
    order = event.time, _hash(event.model_dump_json())
    votes = event.chunk_id is not None and (event.thumb is not None or event.stars is not None)
    mine = votes and str(event.chunk_id).startswith(f"{event.tenant}/")
    return _Said(order, event.chunk_id if mine else None, 2 * mark_of(event) - 1 if mine else 0.0)


def _hash(*texts: str) -> bytes:
    return blake2b("\x1f".join(texts).encode("utf-8", "surrogatepass"), digest_size=12).digest()
