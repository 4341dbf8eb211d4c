"""A broker that dies leaves connections that are going: a write to one is an error of Kafka's, so the log counts as away, and is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.metadata import MetadataRequest

from connectors.kafka import gone_connections
from connectors.kafka.client import mapped_errors
from schemas.errors import LogUnavailable


@asynccontextmanager
async def a_going_connection() -> AsyncIterator[AIOKafkaConnection]:
    """aiokafka holds it for alive; what it writes through is closed."""
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        _, closed = await asyncio.open_connection(host, port)
        closed.transport.abort()
        await asyncio.sleep(0.05)
        connection = AIOKafkaConnection(host, port)
        connection._versions = {3: (0, 1)}  # of its broker: Metadata
        connection._reader, connection._writer, connection._read_task = asyncio.StreamReader(), closed, asyncio.create_task(asyncio.sleep(60))
        try:
            yield connection
        finally:
            connection.close()
            await asyncio.sleep(0.05)


async def ask(send: Any, raised: type[Exception]) -> bool:
    """Whether aiokafka still holds the connection for alive once it was written to."""
    async with a_going_connection() as connection:
        with pytest.raises(raised, match="handler is closed"):
            async with mapped_errors():
                await send(connection, MetadataRequest(["queries"]))
        return bool(connection.connected())


def test_a_write_to_it_says_that_the_log_is_away() -> None:
    """And the next request makes another connection. Without it records ended as dead letters, and fetches ended for good."""
    assert uvloop.run(ask(AIOKafkaConnection.send, LogUnavailable)) is False


def test_it_is_what_uvloop_raises() -> None:
    """Should a newer one raise something else, or aiokafka take it for what it is, this need not be mended any more."""
    assert uvloop.run(ask(gone_connections._send, RuntimeError)) is True


async def test_any_other_runtime_error_is_ours_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for an outage that passes."""

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("set changed size during iteration")

    monkeypatch.setattr(gone_connections, "_send", fails)
    with pytest.raises(RuntimeError, match="set changed"):
        AIOKafkaConnection("127.0.0.1", 1).send(MetadataRequest(["queries"]))
