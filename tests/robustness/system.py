"""What a run is about: brokers, two workers, two API processes, a network before each API, a model that fails when it is told to, and
Weaviate where a mix is about it.

A process keeps its name and its port when it is killed and started again, as one that a supervisor looks after.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from infra import kafka, processes, weaviate
from infra.environment import environment, resolve
from infra.ports import LOOPBACK, free_block
from infra.processes import Child
from infra.topics import create_topics
from infra.up import Planned, is_ready, planned
from schemas.settings import Settings
from tests.robustness import clocked
from tests.robustness.mixes import APIS, WORKERS, Mix
from tests.robustness.model import Model
from tests.robustness.proxy import Proxy

TENANTS, PEOPLE = ("acme", "globex"), ("ann", "bob")
_PORTS = 120
START_S = 150.0  #: until a process is ready, on a busy machine
_STOP_S = 30.0  # beyond ROXY_DRAIN_S: after that it is killed, and said so
_API_PORT_AFTER = 10
_WEAVIATE_PORT_AFTER = 20
_KAFKA = "kafka-"


class System:
    """Processes by name."""

    def __init__(self, settings: Settings, model: Model, mix: Mix, proxies: dict[str, Proxy]) -> None:
        self.settings, self.model, self.mix, self.proxies = settings, model, mix, proxies
        self._plan: dict[str, Planned] = {one.name: one for one in planned(settings, len(WORKERS) + 1, len(APIS))}

    @property
    def addresses(self) -> list[str]:
        """Where clients reach the API processes: through the network."""
        return [f"http://{LOOPBACK}:{self.proxies[name].port}" for name in APIS]

    def child(self, name: str) -> Child | None:
        return processes.find(self.settings.state_dir, name)

    async def start(self, name: str) -> None:
        """Start what does not run, and wait until it is ready."""
        if name.startswith(_KAFKA):
            await kafka.start(self.settings, advertised=advertised(self.proxies))
            return
        if name == weaviate.SERVER.name:
            await weaviate.SERVER.start(self.settings)
            return
        one = self._plan[name]
        child = self.child(name) or self._started(one)
        async with asyncio.timeout(START_S):
            while not await is_ready(child.address):
                if not child.alive:
                    child = self._started(one)  # as a supervisor would: a process may not come up while its broker is away
                await asyncio.sleep(0.1)

    def signal(self, name: str, number: signal.Signals) -> None:
        child = self.child(name)
        if child is not None and child.process is not None:
            child.process.send_signal(number)

    def set_clock(self, name: str, ahead_s: float) -> None:
        clocked.set_clock(self._clock(name), ahead_s)

    async def end(self, name: str, number: signal.Signals) -> bool:
        """Signal it and wait until it has ended. False if it had to be killed."""
        child = self.child(name)
        if child is None or (process := child.process) is None:
            return True
        process.send_signal(number)
        try:
            await asyncio.to_thread(process.wait, self.settings.drain_s + _STOP_S)
            return True
        except processes.psutil.TimeoutExpired:
            process.kill()
            return False

    async def heal(self) -> list[str]:
        """Everything runs, nothing is paused, the network and the model are well, clocks are right. Returns the processes that did not become
        ready by themselves."""
        for proxy in self.proxies.values():
            proxy.heal()
        for name in (*WORKERS, *APIS):
            self.set_clock(name, 0)
        self.model.heal()
        for child in processes.known(self.settings.state_dir):
            self.signal(child.name, signal.SIGCONT)
        await self.start(f"{_KAFKA}1")
        if self.mix.weaviate:
            await self.start(weaviate.SERVER.name)
        return [name for name in await asyncio.gather(*(self._healed(name) for name in (*WORKERS, *APIS))) if name]

    async def _healed(self, name: str) -> str:
        """Its name if it had to be killed."""
        try:
            await self.start(name)
        except TimeoutError:
            await self.end(name, signal.SIGKILL)
            await self.start(name)
            return name
        return ""

    def _started(self, one: Planned) -> Child:
        state_dir = self.settings.state_dir
        env = {**environment(self.settings, **one.changed), clocked.VARIABLE: str(self._clock(one.name))}
        argv = [sys.executable, "-P", "-m", clocked.__name__, one.module]
        return processes.start(one.name, argv, state_dir=state_dir, address=one.address, env=env, cwd=state_dir)

    def _clock(self, name: str) -> Path:
        return self.settings.state_dir / "clocks" / name


@asynccontextmanager
async def running(mix: Mix, *, model_name: str, folder: Path) -> AsyncIterator[System]:
    """All of it, for so long. What the processes print stays in the folder; the brokers' data does, too."""
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(Model(model_name).serving())
        settings = _settings(folder, model)
        proxies = _proxies(settings, mix)
        for proxy in proxies.values():
            await stack.enter_async_context(proxy.running())
        stack.push_async_callback(asyncio.to_thread, _stop, settings)
        if mix.weaviate:  # before the brokers: to build it may take minutes, or Go is missing
            await weaviate.SERVER.start(settings, partial(print, file=sys.stderr, flush=True))
        cluster = await kafka.start(settings, brokers=mix.brokers, advertised=advertised(proxies))
        settings = resolve(settings, cluster)
        await create_topics(settings)
        system = System(settings, model, mix, proxies)
        await system.heal()
        yield system


def _proxies(settings: Settings, mix: Mix) -> dict[str, Proxy]:
    """A network before each API process; before each broker as well, if the mix has faults of it: all that brokers say goes through it then."""
    ports = {name: settings.api_port + number for number, name in enumerate(APIS)}
    if mix.proxied:
        ports |= {f"{_KAFKA}{number + 1}": settings.kafka_port + number for number in range(mix.brokers)}
    return {name: Proxy(port) for name, port in ports.items()}


def advertised(proxies: dict[str, Proxy]) -> list[int]:
    """Ports that clients of brokers are told, if not the brokers' own."""
    return [proxy.port for name, proxy in proxies.items() if name.startswith(_KAFKA)]


def _settings(folder: Path, model: Model) -> Settings:
    """Short limits, so that a run of minutes sees the ends of them; else the defaults."""
    first = free_block(_PORTS)
    subjects = [(tenant, f"{tenant}-{name}") for tenant in TENANTS for name in PEOPLE]
    keys = [{"key": key_of(subject), "tenant": tenant, "subject": subject, "roles": ["ask", "ingest", "operate"]} for tenant, subject in subjects]
    limits = {"model_connect_s": 2, "model_first_token_s": 4, "model_between_tokens_s": 4, "model_total_s": 30, "sse_heartbeat_s": 1}
    own = {"state_dir": folder, "kafka_port": first, "api_port": first + _API_PORT_AFTER, "api_keys": keys, "log_format": "json"}
    own |= {"weaviate_port": first + _WEAVIATE_PORT_AFTER, "weaviate_grpc_port": first + _WEAVIATE_PORT_AFTER + 1}
    return Settings.model_validate({**own, **limits, **model.settings, "embedder": "none", "refusals": False, "drain_s": 3})


def key_of(subject: str) -> str:
    """The API key of somebody."""
    return f"key-of-{subject}"


def _stop(settings: Settings) -> None:
    ours = [child for child in processes.known(settings.state_dir) if not child.name.startswith(_KAFKA)]
    processes.stop(settings.state_dir, ours, grace_s=settings.drain_s + _STOP_S)
    kafka.stop(settings)
