"""All of Roxy in one process, over the memory backends: API, steps and index, without Kafka and Faust. Nothing outlives it.

`python -m infra.one_process [--chunks N]` serves on ROXY_API_PORT. The benches use it as the baseline: the same HTTP, retrieval, generation and
SSE, with nothing but the log left out.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack

import uvicorn

from api.app import create_app
from connectors.journal.memory import MemoryJournal
from connectors.observability import configure
from connectors.session_log.memory import MemorySessionLog
from infra.bench.corpus import BENCH, chunk_events
from schemas.settings import Settings, load_settings
from streams.app import steps
from streams.cancellations import follow_cancellations
from streams.chunk_index import follow
from streams.ports import Ports, open_ports
from streams.shared_writes import write_shared
from streams.step import Frame, Policy, Step
from streams.window import Window


async def run(settings: Settings, chunks: int) -> None:
    """Serve until the process is told to stop."""
    journal, session_log = MemoryJournal(), MemorySessionLog(settings.sse_queue_records)
    ports = await open_ports(settings, session_log)
    name, dims = (ports.embedder.name, ports.embedder.dims) if ports.embedder else ("none", 0)
    for events in chunk_events(chunks, embedder=name, dims=dims):
        await journal.append_all(events, BENCH)
    work = [follow(journal, ports.index), follow_cancellations(journal, ports.cancellations)]
    work += [write_shared(journal, ports.target)] if ports.target else []
    work += [_agent(step, ports, journal) for step in steps(ports, journal)]
    async with AsyncExitStack() as stack:
        for one in work:
            stack.callback(asyncio.ensure_future(one).cancel)
        await ports.index.wait_for(await journal.ends(ports.index.topic))
        await _serve(settings, journal, session_log)


async def _agent(step: Step, ports: Ports, journal: MemoryJournal) -> None:
    """What Faust does for a step, over one partition."""
    settings = ports.settings
    frame = Frame(step, journal=journal, session_log=ports.session_log, policy=Policy(settings.step_tries, settings.step_timeout_s))
    window = Window(lambda record: frame.work(record, redelivered=False, generation=1), slots=settings.concurrency)
    async with journal.follow(step.topic) as follower:
        while True:
            for record in await follower.read(timeout_s=5.0):
                await window.admit(record)


async def _serve(settings: Settings, journal: MemoryJournal, session_log: MemorySessionLog) -> None:
    app = create_app(settings=settings, journal=journal, session_log=session_log)
    config = uvicorn.Config(app, host="127.0.0.1", port=settings.api_port, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    await uvicorn.Server(config).serve()


def main() -> None:
    import uvloop

    arguments = argparse.ArgumentParser(prog="python -m infra.one_process")
    arguments.add_argument("--chunks", type=int, default=0, help="Fill the index with so many made-up chunks.")
    settings = load_settings()
    configure(settings, "one-process")
    uvloop.run(run(settings, arguments.parse_args().chunks))


if __name__ == "__main__":
    main()
