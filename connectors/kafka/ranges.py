"""Bounded reads of one partition, on a connection of their own so that they never wait behind a long poll."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.structs import TopicPartition

from connectors.kafka.batches import read_batches
from connectors.kafka.wire import FetchSessionRequest
from schemas.record import Record

_MAX_BYTES = 4 * 1024 * 1024
_LEAST_BYTES, _A_RECORD = 32 * 1024, 1_024  # a short range is not read with all that lies behind it; what takes more comes with the next fetch
_NO_SESSION = -1  # fetch session epoch that opens none


async def read_range(
    client: AIOKafkaClient, leader: int, partition: TopicPartition, start: int, end: int, keys: Container[bytes] | None = None
) -> AsyncIterator[list[Record]]:
    """The records in [start, end), in batches that may be empty. Raises KafkaError."""
    most = min(_MAX_BYTES, max(_LEAST_BYTES, (end - start) * _A_RECORD))
    while start < end:
        fetched = read_batches(await fetch(client, leader, partition, start, most), partition, start, keys)
        start, most = fetched.behind, _MAX_BYTES
        yield [record for record in fetched.records if record.offset < end]


async def fetch(client: AIOKafkaClient, leader: int, partition: TopicPartition, start: int, max_bytes: int) -> bytes | None:
    """The batches that wait at `start` and after; at least one, whatever its size. Raises KafkaError."""
    request = FetchSessionRequest(max_wait_ms=500, max_bytes=max_bytes, session_id=0, epoch=_NO_SESSION, wanted={partition: start}, forgotten=())
    response = await client.send(leader, request)
    _, error_code, *_, raw = response.topics[0][1][0]
    if error_code or response.error_code:
        raise for_code(error_code or response.error_code)
    found: bytes | None = raw
    return found
