"""Composition root of a worker: `python -m streams.worker`. Settings → ports → index from its snapshot, caught up → agents.

It stops on SIGTERM and SIGINT: takes nothing new, finishes what it can within ROXY_DRAIN_S, hands the rest over by leaving the group.
Should Faust give up (it does when it cannot commit), the agents are built again; the index and the connections stay.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import structlog
import uvloop

from connectors.background import running
from connectors.garbage import collect_seldom
from connectors.journal import Journal, open_journal
from connectors.observability import configure
from connectors.session_log import open_session_log
from schemas.errors import LogUnavailable, RoxyError
from schemas.settings import Settings, load_settings
from schemas.topics import FEEDBACK
from streams.answering.flags import follow_flags, read_flags
from streams.app import Worker
from streams.cancellations import follow_cancellations
from streams.chunk_index import ChunkIndex, follow
from streams.health import Health, serve_health
from streams.insights.recording import Kept, Recorder
from streams.ports import Ports, open_ports, open_workshop
from streams.process import prepare_process
from streams.search.chunk_votes import follow_votes, read_votes
from streams.serving import Swaps
from streams.shared_writes import write_shared
from streams.snapshots import Snapshots
from streams.unread import cancel_unread

_RETRY_S = 1.0

log = structlog.get_logger(__name__)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set."""
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(open_journal(settings))
        health = Health()
        await stack.enter_async_context(serve_health(health, settings.worker_health_port))
        ports = await open_ports(settings, await stack.enter_async_context(open_session_log(settings)))
        snapshots = Snapshots(settings.state_dir, ports.index, journal, every_s=settings.snapshot_s)
        await _first(snapshots.restore(), stop.wait())
        await stack.enter_async_context(in_background(partial(follow, journal, ports.index, starting=True)))
        await stack.enter_async_context(in_background(partial(follow_cancellations, journal, ports.cancellations)))
        await stack.enter_async_context(in_background(partial(follow_flags, journal, ports.flags, await read_flags(journal, ports.flags))))
        await stack.enter_async_context(in_background(partial(ports.answers.follow, journal)))
        if ports.votes is not None:
            await _first(read_votes(journal, ports.votes, await journal.ends(FEEDBACK)), stop.wait())
            await stack.enter_async_context(in_background(partial(follow_votes, journal, ports.votes)))
        if settings.unread_cancel_min:
            unread = partial(cancel_unread, journal, ports.cancellations, settings.unread_cancel_min * 60)
            await stack.enter_async_context(in_background(unread))
        if ports.target is not None:
            stack.push_async_callback(ports.target.shared.close)
            await stack.enter_async_context(in_background(partial(write_shared, journal, ports.target)))
        await _first(ports.index.wait_for(await journal.ends(ports.index.topic)), stop.wait())
        tell_of(ports.index)
        swaps = Swaps(open_workshop(settings, journal, ports.embedder), settings.state_dir, ports.index, ports.serving)
        await stack.enter_async_context(in_background(swaps.run))
        await _first(swaps.settled.wait(), stop.wait())
        await stack.enter_async_context(in_background(snapshots.keep_writing))
        recorder = Recorder(journal, Kept(settings.insights_days, settings.insights_every_s))
        if settings.insights_every_s:
            await stack.enter_async_context(in_background(recorder.run))
        collect_seldom()  # of an index too, which is large by now
        while not stop.is_set():
            await _work(ports, journal, health, recorder, stop)
        await snapshots.try_to_write()


def tell_of(index: ChunkIndex) -> None:
    """What an index that has caught up holds, and what it has not taken in as it is."""
    log.info("index caught up", chunks=index.size, unreadable=index.unreadable)
    if index.foreign_vectors:
        log.warning(
            "chunks of another embedder are found by their words only",
            records=index.foreign_vectors,
            remedy="Run `roxy index rebuild --from documents` and swap to it; where the index lies in Weaviate, ingest the documents again.",
        )


async def _work(ports: Ports, journal: Journal, health: Health, recorder: Recorder, stop: asyncio.Event) -> None:
    """One life of the Faust app."""
    worker = Worker(ports, journal)
    try:
        await worker.start()
        health.ready = lambda: worker.assigned
        recorder.mine = lambda: worker.holds(FEEDBACK, 0)
        await _first(stop.wait(), worker.stopped())
        health.ready = lambda: False
        if stop.is_set():
            log.info("draining", unfinished=worker.unfinished)
            await worker.drain(ports.settings.drain_s)
        else:
            log.error("agents stopped by themselves; they are built again")
    except LogUnavailable as error:
        log.warning("agents cannot start yet", error=str(error))
    finally:
        health.ready = recorder.mine = lambda: False
        await worker.stop()
    if not stop.is_set():
        await _first(stop.wait(), asyncio.sleep(_RETRY_S))


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until one of them is done; what it raised is raised."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def in_background(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Work that never ends by itself. If it fails all the same it is begun anew: what it failed for, whoever took over would meet too."""
    async with running(_without_end(work)):
        yield


async def _without_end(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            log.exception("background work is begun anew", retry_s=_RETRY_S)
        await asyncio.sleep(_RETRY_S)


async def _main(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await run(settings, stop)


def main() -> None:
    try:
        settings = load_settings()
        configure(settings, "worker")
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # Faust's consumer runs a loop of its own in a thread
        prepare_process()
        asyncio.run(_main(settings))
    except RoxyError as error:
        sys.exit(f"roxy worker: {error}")


if __name__ == "__main__":
    main()
