"""Two Kafka requests that aiokafka 0.14 has no call for: topic ids (KIP-516) and incremental fetches (KIP-227).

Topic ids make a cursor's epoch. Incremental fetches name only the partitions that changed since the request before, so that tailing a
thousand sessions' topics costs a request of a few bytes instead of a thousand partitions each time.
Layouts: https://kafka.apache.org/protocol, Metadata version 10 and Fetch version 11.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import NamedTuple, TypeVar
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.fetch import FetchRequest_v11
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.types import AbstractType, Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields
from aiokafka.structs import TopicPartition

T = TypeVar("T")

EARLIEST, LATEST = -2, -1
_UNKNOWN_TOPIC = 3
_OTHERS_S = 1.0  # for brokers that are asked beside the first; a millisecond where they are well


class _Uuid(AbstractType[UUID]):
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


class _MetadataResponse(Response):
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32), ("host", CompactString("utf-8")), ("port", Int32), ("rack", CompactString("utf-8")), ("tags", TaggedFields)
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataStruct(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataStruct]):
    API_KEY = 3

    def __init__(self, names: Iterable[str]) -> None:
        self._topics: list[tuple[UUID, str, dict[int, bytes]]] = [(UUID(int=0), name, {}) for name in names]

    def build(self, request_struct_class: type[_MetadataStruct]) -> _MetadataStruct:
        return request_struct_class(self._topics, False, False, False, {})


class TopicPlace(NamedTuple):
    """A topic's id and who leads each of its partitions (node id; -1: nobody now)."""

    topic_id: UUID
    leaders: Mapping[int, int]


async def topic_places(client: AIOKafkaClient, names: Sequence[str]) -> dict[str, TopicPlace]:
    """Ids and leaders of the topics that exist. Raises KafkaError.

    A broker hears of a new topic later than another one: what the first does not know, the others are asked for before it counts as absent.
    """
    first = client.get_random_node()
    places = await _places_at(client, first, names)
    missing = [name for name in names if name not in places]
    others = [broker.nodeId for broker in client.cluster.brokers() if broker.nodeId != first] if missing else []
    for found in await asyncio.gather(*(_places_soon(client, node, missing) for node in others)):
        places |= found
    return places


async def _places_soon(client: AIOKafkaClient, node: int, names: Sequence[str]) -> dict[str, TopicPlace]:
    """Nothing of a broker that is away."""
    try:
        async with asyncio.timeout(_OTHERS_S):
            return await _places_at(client, node, names)
    except (KafkaError, TimeoutError):
        return {}


async def _places_at(client: AIOKafkaClient, node: int, names: Sequence[str]) -> dict[str, TopicPlace]:
    response = await client.send(node, _MetadataRequest(names))
    places = {}
    for error_code, name, topic_id, _, partitions, *_ in response.topics:
        if error_code == 0:
            places[name] = TopicPlace(topic_id, {partition[1]: partition[2] for partition in partitions})
        elif error_code != _UNKNOWN_TOPIC:
            raise for_code(error_code)
    return places


async def offsets_at(client: AIOKafkaClient, leaders: Mapping[TopicPartition, int], when: int) -> dict[TopicPartition, int]:
    """Of each partition the offset of the first record at or after `when` (milliseconds, EARLIEST or LATEST); -1: none so late. Raises KafkaError."""
    by_leader: dict[int, list[TopicPartition]] = {}
    for partition, leader in leaders.items():
        by_leader.setdefault(leader, []).append(partition)
    requests = [OffsetRequest(-1, 0, _by_topic((tp, (tp.partition, when)) for tp in partitions)) for partitions in by_leader.values()]
    responses = await asyncio.gather(*(client.send(leader, request) for leader, request in zip(by_leader, requests, strict=True)))
    return {TopicPartition(topic, row[0]): _offset(row) for response in responses for topic, rows in response.topics for row in rows}


def _offset(row: Sequence[int]) -> int:
    _, error_code, _, offset = row[:4]
    if error_code:
        raise for_code(error_code)
    return offset


class FetchSessionRequest(Request[FetchRequest_v11]):
    """One fetch of an incremental session: only what changed is named."""

    API_KEY = 1

    def __init__(
        self,
        *,
        max_wait_ms: int,
        max_bytes: int,
        session_id: int,
        epoch: int,
        wanted: Mapping[TopicPartition, int],
        forgotten: Iterable[TopicPartition],
    ) -> None:
        self._fixed = (-1, max_wait_ms, 1, max_bytes, 0, session_id, epoch)
        self._wanted = _by_topic((tp, (tp.partition, -1, offset, -1, max_bytes)) for tp, offset in wanted.items())
        self._forgotten = _by_topic((tp, tp.partition) for tp in forgotten)

    def build(self, request_struct_class: type[FetchRequest_v11]) -> FetchRequest_v11:
        return request_struct_class(*self._fixed, self._wanted, self._forgotten, "")


def _by_topic(rows: Iterable[tuple[TopicPartition, T]]) -> list[tuple[str, list[T]]]:
    topics: dict[str, list[T]] = {}
    for tp, row in rows:
        topics.setdefault(tp.topic, []).append(row)
    return list(topics.items())
