"""Shared writes: the topic `chunks` into an index on a server, which all workers search and which is written once for them all.

Every worker runs `write_shared`; of each partition one of them writes. Who reads what, and how far they are, is a consumer group's matter. Each
generation has a group of its own, so what it holds and what its group has committed belong together, whatever is swapped. A new generation, of a
rebuild or on a server that was emptied, is filled from the log's beginning by the very same reading.
Guarantees: a record is committed once it is written, so a crash writes some twice, which changes nothing; while the server is away nothing is lost or
passed over; a record that it refuses goes to the dead letters.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog
from opentelemetry import trace

from connectors.journal.base import Journal, Share, reached
from connectors.observability import traceparent_of
from connectors.shared_index.base import SharedChange, SharedIndex
from schemas.codec import Context
from schemas.errors import IndexRefused, RoxyError, Unavailable
from schemas.record import Record
from schemas.topics import CHUNKS
from streams.chunk_change import Change, changes_of
from streams.dead_letters import dead_letter

STEP = "write-shared-index"
SOURCE = "/roxy/worker"
_READ_S = 0.5
_LOOK_S = 1.0  # between two looks at which generation serves
_RETRY_S = 1.0
_TRIES = 3  # of a record that the server refuses
_NAMED = 10  # of the chunks that a rebuild has passed over

Progress = Callable[[int, int], None]  #: records done, records in all

log = structlog.get_logger(__name__)


class Target(NamedTuple):
    """What is written, and whose vectors count."""

    shared: SharedIndex
    embedder: str
    dims: int | None
    group: str  #: beginning of the name of each generation's group


async def write_shared(journal: Journal, target: Target) -> None:
    """Write what comes into the generation that serves, for ever. Whatever fails, it tries again."""
    while True:
        try:
            generation = await target.shared.serving()
            log.info("shared index is written", generation=generation)
            async with journal.share(CHUNKS, _group(target, generation)) as share:
                await _write_while_serving(share, journal, target, generation)
        except Unavailable as error:
            log.warning("shared index not written", error=str(error), retry_s=_RETRY_S)
        except Exception:
            log.exception("shared index not written", retry_s=_RETRY_S)
        await asyncio.sleep(_RETRY_S)


async def rebuild_shared(journal: Journal, target: Target, *, progress: Progress = lambda done, total: None) -> str:
    """Build a new generation out of the log, let it serve, and return its name. The one before stays, and can serve again.

    Until the swap the workers write the one that serves. Behind it they go on with the new one from where this has come: its group says where.
    Chunks that the server refuses are passed over and logged: no other try would bring them in. A build that fails otherwise is
    dropped; killed, it leaves a generation that nobody searches. Raises IndexUnavailable, LogUnavailable, and IndexRefused if no chunk was taken.
    """
    generation = await target.shared.begin()
    try:
        await _fill(journal, target, generation, progress)
    except BaseException:
        await _drop(target, generation)
        raise
    await target.shared.swap(generation)  # should that fail, the new one is whole and stands by
    return generation


async def lag(journal: Journal, target: Target) -> int:
    """Records of `chunks` that the generation that serves does not have yet. Raises Unavailable."""
    ends = await journal.ends(CHUNKS)
    done = await journal.noted(CHUNKS, _group(target, await target.shared.serving()))
    return sum(max(0, end - done.get(number, 0)) for number, end in ends.items())


async def write(records: Sequence[Record], target: Target, generation: str) -> None:
    """Write records into a generation. Raises IndexRefused with the chunks that were refused, once all others are written."""
    refused: list[IndexRefused] = []
    read = await asyncio.to_thread(changes_of, records, target.embedder, target.dims)
    offsets = {(record.key or b"").decode(errors="replace"): record.offset for record in records}
    for tenant, changes in read.by_tenant.items():
        try:
            await target.shared.apply(generation, tenant, _shared_changes(changes, offsets))
        except IndexRefused as error:
            refused.append(error)
    if refused:
        raise IndexRefused(refused[0].detail, chunk_ids=frozenset().union(*(error.chunk_ids for error in refused)))


async def _fill(journal: Journal, target: Target, generation: str, progress: Progress) -> None:
    ends = await journal.ends(CHUNKS)
    taken, refusals = False, list[IndexRefused]()
    async with journal.share(CHUNKS, _group(target, generation)) as share:
        while not reached(done := await share.noted(), ends):
            progress(sum(min(done.get(number, 0), end) for number, end in ends.items()), sum(ends.values()))
            records = await share.read(_READ_S)
            refused = await _refused(records, target, generation)
            taken = taken or len(refused.chunk_ids if refused else ()) < len({record.key for record in records})
            refusals += [refused] if refused else []
            await share.commit()
    if refusals:
        refused_ids = sorted(frozenset().union(*(error.chunk_ids for error in refusals)))
        log.warning("chunks refused", generation=generation, chunks=len(refused_ids), first=refused_ids[:_NAMED], error=refusals[0].detail)
        if not taken:  # nobody would find anything in it
            raise refusals[0]


async def _refused(records: Sequence[Record], target: Target, generation: str) -> IndexRefused | None:
    """Write records; the refusal of those that were not taken."""
    try:
        await write(records, target, generation)
    except IndexRefused as error:
        return error
    return None


async def _drop(target: Target, generation: str) -> None:
    """Of a build that failed, what there is of it. What it failed of is what the caller is to hear of."""
    try:
        await target.shared.drop(generation)
    except RoxyError as error:
        log.warning("generation not dropped", generation=generation, error=str(error))


async def _write_while_serving(share: Share, journal: Journal, target: Target, generation: str) -> None:
    looked = time.monotonic()
    while True:
        records = await share.read(_READ_S)
        if records:
            await _until_written(records, journal, target, generation)
            await share.commit()
        if time.monotonic() - looked > _LOOK_S:
            looked = time.monotonic()
            if await target.shared.serving() != generation:
                return


async def _until_written(records: Sequence[Record], journal: Journal, target: Target, generation: str) -> None:
    """Those that are refused are tried again by themselves, and then go to the dead letters. Raises Unavailable only if another generation serves."""
    tries = 0
    while True:
        try:
            await write(records, target, generation)
            return
        except Unavailable as error:
            log.warning("shared index away", error=str(error), retry_s=_RETRY_S)
            if await _is_another_serving(target, generation):
                raise
        except IndexRefused as error:
            tries += 1
            records = [record for record in records if (record.key or b"").decode(errors="replace") in error.chunk_ids]
            log.warning("shared index refuses chunks", error=str(error), records=len(records), tries=tries)
            if tries >= _TRIES:
                await _bury(records, journal, error, tries)
                return
        await asyncio.sleep(_RETRY_S)


async def _is_another_serving(target: Target, generation: str) -> bool:
    """As on a server that was emptied: this generation would be waited for in vain. One that is away does not say."""
    try:
        return await target.shared.serving() != generation
    except Unavailable:
        return False


async def _bury(records: Sequence[Record], journal: Journal, error: IndexRefused, tries: int) -> None:
    for record in records:
        context = Context(SOURCE, traceparent_of(trace.get_current_span()), record.position)
        await journal.append(dead_letter(record, STEP, error, tries), context)


def _shared_changes(changes: Mapping[str, Change], offsets: Mapping[str, int]) -> list[SharedChange]:
    return [
        SharedChange(chunk_id, offsets.get(chunk_id, -1), change.chunk.entry(chunk_id) if change.chunk else None, change.vector)
        for chunk_id, change in changes.items()
    ]


def _group(target: Target, generation: str) -> str:
    return f"{target.group}.{generation}"
