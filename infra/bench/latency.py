"""`roxy bench latency`: POST of a question → its first token at an SSE client.

Questions in sequence, each in its turn, over one session, with an index of made-up chunks. The baseline is the same HTTP, retrieval,
generation and SSE in one process, without Kafka.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import numpy as np
import orjson

from connectors.embedder import open_embedder
from connectors.journal import open_journal
from infra.bench.corpus import BENCH, chunk_events, questions
from infra.bench.report import Report, Wanted, quantiles, report
from infra.bench.serving import serving
from infra.bench.wire import Connection, Stream
from infra.environment import environment, resolved_embedder
from infra.own import own_roxy
from infra.ports import LOOPBACK, free_block
from infra.up import up
from schemas.settings import Settings

WARM_UP = 150  # a broker that has just started interprets its code: a round trip takes 3.7 ms at first, 2.1 ms after 1,000
PAUSE_S = 0.02  # between an answer's end and the next question
_ANSWER_S = 30.0
_FRAME = re.compile(rb"event: (\w+)\ndata: (.*)\n")
_GOALS: dict[str, dict[str, Wanted]] = {
    "none": {"first_token_p50_ms": ("<=", 10), "first_token_p99_ms": ("<=", 35), "ratio_first_token_p50_ms": ("<=", 1.7)},
    "model": {"first_token_p50_ms": ("<=", 35), "ratio_first_token_p50_ms": ("<=", 2.0)},
}


class Timings(NamedTuple):
    """Milliseconds from the moment before the POST."""

    accepted: list[float]
    first_token: list[float]
    whole: list[float]
    made: dict[str, list[float]]  #: the first record of a type, by its own time, which is whole milliseconds

    def figures(self) -> dict[str, float]:
        stages = {f"{name}_made_p50_ms": float(np.median(moments)) for name, moments in self.made.items()}
        return {**quantiles("first_token", self.first_token), **quantiles("accepted", self.accepted), **quantiles("whole", self.whole), **stages}

    def add(self, begun_ns: int, accepted_ns: int, watch: _Watch) -> None:
        """A question's."""
        for values, moment in zip(self[:3], (accepted_ns, watch.first_ns, watch.end_ns), strict=True):
            values.append((moment - begun_ns) / 1e6)
        for name, moment in watch.made_ns().items():
            self.made.setdefault(name, []).append((moment - begun_ns) / 1e6)


async def bench_latency(settings: Settings, *, count: int = 200, chunks: int = 10_000, embedder: str = "none") -> Report:
    """Measure Roxy, then one process without Kafka."""
    settings = settings.model_copy(update={"embedder": resolved_embedder(embedder)})
    async with own_roxy(settings, workers=0, apis=0) as broker:
        await fill(broker.settings, chunks)
        async with _on(broker.settings) as port:
            through_kafka = await ask_in_sequence(port, count)
    async with in_one_process(settings, chunks) as port:
        in_one = await ask_in_sequence(port, count)
    goals = _GOALS["none" if settings.embedder == "none" else "model"]
    name = f"latency {settings.embedder.partition(':')[2] or settings.embedder}"
    return report(name, figures=through_kafka.figures(), baseline=in_one.figures(), goals=goals)


async def ask_in_sequence(port: int, count: int) -> Timings:
    """Ask, wait for the answer's end, ask again."""
    timings = Timings([], [], [], {})
    async with Connection(LOOPBACK, port) as connection:
        session = await connection.post("/v1/sessions", {})
        watch = _Watch()
        stream = await Stream.open(LOOPBACK, port, session["links"]["events"], watch.take)
        for number, question in enumerate(questions(WARM_UP + count)):
            begun = time.time_ns()
            watch.reset()
            await connection.post(session["links"]["queries"], {"text": question})
            accepted = time.time_ns()
            async with asyncio.timeout(_ANSWER_S):
                await watch.ended.wait()
            if number >= WARM_UP:
                timings.add(begun, accepted, watch)
            await asyncio.sleep(PAUSE_S)
        stream.close()
    return timings


class _Watch:
    """When the first token came, and when the terminal event."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._seen, self.first_ns, self.end_ns = b"", 0, 0
        self.ended = asyncio.Event()

    def take(self, data: bytes, now_ns: int) -> None:
        self._seen += data
        if not self.first_ns and b"event: TokensGenerated" in self._seen:
            self.first_ns = now_ns
        if b"event: Answer" in self._seen:
            self.first_ns, self.end_ns = self.first_ns or now_ns, now_ns
            self.ended.set()

    def made_ns(self) -> dict[str, int]:
        """When the first record of each type was made."""
        made: dict[str, int] = {}
        for name, value in _FRAME.findall(self._seen):
            made.setdefault(name.decode(), int(datetime.fromisoformat(orjson.loads(value)["time"]).timestamp() * 1e9))
        return made


async def fill(settings: Settings, chunks: int) -> None:
    """The topic with made-up chunks."""
    embedder = open_embedder(settings.embedder)
    name, dims = (embedder.name, embedder.dims) if embedder else ("none", 0)
    async with open_journal(settings) as journal:
        for events in chunk_events(chunks, embedder=name, dims=dims):
            await journal.append_all(events, BENCH)


@asynccontextmanager
async def _on(settings: Settings) -> AsyncIterator[int]:
    """Worker and API beside a broker that is up."""
    await up(settings.model_copy(update={"kafka_bootstrap": None}))
    yield settings.api_port


@asynccontextmanager
async def in_one_process(settings: Settings, chunks: int) -> AsyncIterator[int]:
    """The port of a process that is all of Roxy without Kafka."""
    port = free_block(1)
    env = environment(settings, api_port=port, log_level="error")
    async with serving(["infra.one_process", "--chunks", str(chunks)], port=port, env=env):
        yield port
