"""A network between clients and one server that can be cut, hung, and slowed down: a TCP proxy of a few lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infra.ports import LOOPBACK

_CHUNK = 65_536


class Proxy:
    """Passes bytes on to a port of this machine, as long as the network is well."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self._to_port = to_port
        self._delay_s = 0.0
        self._cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._open = set[asyncio.Task[None]]()

    def cut(self) -> None:
        """Connections break, and new ones do at once."""
        self._cut = True
        for task in self._open:
            task.cancel()

    def hang(self) -> None:
        """Connections stay, and nothing comes through."""
        self._flows.clear()

    def slow(self, delay_s: float) -> None:
        """Each piece comes so much later."""
        self._delay_s = delay_s

    def heal(self) -> None:
        self._cut, self._delay_s = False, 0.0
        self._flows.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """On a port of its own, for so long."""
        server = await asyncio.start_server(self._connected, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            await asyncio.gather(*self._open, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both directions, until one of them ends: then what it said goes out, and the connection ends."""
        writers = [writer]
        try:
            if not self._cut:
                from_there, there = await asyncio.open_connection(LOOPBACK, self._to_port)
                writers.append(there)
                await self._until_one_ends((reader, there), (from_there, writer))
                for one in writers:
                    one.close()
        except (OSError, asyncio.CancelledError):
            pass  # as a network does: both sides find out by themselves
        finally:
            for one in writers:
                if not one.is_closing():
                    one.transport.abort()

    async def _until_one_ends(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        tasks = [asyncio.create_task(self._pass_on(*way)) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await asyncio.sleep(self._delay_s)
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
