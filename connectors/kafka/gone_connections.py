"""Connections that are going, under uvloop. Importing this mends aiokafka's connection for all of its clients: consumers and
producers make their own.

A broker that dies leaves connections that are closed and not yet known to be. A write to such a one is nothing with asyncio, so
aiokafka (0.14) expects an OSError at most; uvloop raises RuntimeError, which ends aiokafka's background tasks for good: fetches, or
metadata, then stand still in silence.
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def send(connection: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
    """As aiokafka's, which does the same for an OSError. Raises KafkaConnectionError."""
    try:
        return _send(connection, request, expect_response=expect_response)
    except RuntimeError as error:
        if "handler is closed" not in str(error):
            raise
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"The connection is gone: {error}") from error


AIOKafkaConnection.send = send
