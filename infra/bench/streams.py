"""`roxy bench streams`: tokens through Kafka to SSE clients of one API process.

Open loop: each token is made at its time, whatever became of those before. A token says when it was made, so that its latency is from
the append to the client's socket. The baseline is the same SSE over the memory session log in one process, without Kafka.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import NamedTuple

import orjson
import psutil

from connectors.session_log import open_session_log
from infra import processes
from infra.bench.memory_server import Begin, memory_server
from infra.bench.report import Report, Wanted, quantiles, report
from infra.bench.tokens import Load, Meter
from infra.bench.wire import Connection, Stream
from infra.environment import environment
from infra.own import own_roxy
from infra.ports import LOOPBACK
from schemas.errors import InvalidInput
from schemas.session_id import Session, new_session_id
from schemas.settings import Placement, Settings

_AT_ONCE = 25  # connections, and topics, that are made side by side
_LATE_S = 15.0  # after the last token is made
_IDLE = 5_000
_WARM_UP_S = 4.0  # not measured: the producer learns each topic, the broker compiles its code


class Scenario(NamedTuple):
    """So many sessions at so many tokens a second each."""

    placement: Placement
    sessions: int
    rate: float
    seconds: float = 15.0

    @property
    def name(self) -> str:
        return f"{self.placement}_{self.sessions}x{self.rate:g}"


def scenario_of(text: str) -> Scenario:
    """`lane:1000:5` → that scenario. Raises InvalidInput."""
    match text.split(":"):
        case ["lane" | "topic" as placement, sessions, rate] if sessions.isdigit() and rate.isdigit():
            return Scenario(placement, int(sessions), int(rate))
    raise InvalidInput(f"{text!r} is no scenario.", remedy="Give placement:sessions:rate, such as lane:1000:5.")


SCENARIOS = (Scenario("lane", 1_000, 5), Scenario("topic", 100, 20), Scenario("lane", 1_000, 20), Scenario("topic", 1_000, 5))
#: The last scenario has none: what falls behind there is the producer.
_GOALS: dict[str, Wanted] = {
    "lane_1000x5_p99_ms": ("<=", 50),
    "topic_100x20_p99_ms": ("<=", 80),
    "lane_1000x20_p99_ms": ("<=", 115),
    "idle_connection_kib": ("<=", 40),
}


async def bench_streams(settings: Settings, *, scenarios: Sequence[Scenario] = SCENARIOS, idle: int = _IDLE) -> Report:
    """Each scenario through Kafka and from memory; then the memory of idle connections."""
    figures: dict[str, float] = {}
    baseline: dict[str, float] = {}
    for scenario in scenarios:
        async with own_roxy(settings, workers=0, apis=1, sse_max_per_principal=100_000) as roxy:
            figures |= await _through_kafka(roxy.settings, scenario)
        async with memory_server(settings, scenario.sessions) as (port, sessions, begin):
            baseline |= await _measured(port, scenario, sessions, begin)
    if idle:
        async with own_roxy(settings, workers=0, apis=1, sse_max_per_principal=100_000) as roxy:
            figures["idle_connection_kib"] = await _idle_kib(roxy.settings, idle)
    delivered: dict[str, Wanted] = {}
    for scenario in scenarios:
        delivered |= {f"{scenario.name}_delivered_share": (">=", 1.0), f"{scenario.name}_doubled_or_out_of_order": ("<=", 0)}
    return report("streams", figures=figures, baseline=baseline, goals=_GOALS | delivered)


async def _through_kafka(settings: Settings, scenario: Scenario) -> dict[str, float]:
    sessions = await _made(settings, scenario.placement, scenario.sessions)
    source = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "infra.bench.token_source", stdin=asyncio.subprocess.PIPE, env=environment(settings)
    )
    assert source.stdin is not None
    source.stdin.write(orjson.dumps({**_load(scenario, sessions)._asdict(), "lanes": settings.session_lanes}) + b"\n")

    async def begin(load: Load) -> None:
        assert source.stdin is not None
        source.stdin.write(b"\n")
        await source.stdin.drain()

    try:
        return await _measured(settings.api_port, scenario, sessions, begin)
    finally:
        if source.returncode is None:
            source.terminate()
        await source.wait()


async def _measured(port: int, scenario: Scenario, sessions: Sequence[str], begin: Begin) -> dict[str, float]:
    """Connect everyone, begin, wait until all has come or is too late."""
    load = _load(scenario, sessions)
    meters = [Meter() for _ in sessions]
    streams = await _opened(port, sessions, meters)
    await begin(load)
    deadline = asyncio.get_running_loop().time() + scenario.seconds + _LATE_S
    while asyncio.get_running_loop().time() < deadline and any(meter.next < load.tokens for meter in meters):
        await asyncio.sleep(0.1)
    for stream in streams:
        stream.close()
    arrivals = [arrival for meter in meters for arrival in meter.arrivals]
    warm = min(made for made, _ in arrivals) + int(_WARM_UP_S * 1e9) if arrivals else 0
    latencies = [latency for made, latency in arrivals if made >= warm]
    return {
        **quantiles(scenario.name, latencies),
        f"{scenario.name}_delivered_share": len(arrivals) / (load.tokens * len(sessions)),
        f"{scenario.name}_doubled_or_out_of_order": float(sum(meter.wrong for meter in meters)),
    }


def _load(scenario: Scenario, sessions: Sequence[str]) -> Load:
    return Load(tuple(sessions), scenario.rate, scenario.seconds)


async def _opened(port: int, sessions: Sequence[str], meters: Sequence[Meter]) -> list[Stream]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(session: str, meter: Meter) -> Stream:
        async with turns:
            return await Stream.open(LOOPBACK, port, f"/v1/sessions/{session}/events?after=latest", meter.take)

    return await asyncio.gather(*(one(session, meter) for session, meter in zip(sessions, meters, strict=True)))


async def _made(settings: Settings, placement: Placement, count: int) -> list[str]:
    sessions = [Session("default", new_session_id("default", placement)) for _ in range(count)]
    turns = asyncio.Semaphore(_AT_ONCE)
    async with open_session_log(settings) as session_log:

        async def one(session: Session) -> None:
            async with turns:
                await session_log.create(session)

        if placement == "topic":
            await asyncio.gather(*map(one, sessions))
    return [session.id for session in sessions]


async def _idle_kib(settings: Settings, count: int) -> float:
    """Resident memory that an open stream without records adds to the API process."""
    child = processes.find(settings.state_dir, "api-1")
    assert child is not None
    process = psutil.Process(child.pid)
    sessions = await _made(settings, "lane", count)
    await _settle(settings.api_port)
    before = process.memory_info().rss
    streams = await _opened(settings.api_port, sessions, [Meter() for _ in sessions])
    await asyncio.sleep(1)
    used = process.memory_info().rss - before
    for stream in streams:
        stream.close()
    return float(used / count / 1024)


async def _settle(port: int) -> None:
    """A few requests, so that what is loaded once is not counted."""
    async with Connection(LOOPBACK, port) as connection:
        for _ in range(20):
            await connection.post("/v1/sessions", {"placement": "lane"})
