"""The way to the MCP tools: /mcp, if the package is installed. Who asks is found out here, as for every other route.

The package's own lifespan does not run in an app that is mounted, so `running` is entered by ours (api/app.py).
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.principal import principal_of
from api.wiring import Wiring

if TYPE_CHECKING:
    from api.protocols.mcp_tools import Tools

PATH = "/mcp"


class Gate:
    """Lets principals through who may ask."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal = principal_of(Request(scope), "ask")
        await self._tools.handle({**scope, "state": {**scope.get("state", {}), "principal": principal}}, receive, send)


def mount(app: FastAPI, wiring: Wiring) -> Tools | None:
    """Put the tools at /mcp. POST only: no client is sent anything that it has not asked for."""
    if importlib.util.find_spec("mcp") is None:
        return None
    from api.protocols.mcp_tools import Tools

    tools = Tools(wiring)
    app.router.routes.append(Route(PATH, endpoint=Gate(tools), methods=["POST"]))
    return tools


@asynccontextmanager
async def running(tools: Tools | None) -> AsyncIterator[None]:
    """While the app serves."""
    if tools is None:
        yield
    else:
        async with tools.running():
            yield
