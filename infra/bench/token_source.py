"""Writes tokens to Kafka as workers would, in a process of its own: `python -m infra.bench.token_source < load.json`."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict

import orjson
import uvloop
from aiokafka.producer import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from connectors.kafka.client import open_producer
from connectors.session_log.kafka_places import lane_of
from infra.bench.tokens import Load, draft_of, due
from schemas.session_id import Session
from schemas.settings import load_settings
from schemas.topics import SESSIONS, session_topic


async def write(load: Load, lanes: int) -> None:
    """Write all tokens of the load. It begins when a second line comes in."""
    async with open_producer(load_settings(), "roxy-bench") as producer:
        sessions = [Session("default", session_id) for session_id in load.sessions]
        sys.stdin.readline()
        receipts: set[asyncio.Future[object]] = set()
        async for tokens in due(load):
            drafts = [(sessions[number], index) for number, index in tokens]
            for receipt in await _send(producer, drafts, lanes):
                receipts.add(receipt)
                receipt.add_done_callback(receipts.discard)
        await asyncio.gather(*receipts)


async def _send(producer: AIOKafkaProducer, tokens: list[tuple[Session, int]], lanes: int) -> list[asyncio.Future[object]]:
    own = [(session, index) for session, index in tokens if session.placement == "topic"]
    receipts = [await _send_one(producer, session, index) for session, index in own]
    by_lane: defaultdict[int, list[tuple[Session, int]]] = defaultdict(list)
    for session, index in tokens:
        if session.placement == "lane":
            by_lane[lane_of(session, lanes)].append((session, index))
    for lane, members in by_lane.items():
        receipts += await _send_batches(producer, lane, members)
    return receipts


async def _send_one(producer: AIOKafkaProducer, session: Session, index: int) -> asyncio.Future[object]:
    draft = draft_of(session, index)
    receipt: asyncio.Future[object] = await producer.send(
        session_topic(*session), value=draft.value, key=draft.key, partition=0, headers=list(draft.headers)
    )
    return receipt


async def _send_batches(producer: AIOKafkaProducer, lane: int, tokens: list[tuple[Session, int]]) -> list[asyncio.Future[object]]:
    """One batch a lane and tick, or as many as it takes: what several workers' producers would have sent in that time."""
    receipts: list[asyncio.Future[object]] = []
    batch = producer.create_batch()
    for session, index in tokens:
        draft = draft_of(session, index)
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
