"""`roxy bench scale`: what an answer and each of its tokens cost, by process, and how many answers a second that lets the machine give.

Answers of two lengths are asked for by more clients than the machine can serve, from a model that does not wait. What a longer answer takes beyond
a short one is its tokens'; the rest is the answer's own. The cost of all processes together, per answer, says how many answers a second so many
cores give, had they nothing else to do: docs/scaling.md holds that against what was measured.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import orjson
import psutil

from infra import processes
from infra.bench.answers import ask_all
from infra.bench.corpus import questions
from infra.bench.report import Report, report
from infra.own import own_roxy
from schemas.errors import InvalidInput
from schemas.settings import Settings

SHORT, LONG = 20, 120  # tokens
_KINDS = ("kafka", "worker", "api")


class Layout(NamedTuple):
    """So many processes of each kind."""

    brokers: int
    workers: int
    apis: int

    @property
    def name(self) -> str:
        return f"{self.brokers}b{self.workers}w{self.apis}a"


LAYOUTS = (Layout(1, 1, 1), Layout(1, 2, 1), Layout(1, 2, 2), Layout(3, 2, 2), Layout(1, 4, 2))


class Taken(NamedTuple):
    """What some answers took."""

    seconds: float
    cpu_s: dict[str, float]  #: by kind of process
    disk_bytes: int


def layout_of(text: str) -> Layout:
    """`1:2:2` → one broker, two workers, two API processes. Raises InvalidInput."""
    numbers = text.split(":")
    if len(numbers) != len(_KINDS) or not all(number.isdigit() and int(number) > 0 for number in numbers):
        raise InvalidInput(f"{text!r} is no layout.", remedy="Give brokers:workers:apis, such as 1:2:2.")
    return Layout(*map(int, numbers))


async def bench_scale(settings: Settings, *, layouts: Sequence[Layout] = LAYOUTS, count: int = 300, at_once: int = 32) -> Report:
    """Measure each layout on its own."""
    figures: dict[str, float] = {}
    predicted: dict[str, float] = {}
    for layout in layouts:
        taken = {tokens: await _taken(settings, layout, tokens, count, at_once) for tokens in (SHORT, LONG)}
        figures |= _figures(layout, taken[SHORT], taken[LONG], count)
        predicted |= {_rate(layout, tokens): (os.cpu_count() or 1) * count / sum(each.cpu_s.values()) for tokens, each in taken.items()}
    return report("scale", figures=figures, baseline=predicted, goals={})


async def _taken(settings: Settings, layout: Layout, tokens: int, count: int, at_once: int) -> Taken:
    """A Roxy of its own, warmed up by as many answers as there are clients."""
    script = "scripted:" + orjson.dumps({"tokens": tokens, "per_token_s": 0.001, "clock": True}).decode()
    settings = settings.model_copy(update={"embedder": "none", "language_model": script, "refusals": False, "answer_cache": False})
    async with own_roxy(settings, brokers=layout.brokers, workers=layout.workers, apis=layout.apis) as roxy:
        ports = [roxy.settings.api_port + number for number in range(layout.apis)]
        asked = questions(at_once * 4 + count)
        await ask_all(ports, islice(asked, at_once * 4), at_once)
        before, begun, disk = _cpu_s(roxy.settings.state_dir), time.perf_counter(), _disk_bytes(roxy.settings.state_dir)
        await ask_all(ports, asked, at_once)
        seconds, after = time.perf_counter() - begun, _cpu_s(roxy.settings.state_dir)
        return Taken(seconds, {kind: after[kind] - before[kind] for kind in _KINDS}, _disk_bytes(roxy.settings.state_dir) - disk)


def _cpu_s(state_dir: Path) -> dict[str, float]:
    """By kind of process, what all of them have used so far."""
    used = dict.fromkeys(_KINDS, 0.0)
    for child in processes.known(state_dir):
        times = psutil.Process(child.pid).cpu_times()
        used[child.name.rpartition("-")[0]] += times.user + times.system
    return used


def _disk_bytes(state_dir: Path) -> int:
    """Of all brokers' records; the files of an index are sparse."""
    return sum(file.stat().st_size for file in (state_dir / "kafka").rglob("*.log"))


def _rate(layout: Layout, tokens: int) -> str:
    return f"{layout.name}_answers_of_{tokens}_per_s"


def _figures(layout: Layout, short: Taken, long: Taken, count: int) -> dict[str, float]:
    figures = {_rate(layout, SHORT): count / short.seconds, _rate(layout, LONG): count / long.seconds}
    for kind in _KINDS:
        each_token_s = (long.cpu_s[kind] - short.cpu_s[kind]) / count / (LONG - SHORT)
        figures[f"{layout.name}_{kind}_per_answer_ms"] = (short.cpu_s[kind] / count - SHORT * each_token_s) * 1000
        figures[f"{layout.name}_{kind}_per_token_us"] = each_token_s * 1e6
    token_bytes = (long.disk_bytes - short.disk_bytes) / count / (LONG - SHORT)
    figures[f"{layout.name}_disk_per_answer_kib"] = (short.disk_bytes / count - SHORT * token_bytes) / 1024
    figures[f"{layout.name}_disk_per_token_kib"] = token_bytes / 1024
    return figures
