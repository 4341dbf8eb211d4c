"""Injection: begins each planned fault when its time has come, heals it, and writes both down."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from schemas.errors import LocalProcessError
from tests.robustness.faults import processes, sessions, surroundings
from tests.robustness.faults.schedule import Planned
from tests.robustness.history import Fault
from tests.robustness.recorder import Recorder
from tests.robustness.system import System
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.world import World

_OF_PROCESSES = {"kill": processes.killed, "stop": processes.stopped, "pause": processes.paused, "rebalance": processes.rebalance_storm}
_AROUND = {
    "cut-network": surroundings.network_cut,
    "hang-network": surroundings.network_hung,
    "delay-network": surroundings.network_delayed,
    "break-model": surroundings.model_broken,
    "cut-off-broker": surroundings.network_cut,
    "hang-broker": surroundings.network_hung,
    "delay-broker": surroundings.network_delayed,
    "fill-disk-of-broker": processes.disk_full,
    "slow-broker": processes.slowed,
    "clock-ahead": partial(processes.clock_set, by_s=processes.STEP_S),
    "clock-behind": partial(processes.clock_set, by_s=-processes.STEP_S),
}

_BETWEEN_S = 2.0  # from the end of a fault to the next of its deck


class Injection:
    """Of one run. `client`: who does what a fault needs a client for."""

    def __init__(self, system: System, recorder: Recorder, world: World, client: Client) -> None:
        self._system, self._recorder, self._world, self._client = system, recorder, world, client
        self.faults: list[Fault] = []

    async def run(self, plan: Sequence[Planned], seconds: float) -> None:
        """All of them, each at its time; where healing takes long, those behind it come later, and the last ones not at all."""
        decks = {planned.deck for planned in plan}
        async with asyncio.TaskGroup() as tasks:
            for deck in decks:
                tasks.create_task(self._deck([planned for planned in plan if planned.deck == deck], seconds))

    async def _deck(self, plan: Sequence[Planned], seconds: float) -> None:
        for planned in plan:
            await asyncio.sleep(max(planned.at_s - self._recorder.clock(), _BETWEEN_S))
            if self._recorder.clock() + planned.lasts_s <= seconds:
                await self._one(planned)

    async def _one(self, planned: Planned) -> None:
        target = await processes.leader(self._system) if planned.target == "leader" else planned.target
        start, detail = self._recorder.clock(), dict[str, Any]()
        try:
            async with self._fault(planned.kind, target) as told:
                detail = told
                await asyncio.sleep(planned.lasts_s)
                detail["healing"] = self._recorder.clock()
        except (TimeoutError, LocalProcessError):  # it may still become ready; if not, the end of the run says so
            detail["ready"] = False
        self.faults.append(Fault(planned.kind, target, start, self._recorder.clock(), detail))
        took_s = self._recorder.clock() - start
        print(f"{start:7.1f} s  {planned.kind} {target}: healed after {took_s:.1f} s", file=sys.stderr, flush=True)

    def _fault(self, kind: str, target: str) -> AbstractAsyncContextManager[dict[str, Any]]:
        if kind == "forget-session":
            return sessions.session_forgotten(self._client, self._world)
        if kind == "cut-retention":
            return sessions.retention_cut(self._system, self._client, self._world)
        return _AROUND[kind](self._system, target) if kind in _AROUND else _OF_PROCESSES[kind.partition("-")[0]](self._system, target)
