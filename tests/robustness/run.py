"""A run: a system of its own, traffic under faults, healing, quiet, and what the history of all that breaks."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.robustness import settling
from tests.robustness.collection import collect
from tests.robustness.faults.injection import Injection
from tests.robustness.faults.schedule import schedule
from tests.robustness.findings import folded, search, searched
from tests.robustness.history import Fault, History, Run, Search
from tests.robustness.history_files import load
from tests.robustness.mixes import MIXES, Mix
from tests.robustness.recorder import Recorder
from tests.robustness.system import START_S, TENANTS, System, running
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.crew import at_work
from tests.robustness.traffic.watching import reads_all
from tests.robustness.traffic.world import World
from tests.robustness.validators.rules import violations_of
from tests.robustness.validators.violation import Violation

_FINISH_S = 60.0  # for readers to see the last of what there is


class Wanted(NamedTuple):
    """What somebody asked for. The same again means the same faults, clients with the same chance, the same model."""

    seed: int
    minutes: float
    mix: str

    @property
    def command(self) -> str:
        """That repeats it."""
        return f"python -m tests.robustness --minutes {self.minutes:g} --seed {self.seed} --mix {self.mix}"


class Outcome(NamedTuple):
    """What became of a run."""

    wanted: Wanted
    folder: Path
    history: History
    violations: tuple[Violation, ...]


async def run(wanted: Wanted, folder: Path) -> Outcome:
    """All of it. What the processes printed stays in the folder; what brokers and Weaviate hold does not."""
    mix = MIXES[wanted.mix]
    model = random.Random(f"{wanted.seed}/model").choice(mix.models)
    try:
        async with running(mix, model_name=model, folder=folder / "state") as system:
            stuck = await _watched(system, wanted, mix, folder)
    finally:
        for name in ("kafka", "weaviate"):
            shutil.rmtree(folder / "state" / name, ignore_errors=True)
    history = await asyncio.to_thread(load, folder / "history")
    not_ready = [Violation("healing", name, f"was not ready {START_S:.0f} s after all faults had ended") for name in stuck]
    return Outcome(wanted, folder, history, (*not_ready, *violations_of(history)))


async def _watched(system: System, wanted: Wanted, mix: Mix, folder: Path) -> list[str]:
    """Leaves a history in the folder. Returns the processes that did not recover."""
    recorder = Recorder(folder / "history")
    plan = schedule(wanted.seed, wanted.minutes * 60, mix)
    async with at_work(system, recorder, mix, wanted.seed) as world:
        own = [Client(f"{tenant}-last-ann", tenant, addresses=system.addresses, recorder=recorder, seed=wanted.seed) for tenant in TENANTS]
        injection = Injection(system, recorder, world, own[0])
        try:
            await injection.run(plan, wanted.minutes * 60)
            await asyncio.sleep(wanted.minutes * 60 - recorder.clock())
        finally:
            world.over.set()
        stuck = await system.heal()
        settled, searches = await _settled(system, world, own)
        quiet_at = recorder.clock()
        world.quiet.set()
        for client in own:
            reads_all(client, world)
        left = await world.finish(_FINISH_S)
        found = (await folded(system.settings, folder / "export"))._replace(searches=tuple(searches))
        topics = await collect(system.settings, recorder)
        for client in own:
            await client.close()
    ran = _run(wanted, system, recorder, injection.faults, quiet_at)
    recorder.run(ran._replace(topics=topics, found=found, settled=settled, left=left))
    return stuck


async def _settled(system: System, world: World, own: Sequence[Client]) -> tuple[bool, list[Search]]:
    """All that was begun is done; then what the documents are found by is asked for, and that is done, too. Whether it was, in time."""
    before = await settling.settle(system, world)
    asked = [(client, await search(client, world)) for client in own]
    behind = await settling.settle(system, world)
    return before and behind, [one for client, of in asked for one in await searched(client, of)]


def _run(wanted: Wanted, system: System, recorder: Recorder, faults: list[Fault], quiet_at: float) -> Run:
    secret = system.settings.cursor_secret
    told = {"mix": wanted.mix, "minutes": wanted.minutes, "model": system.model.name, "command": wanted.command, "brokers": system.mix.brokers}
    told |= {"load": os.getloadavg()}
    return Run(
        seed=wanted.seed,
        began=recorder.began,
        settings=told,
        faults=tuple(sorted(faults, key=lambda fault: fault.start)),
        quiet_at=quiet_at,
        ended_at=recorder.clock(),
        answer_timeout_s=settling.TIMEOUT_S,
        cursor_secret=secret.get_secret_value() if secret else "",
        topics={},
        tenants=TENANTS,
    )
