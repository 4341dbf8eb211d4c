"""Writes tokens to Kafka as workers would, in a process of its own: `python -m infra.bench.token_source < load.json`."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from typing import NamedTuple

import orjson
import uvloop
from aiokafka.producer import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from connectors.kafka.client import open_producer
from connectors.session_log.kafka_places import lane_of
from infra.bench.tokens import Load, TokenRecords, due
from schemas.record import Draft
from schemas.session_id import Session
from schemas.settings import load_settings
from schemas.topics import SESSIONS, session_topic


class _Sender(NamedTuple):
    """A session that tokens are written to."""

    topic: str
    partition: int
    records: TokenRecords

    @classmethod
    def of(cls, session: Session, lanes: int) -> _Sender:
        """Where its records lie."""
        if session.placement == "lane":
            return cls(SESSIONS.name, lane_of(session, lanes), TokenRecords(session))
        return cls(session_topic(*session), 0, TokenRecords(session))


async def write(load: Load, lanes: int) -> None:
    """Write all tokens of the load. It begins when a second line comes in."""
    async with open_producer(load_settings(), "roxy-bench") as producer:
        senders = [_Sender.of(Session("default", session_id), lanes) for session_id in load.sessions]
        sys.stdin.readline()
        receipts: set[asyncio.Future[object]] = set()
        async for tokens in due(load):
            for receipt in await _send(producer, [(senders[number], index) for number, index in tokens]):
                receipts.add(receipt)
                receipt.add_done_callback(receipts.discard)
        await asyncio.gather(*receipts)


async def _send(producer: AIOKafkaProducer, tokens: list[tuple[_Sender, int]]) -> list[asyncio.Future[object]]:
    receipts = list[asyncio.Future[object]]()
    by_lane: defaultdict[int, list[Draft]] = defaultdict(list)
    for sender, index in tokens:
        draft = sender.records.draft(index)
        if sender.topic == SESSIONS.name:
            by_lane[sender.partition].append(draft)
        else:
            sending = producer.send(sender.topic, value=draft.value, key=draft.key, partition=0, headers=list(draft.headers))
            receipts.append(await sending)
    for lane, drafts in by_lane.items():
        receipts += await _send_batches(producer, lane, drafts)
    return receipts


async def _send_batches(producer: AIOKafkaProducer, lane: int, drafts: list[Draft]) -> list[asyncio.Future[object]]:
    """One batch a lane and tick, or as many as it takes: what several workers' producers would have sent in that time."""
    receipts: list[asyncio.Future[object]] = []
    batch = producer.create_batch()
    for draft in drafts:
        fields = {"key": draft.key, "value": draft.value, "timestamp": None, "headers": list(draft.headers)}
        if batch.append(**fields) is None:  # full
            receipts.append(await _send_batch(producer, lane, batch))
            batch = producer.create_batch()
            batch.append(**fields)
    return [*receipts, await _send_batch(producer, lane, batch)]


async def _send_batch(producer: AIOKafkaProducer, lane: int, batch: BatchBuilder) -> asyncio.Future[object]:
    batch.close()
    receipt: asyncio.Future[object] = await producer.send_batch(batch, SESSIONS.name, partition=lane)
    return receipt


def main() -> None:
    fields = orjson.loads(sys.stdin.readline())
    load = Load(tuple(fields["sessions"]), fields["rate"], fields["seconds"])
    uvloop.run(write(load, fields["lanes"]))


if __name__ == "__main__":
    main()
