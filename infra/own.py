"""A Roxy of its own: fresh state folder, free ports. For the benches and the acceptance tests; nothing of it is left behind."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.ports import free_block
from infra.up import Up, down, up
from schemas.settings import Settings

_PORTS = 210  # broker and controllers, API processes, 100 behind them the workers' health, and Weaviate's


@asynccontextmanager
async def own_roxy(settings: Settings, *, brokers: int = 1, workers: int = 1, apis: int = 1, **changed: object) -> AsyncIterator[Up]:
    """Start it with the settings, some of them changed; stop it at the end whatever happens. Raises what `up` raises."""
    with tempfile.TemporaryDirectory(prefix="roxy-") as folder:
        own = _on_free_ports(settings, Path(folder), changed)
        try:
            yield await up(own, brokers=brokers, workers=workers, apis=apis, only_broker=workers == apis == 0)
        finally:
            await asyncio.to_thread(down, own)


def _on_free_ports(settings: Settings, folder: Path, changed: dict[str, object]) -> Settings:
    first = free_block(_PORTS)
    own = {"state_dir": folder, "kafka_bootstrap": None, "kafka_port": first, "api_port": first + 10, "worker_health_port": 0}
    own |= {"weaviate_port": first + 200, "weaviate_grpc_port": first + 201}
    return settings.model_copy(update={**own, **changed})
