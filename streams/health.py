"""Health and metrics of a worker, on loopback: /health/live, /health/ready, /metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


@dataclass
class Health:
    """What the worker says of itself."""

    ready: Callable[[], bool] = lambda: False


@asynccontextmanager
async def serve_health(health: Health, port: int) -> AsyncIterator[None]:
    """Answer on 127.0.0.1:`port`; 0: do not."""
    if port == 0:
        yield
        return
    runner = web.AppRunner(_app(health), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


def _app(health: Health) -> web.Application:
    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        is_ready = health.ready()
        return web.json_response({"status": "ready" if is_ready else "starting"}, status=200 if is_ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/health/live", live), web.get("/health/ready", ready), web.get("/metrics", metrics)])
    return app
