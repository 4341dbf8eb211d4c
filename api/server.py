"""The API process: `python -m api.server`. Settings -> ports -> app -> uvicorn.

On SIGTERM and SIGINT it drains: no new connections, every stream gets a closing frame with a cursor, open requests have ROXY_DRAIN_S
to end; then it exits 0. It exits 1, saying why, if it cannot start.
"""

from __future__ import annotations

import asyncio
import math
import resource
import signal
import socket
import sys
from types import FrameType

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from api.app import create_app
from api.principal import require_safe_address
from api.wiring import Wiring
from connectors import observability
from connectors.garbage import collect_seldom
from connectors.journal import Journal, open_journal
from connectors.session_log import SessionLog, open_session_log
from schemas.errors import PortTaken, RoxyError
from schemas.settings import Settings, load_settings

#: Longer than a load balancer keeps a connection that nothing comes through (60 s as a rule): it must not send into one that we have closed.
KEEP_ALIVE_S = 75
BACKLOG = 4_096  # 2,000 clients of a process that has gone may come at once


class Server(uvicorn.Server):
    """uvicorn, whose streams are told before it waits for them."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,  # api/front.py writes that line, with the query's id
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(settings.drain_s),
        )
        super().__init__(config)
        self._wiring: Wiring = app.state.wiring

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._wiring.streams.drain()
        await super().shutdown(sockets)


def main() -> None:
    """Run until told to stop."""
    signal.signal(signal.SIGTERM, _stop)  # uvicorn puts this back when it is done, and raises the signal again
    signal.signal(signal.SIGINT, _stop)
    _take_all_handles()
    try:
        settings = load_settings()
        observability.configure(settings, "api")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except RoxyError as error:
        sys.exit(f"roxy api: {error}")


async def serve(settings: Settings) -> None:
    """Serve Kafka's log until a signal comes. Raises InvalidSetting, PortTaken, LogUnavailable."""
    require_safe_address(settings)
    listener = listen(settings)
    async with open_journal(settings) as journal, open_session_log(settings) as session_log:
        await serve_over(settings, journal=journal, session_log=session_log, listener=listener)


async def serve_over(settings: Settings, *, journal: Journal, session_log: SessionLog, listener: socket.socket) -> None:
    """Serve these opened ports at this socket until a signal comes."""
    app = create_app(settings=settings, journal=journal, session_log=session_log)
    host, port = listener.getsockname()[:2]
    structlog.get_logger(__name__).info("listening", host=host, port=port)
    collect_seldom()
    await Server(app, settings).serve([listener])


def listen(settings: Settings) -> socket.socket:
    """A socket at ROXY_API_HOST and ROXY_API_PORT (0: any free port). Raises PortTaken."""
    family = socket.AF_INET6 if ":" in settings.api_host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.api_host, settings.api_port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(f"The API cannot listen at {settings.api_host}:{settings.api_port}: {error.strerror}.") from error
    listener.setblocking(False)
    return listener


def _take_all_handles() -> None:
    """Each stream is a file handle, and shells often begin with 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _stop(_: int, __: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
