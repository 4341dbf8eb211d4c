"""The network of a run does what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.robustness.proxy import Proxy


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """Before a server that says what it is told, line by line."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Proxy(server.sockets[0].getsockname()[1]).running() as proxy:
        yield proxy


async def connected(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def said_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"hello\n")
    return await reader.readline()


async def test_what_is_said_comes_through(proxy: Proxy) -> None:
    """Both ways."""
    reader, writer = await connected(proxy)

    assert b"hello\n" == await said_back(reader, writer)
    writer.close()


async def test_a_cut_breaks_what_is_open_and_what_comes(proxy: Proxy) -> None:
    """Until it is healed."""
    reader, writer = await connected(proxy)
    await said_back(reader, writer)
    proxy.cut()
    new, new_writer = await connected(proxy)

    assert (b"", b"") == (await _rest(reader), await _rest(new))
    proxy.heal()
    again, again_writer = await connected(proxy)
    assert b"hello\n" == await said_back(again, again_writer)
    for one in (writer, new_writer, again_writer):
        one.close()


async def test_what_hangs_comes_once_it_is_healed(proxy: Proxy) -> None:
    """Nothing of it is lost."""
    reader, writer = await connected(proxy)
    proxy.hang()
    writer.write(b"hello\n")
    waiting = asyncio.create_task(reader.readline())
    await asyncio.sleep(0.1)

    assert not waiting.done()
    proxy.heal()
    assert b"hello\n" == await waiting
    writer.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """What still comes; a reset is an end, too."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""
