"""`roxy bench answers`: many answers at a time by one worker, from a model at a fixed pace, to SSE clients.

The model says what time it is, so that each token tells how long it was on its way. The baseline is the model alone, as many at a time in one
process. Then the same questions once more, which the cache of answers holds; and a few one at a time.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import orjson

from connectors.language_model import open_language_model
from connectors.language_model.base import LanguageModel, Prompt
from infra.bench.corpus import questions
from infra.bench.latency import fill
from infra.bench.report import Report, Wanted, quantiles, report
from infra.bench.wire import Connection, Stream
from infra.own import own_roxy
from infra.ports import LOOPBACK
from infra.up import up
from schemas.settings import Settings

TOKENS, RATE, FIRST_S = 100, 50, 0.3
_CHUNKS = 1_000
_ONE_BY_ONE = 5
_REPEATED = 100
_ANSWER_S = 120.0
_FRAME = re.compile(rb'event: TokensGenerated\n.*?"text":"([^"]*)"', re.DOTALL)
_GOALS: dict[str, Wanted] = {
    "ratio_answers_per_s": (">=", 0.9),
    "token_p50_ms": ("<=", 10),
    "token_p99_ms": ("<=", 50),
    "cached_first_token_p50_ms": ("<=", 20),
}


class Answered(NamedTuple):
    """What a client saw of its answers."""

    first_ms: list[float]  #: from before the POST to the first token
    on_the_way_ms: list[float]  #: of each token, from the model to the client
    given_before: list[bool]


async def bench_answers(settings: Settings, *, count: int = 200, at_once: int = 32) -> Report:
    """Measure."""
    script = "scripted:" + orjson.dumps({"tokens": TOKENS, "per_token_s": 1 / RATE, "delay_s": FIRST_S, "clock": True}).decode()
    settings = settings.model_copy(update={"embedder": "none", "language_model": script, "refusals": False, "answer_cache": True})
    made_up = iter(questions(at_once + _ONE_BY_ONE + count))
    warm_up, one_by_one, asked = (list(islice(made_up, size)) for size in (at_once, _ONE_BY_ONE, count))
    async with own_roxy(settings, workers=0, apis=0) as broker:
        await fill(broker.settings, _CHUNKS)
        await up(broker.settings.model_copy(update={"kafka_bootstrap": None}))
        port = broker.settings.api_port
        await ask_all([port], warm_up, at_once)  # a broker that has just started interprets its code
        _, alone_s = await ask_all([port], one_by_one, 1)
        answered, together_s = await ask_all([port], asked, at_once)
        again, _ = await ask_all([port], asked[:_REPEATED], 1)
    figures = {
        "answers_per_s": count / together_s,
        "answers_one_at_a_time_per_s": _ONE_BY_ONE / alone_s,
        **quantiles("token", answered.on_the_way_ms),
        **quantiles("first_token", answered.first_ms),
        **quantiles("cached_first_token", again.first_ms),
        "cached_share": sum(again.given_before) / len(again.given_before),
    }
    baseline = {"answers_per_s": count / await _model_alone_s(open_language_model(script, settings), count, at_once)}
    return report("answers", figures=figures, baseline=baseline, goals=_GOALS)


async def ask_all(ports: Sequence[int], asked: Iterable[str], at_once: int) -> tuple[Answered, float]:
    """So many clients, each with a session of its own, take the questions in turn, spread over the API processes; and how long that took."""
    waiting, answered = iter(list(asked)), Answered([], [], [])
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as clients:
        for number in range(at_once):
            clients.create_task(_client(ports[number % len(ports)], waiting, answered))
    return answered, time.perf_counter() - begun


async def _client(port: int, waiting: Iterator[str], answered: Answered) -> None:
    """Ask, read to the end, ask the next one."""
    async with Connection(LOOPBACK, port) as connection:
        session = await connection.post("/v1/sessions", {})
        watch = _Watch(answered)
        stream = await Stream.open(LOOPBACK, port, session["links"]["events"], watch.take)
        for question in waiting:
            watch.begin()
            await connection.post(session["links"]["queries"], {"text": question})
            async with asyncio.timeout(_ANSWER_S):
                await watch.ended.wait()
        stream.close()


class _Watch:
    """Reads one connection's bytes."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self.begin()

    def begin(self) -> None:
        self._begun_ns, self._rest, self._first, self._given_before = time.time_ns(), b"", True, False
        self.ended = asyncio.Event()

    def take(self, data: bytes, now_ns: int) -> None:
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            self._see(frame, now_ns)

    def _see(self, frame: bytes, now_ns: int) -> None:
        self._given_before |= b"event: GenerationStarted" in frame and b'"cached":{"kind"' in frame
        if (token := _FRAME.search(frame)) is not None:
            self._tokens(token[1], now_ns)
        elif b"event: Answer" in frame:
            self._answered.given_before.append(self._given_before)
            self.ended.set()

    def _tokens(self, text: bytes, now_ns: int) -> None:
        if self._first:
            self._answered.first_ms.append((now_ns - self._begun_ns) / 1e6)
            self._first = False
        if not self._given_before:  # else they tell the time of the first telling
            self._answered.on_the_way_ms.extend((now_ns - int(said)) / 1e6 for said in text.split())


async def _model_alone_s(model: LanguageModel, count: int, at_once: int) -> float:
    """How long it takes by itself."""
    begun, waiting = time.perf_counter(), iter(range(count))

    async def speak() -> None:
        for _ in waiting:
            async for _ in model.stream(Prompt("What is kept?", ())):
                pass

    async with asyncio.TaskGroup() as speakers:
        for _ in range(at_once):
            speakers.create_task(speak())
    return time.perf_counter() - begun
