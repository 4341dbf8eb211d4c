"""`roxy bench survival`: how long an answer stands still when its worker is killed, and how soon one that is cancelled has ended.

Of two workers one gets SIGKILL while many answers are being written; the pause is from the signal to the next token at an SSE client. Answers are
cancelled at one API process and watched at another. Baselines: a bare consumer group that loses a member, and one process without Kafka.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import orjson

from infra import processes
from infra.bench.answer_watch import AnswerWatch
from infra.bench.bare_member import pauses_ms
from infra.bench.latency import in_one_process
from infra.bench.report import Report, Wanted, quantiles, report
from infra.bench.wire import Connection, Stream
from infra.own import own_roxy
from infra.ports import LOOPBACK
from schemas.settings import Settings

KINDS = ("prefix", "restart")  # a model that runs again first says again what is out: a pause of its own, by --kind rerun
_RATE = 20  # tokens a second
_BEFORE_S = 4.0  # that answers are written before the worker dies
_AFTER_S = 6.0  # of text that is left when the other has taken over, at least
_TAKE_OVER_S = 60.0
_OTHERS = 20  # answers that are being written while others are cancelled
_CANCEL_AT = 10  # tokens
_ENDLESS = 100_000
_PLAIN: dict[str, object] = {"embedder": "none", "answer_cache": False, "refusals": False}


async def bench_survival(settings: Settings, *, sessions: int = 40, cancels: int = 200, kinds: Sequence[str] = KINDS) -> Report:
    """Each kind of resuming, then cancelling."""
    figures: dict[str, float] = {}
    baseline: dict[str, float] = {}
    for kind in kinds:
        measured, bare = await _killed(settings, kind, sessions)
        figures |= measured
        baseline |= _figures(f"pause_{kind}", bare)
    endless = settings.model_copy(update={**_PLAIN, "language_model": scripted("rerun", _ENDLESS)})
    async with own_roxy(endless, workers=1, apis=2) as roxy:
        port = roxy.settings.api_port
        figures |= _figures("cancel", await cancelled_ms(port, port + 1, cancels))
    async with in_one_process(endless, chunks=0) as port:
        baseline |= _figures("cancel", await cancelled_ms(port, port, cancels))
    return report("survival", figures=figures, baseline=baseline, goals=_goals(kinds))


def scripted(resumes: str, tokens: int) -> str:
    """The setting of a model that speaks for so long, and goes on as it is told."""
    return "scripted:" + orjson.dumps({"tokens": tokens, "per_token_s": 1 / _RATE, "resumes": resumes}).decode()


async def _killed(settings: Settings, kind: str, sessions: int) -> tuple[dict[str, float], list[float]]:
    """The pauses of the answers whose worker died, whether all of them came out right, and a bare group's pauses."""
    tokens = int(_RATE * (_BEFORE_S + settings.session_timeout_s + _AFTER_S))
    own = settings.model_copy(update={**_PLAIN, "language_model": scripted(kind, tokens)})
    async with own_roxy(own, workers=2, apis=1) as roxy:
        watches, streams = await _asked(roxy.settings.api_port, sessions)
        await asyncio.sleep(_BEFORE_S)
        killed = await _kill(roxy.settings, "worker-1")
        async with asyncio.timeout(_TAKE_OVER_S + tokens / _RATE):
            await asyncio.gather(*(watch.ended.wait() for watch in watches))
        for stream in streams:
            stream.close()
        bare = await pauses_ms(roxy.settings)
    pauses = [watch.pause_ms(killed) for watch in watches if watch.stopped_at(killed)]
    wrong = sum(watch.wrong + (watch.end != "AnswerCompleted") for watch in watches)
    return {**_figures(f"pause_{kind}", pauses), f"interrupted_{kind}": len(pauses), f"wrong_{kind}": wrong}, bare


async def _asked(port: int, sessions: int) -> tuple[list[AnswerWatch], list[Stream]]:
    """A question in each of so many sessions, each watched from its beginning."""
    watches, streams = [AnswerWatch() for _ in range(sessions)], list[Stream]()
    async with Connection(LOOPBACK, port) as connection:
        for watch in watches:
            _, stream = await _ask(connection, port, watch)
            streams.append(stream)
    return watches, streams


async def _ask(connection: Connection, port: int, watch: AnswerWatch) -> tuple[dict[str, Any], Stream]:
    session = await connection.post("/v1/sessions", {"placement": "lane"})
    accepted = await connection.post(session["links"]["queries"], {"text": "What became of it?"})
    return accepted, await Stream.open(LOOPBACK, port, accepted["links"]["query_events"], watch.take)


async def _kill(settings: Settings, name: str) -> int:
    child = processes.find(settings.state_dir, name)
    if child is None or child.process is None:
        raise RuntimeError(f"{name} has ended before it was to be killed.")
    killed = time.time_ns()
    child.process.kill()
    return killed


async def cancelled_ms(asked_at: int, cancelled_at: int, count: int) -> list[float]:
    """Milliseconds from before the POST of each cancellation to AnswerCancelled at an SSE client, while other answers are being written."""
    async with Connection(LOOPBACK, asked_at) as asking, Connection(LOOPBACK, cancelled_at) as cancelling:
        others = [await _ask(asking, asked_at, AnswerWatch()) for _ in range(_OTHERS)]
        times = [await _cancelled_ms(asking, cancelling, asked_at) for _ in range(count)]
        for accepted, stream in others:
            await cancelling.post(accepted["links"]["cancel"], {})
            stream.close()
    return times


async def _cancelled_ms(asking: Connection, cancelling: Connection, port: int) -> float:
    watch = AnswerWatch()
    accepted, stream = await _ask(asking, port, watch)
    while len(watch.tokens) < _CANCEL_AT:
        await asyncio.sleep(0.01)
    begun = time.time_ns()
    await cancelling.post(accepted["links"]["cancel"], {})
    async with asyncio.timeout(_TAKE_OVER_S):
        await watch.ended.wait()
    stream.close()
    if watch.end != "AnswerCancelled":
        raise RuntimeError(f"A cancelled answer ended as {watch.end}.")
    return (watch.end_ns - begun) / 1e6


def _figures(name: str, values: Sequence[float]) -> dict[str, float]:
    return {**quantiles(name, values), **({f"{name}_max_ms": max(values)} if values else {})}


def _goals(kinds: Sequence[str]) -> dict[str, Wanted]:
    goals: dict[str, Wanted] = {"cancel_p95_ms": ("<=", 500)}
    for kind in kinds:
        goals |= {f"pause_{kind}_p95_ms": ("<=", 10_000), f"wrong_{kind}": ("<=", 0)}
    return goals
