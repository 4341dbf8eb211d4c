"""A local server: one that runs beside Kafka on this machine, its data in the state folder. Weaviate and Ollama say what they need.

Called by `infra.up`, `infra.status` and the tests. Guarantees: what was stored is there again after a restart; a start of what runs already does
nothing; `start` returns when the server answers, or raises with the end of its log; nothing of the user's environment tells it what to do.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from infra import processes
from infra.go_install import Program, Say
from infra.ports import LOOPBACK, is_open, require_free
from infra.processes import Child
from schemas.errors import LocalProcessError
from schemas.settings import Settings

_POLL_S = 0.05
_INHERITED = frozenset({"PATH", "TMPDIR", "LANG", "GOMAXPROCS", "GOMEMLIMIT"})


class LocalServer(NamedTuple):
    """What a server says of itself."""

    program: Program
    ports: Callable[[Settings], Sequence[int]]  #: all that it takes; the first is that of its HTTP
    ports_setting: str
    arguments: Callable[[Settings], Sequence[str]]
    environment: Callable[[Settings], Mapping[str, str]]
    wanted: Callable[[Settings], bool]  #: without being asked for
    ready_path: str
    also_open: int = 0  #: so many ports behind the first one have to be open
    inherits: frozenset[str] = frozenset()  #: of the user's environment, beside what every Go program reads
    ready_s: float = 90.0
    stop_s: float = 30.0

    @property
    def name(self) -> str:
        """Of its process, and of its folder."""
        return self.program.name.lower()

    def folder(self, state_dir: Path) -> Path:
        return processes.make_dir(state_dir / self.name, "ROXY_STATE_DIR")

    async def start(self, settings: Settings, say: Say = lambda text: None) -> bool:
        """Start it unless it runs, and wait until it answers; whether it was started. Raises PortTaken, MissingExtra, LocalProcessError."""
        absent = processes.find(settings.state_dir, self.name) is None
        if absent:
            await asyncio.to_thread(self._start, settings, say)
        await self._until_ready(settings)
        return absent

    def stop(self, settings: Settings) -> list[Child]:
        """Stop it if it runs; returns what ran."""
        child = processes.find(settings.state_dir, self.name)
        return processes.stop(settings.state_dir, [child] if child else [], grace_s=self.stop_s)

    async def is_ready(self, address: str) -> bool:
        """Whether the server at host:port says that it is ready."""
        import httpx2

        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
                return (await client.get(f"http://{address}{self.ready_path}")).status_code == 200
        except httpx2.TransportError:
            return False

    def _start(self, settings: Settings, say: Say) -> None:
        ports = self.ports(settings)
        for port in ports:
            require_free(port, self.ports_setting)
        program = self.program.install(settings.cache_dir, say)
        say(f"Starting {self.program.name}")
        folder = self.folder(settings.state_dir)
        inherited = {name: value for name, value in os.environ.items() if name in _INHERITED | self.inherits}
        processes.start(
            self.name,
            [str(program), *self.arguments(settings)],
            state_dir=settings.state_dir,
            address=f"{LOOPBACK}:{ports[0]}",
            env={**inherited, **self.environment(settings)},
            cwd=folder,
        )

    async def _until_ready(self, settings: Settings) -> None:
        port, *others = self.ports(settings)
        try:
            async with asyncio.timeout(self.ready_s):
                while not await self.is_ready(f"{LOOPBACK}:{port}") or not all(map(is_open, others[: self.also_open])):
                    if processes.find(settings.state_dir, self.name) is None:
                        raise LocalProcessError(f"{self.program.name} ended while it started. {self._log_end(settings.state_dir)}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            late = f"{self.program.name} was not ready after {self.ready_s:.0f} s."
            raise LocalProcessError(f"{late} {self._log_end(settings.state_dir)}") from error

    def _log_end(self, state_dir: Path) -> str:
        log = processes.log_file(state_dir, self.name)
        return f"The end of {log}:\n{processes.last_lines(log)}\n"
