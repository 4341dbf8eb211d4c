"""`roxy bench load`: many clients with open streams, and a real day's mix of work, at a rate that is told or found.

Open loop: an operation is timed from the moment at which it was due, so that a server that stalls is charged with everything that it kept waiting.
The baseline is one client that asks alone, one question after the other, on the same Roxy.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple, cast, get_args

import orjson

from infra.bench.latency import ask_in_sequence, fill
from infra.bench.load_figures import MOST_ERRORS, Outcome, of_overload
from infra.bench.load_plan import Crowd, Done, Phase
from infra.bench.report import Report, Wanted, report
from infra.bench.soak import Soak
from infra.environment import environment
from infra.own import own_roxy
from infra.up import Up, up
from schemas.errors import InvalidInput
from schemas.settings import Placement, Settings

_ALONE = 50  # questions of the baseline
_SEED = 7
_LINE = 2**27  # a phase's outcome is one line: 100 bytes an operation
_FIRST_RATE, _LEAST_RATE, _CLOSE = 8.0, 0.5, 1.1  # where the search begins and gives up, and how near it comes to the highest rate
_TRIAL_S = 30.0
_WARM_UP_S = 10.0
_PAUSE_S = 3.0  # between two phases
_SAMPLES = 200
_GOALS: dict[str, Wanted] = {"errors_share": ("<=", MOST_ERRORS), "overload_fell_over_share": ("<=", MOST_ERRORS), "recovery_s": ("<=", 10)}


class Wish(NamedTuple):
    """What is to be measured."""

    clients: int = 1_000
    seconds: float = 600.0
    rate: float | None = None  #: operations a second; None: the highest that is sustained is looked for first
    placement: Placement = "topic"
    workers: int = 1
    apis: int = 1
    generators: int = 1
    overload_s: float = 0.0  #: afterwards, twice the rate for so long, then half of it
    soak: bool = False
    chunks: int = 10_000


def wish_of(*, placement: str, **fields: Any) -> Wish:
    """Raises InvalidInput."""
    if placement not in get_args(Placement):
        raise InvalidInput(f"{placement!r} is no placement.", remedy="Give topic or lane.")
    return Wish(placement=cast(Placement, placement), **fields)


async def bench_load(settings: Settings, wish: Wish) -> Report:
    """Measure."""
    settings = settings.model_copy(update={"embedder": "none", "sse_max_per_principal": max(settings.sse_max_per_principal, 2 * wish.clients)})
    async with own_roxy(settings, workers=0, apis=0) as broker:
        await fill(broker.settings, wish.chunks)
        roxy = await up(broker.settings.model_copy(update={"kafka_bootstrap": None}), workers=wish.workers, apis=wish.apis)
        alone = await ask_in_sequence(roxy.settings.api_port, _ALONE)
        async with _crowd(roxy, wish) as crowd:
            figures = await _measured(crowd, roxy, wish)
    baseline = {f"ask_{name}": value for name, value in alone.figures().items()}
    return report(f"load {wish.placement}", figures=figures, baseline=baseline, goals=_GOALS)


async def _measured(crowd: Generators, roxy: Up, wish: Wish) -> dict[str, float]:
    await crowd.run(wish.rate or _FIRST_RATE, min(_WARM_UP_S, wish.seconds))

    async def sustains(rate: float) -> bool:
        return (await crowd.run(rate, min(_TRIAL_S, wish.seconds))).sustained

    rate = wish.rate or await highest_rate(sustains)
    soak = Soak({process.name: process.pid for process in roxy.processes})
    async with soak.sampled(every_s=max(wish.seconds / _SAMPLES, 0.2)):
        outcome = await crowd.run(rate, wish.seconds)
    figures = {**outcome.figures(), **soak.cost(len(outcome.done))}
    figures |= {"clients": float(wish.clients), **(soak.figures() if wish.soak else {})}
    if wish.overload_s:
        over, after = await crowd.overload(rate, wish.overload_s)
        figures |= of_overload(over, after)
    return figures


async def highest_rate(sustains: Callable[[float], Awaitable[bool]]) -> float:
    """Doubled until it is not sustained, then halved in between. Raises RuntimeError if hardly any is."""
    good, bad = 0.0, _FIRST_RATE
    while await sustains(bad):
        good, bad = bad, bad * 2
    while bad > max(good, _LEAST_RATE) * _CLOSE:
        rate = (good + bad) / 2
        good, bad = (rate, bad) if await sustains(rate) else (good, rate)
    if not good:
        raise RuntimeError(f"Not even {bad:.1f} operations a second are sustained.")
    return good


class Generators:
    """The processes that the clients live in. Each does its share."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes

    async def run(self, rate: float, seconds: float) -> Outcome:
        """At one rate, and a pause behind it."""
        done, took_s, lost = await self._phase((rate, seconds))
        return Outcome(rate, seconds, took_s, done, lost)

    async def overload(self, rate: float, seconds: float) -> tuple[Outcome, Outcome]:
        """Twice the rate, and then at once half of it, while what was left waiting still has to be done."""
        done, took_s, lost = await self._phase((rate * 2, seconds), (rate / 2, seconds))
        over = [one for one in done if one.due_s < seconds]
        after = [one._replace(due_s=one.due_s - seconds) for one in done if one.due_s >= seconds]
        return Outcome(rate * 2, seconds, seconds, over, lost), Outcome(rate / 2, seconds, took_s - seconds, after, 0)

    async def _phase(self, *steps: tuple[float, float]) -> tuple[list[Done], float, int]:
        """What was done, how long it took until the last of it had ended, and how many streams the server ended."""
        count = len(self._processes)
        share = tuple((rate / count, seconds) for rate, seconds in steps)
        said = await asyncio.gather(*(_told(process, Phase(share, _SEED + number)) for number, process in enumerate(self._processes)))
        await asyncio.sleep(min(_PAUSE_S, steps[0][1]))
        done = [Done(*fields) for one in said for fields in one["done"]]
        return done, max(one["seconds"] for one in said), sum(one["lost"] for one in said)


@asynccontextmanager
async def _crowd(roxy: Up, wish: Wish) -> AsyncIterator[Generators]:
    """The processes, once every client's stream is open."""
    ports = tuple(roxy.settings.api_port + number for number in range(wish.apis))
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(_generator(roxy.settings)) for _ in range(wish.generators)]
        crowds = [Crowd(ports, wish.clients // wish.generators, wish.placement)] * wish.generators
        await asyncio.gather(*(_told(process, crowd) for process, crowd in zip(processes, crowds, strict=True)))
        yield Generators(processes)


@asynccontextmanager
async def _generator(settings: Settings) -> AsyncIterator[Process]:
    arguments = ("-P", "-m", "infra.bench.load_generator")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=PIPE, stdout=PIPE, env=environment(settings), limit=_LINE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _told(process: Process, said: NamedTuple) -> dict[str, Any]:
    """A line in, a line out. Raises RuntimeError if the process has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(orjson.dumps(said._asdict()) + b"\n")
    if not (line := await process.stdout.readline()):
        raise RuntimeError(f"A generator of the load ended with {await process.wait()}.")
    return dict(orjson.loads(line))
