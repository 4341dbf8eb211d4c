"""connectors/kafka/client.py: what a broker that dies leaves behind is the log being away, whatever the library below calls it."""

from __future__ import annotations

import asyncio

import pytest
import uvloop
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

from connectors.kafka.client import _Client, mapped_errors
from schemas.errors import LogUnavailable


async def write_to_a_closed_connection(*_: object, **__: object) -> None:
    """As to a broker that was killed a moment ago."""
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.transport.abort()
        await asyncio.sleep(0.05)  # both ends close
        writer.write(b"a request")


async def mapped_write() -> None:
    async with mapped_errors():
        await write_to_a_closed_connection()


def test_a_connection_that_is_going_means_that_the_log_is_away() -> None:
    """uvloop calls it a RuntimeError: without a try again, records ended as dead letters."""
    with pytest.raises(RuntimeError, match="closed"):
        uvloop.run(write_to_a_closed_connection())
    with pytest.raises(LogUnavailable, match="closed"):
        uvloop.run(mapped_write())


def test_for_a_bare_client_it_is_an_error_of_kafkas(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tail, and whoever reads a range, then look for the leader anew."""
    monkeypatch.setattr(AIOKafkaClient, "send", write_to_a_closed_connection)

    async def send() -> None:
        client = _Client(bootstrap_servers="127.0.0.1:1")
        try:
            await client.send(1, object())
        finally:
            await client.close()

    with pytest.raises(KafkaConnectionError, match="closed"):
        uvloop.run(send())


async def test_any_other_runtime_error_is_ours_to_mend() -> None:
    """It is not taken for an outage that passes."""
    with pytest.raises(RuntimeError, match="set changed"):
        async with mapped_errors():
            raise RuntimeError("set changed size during iteration")
