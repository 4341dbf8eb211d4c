"""A producer that outlives its own idempotence: what the Kafka backends of the ports write with.

aiokafka counts a batch's sequence numbers when it takes it up, and keeps the count when the batch then fails, as one does that found no
leader for 40 s. The broker waits for the missing numbers and refuses everything later (OutOfOrderSequenceNumber), for as long as the
producer lives. So one whose receipt failed is replaced before the next record. The old one first sends what it still can: order stays.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Self

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerClosed
from aiokafka.producer import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from connectors.kafka.client import mapped_errors, open_producer
from schemas.record import Draft
from schemas.settings import Settings

_START_S = 20.0  # takes milliseconds; aiokafka would ask for a producer id for ever

log = structlog.get_logger(__name__)


class Producer:
    """Opened and closed with `async with`. A record on the usual way costs no task, only a callback on its receipt."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings, self._name = settings, name
        self._stack = AsyncExitStack()
        self._producer: AIOKafkaProducer
        self._spent = False  # the present one has lost count
        self._renewal: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._producer = await self._stack.enter_async_context(open_producer(self._settings, self._name))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._renewal is not None:
            await asyncio.wait((self._renewal,))
        await self._stack.aclose()

    @property
    def client(self) -> AIOKafkaClient:
        """What knows the cluster; another one after a replacement."""
        return self._producer.client

    async def send(self, topic: str, draft: Draft, *, partition: int | None = None) -> asyncio.Future[RecordMetadata]:
        """Fix the record's order; the receipt says where it lies. Raises KafkaError, LogUnavailable."""
        if self._spent or self._producer._sender.sender_task.done():
            await self._renewed()
        producer = self._producer
        receipt: asyncio.Future[RecordMetadata] = await producer.send(topic, draft.value, draft.key, partition=partition, headers=list(draft.headers))
        receipt.add_done_callback(partial(self._look, producer, topic))
        return receipt

    def _look(self, producer: AIOKafkaProducer, topic: str, receipt: asyncio.Future[RecordMetadata]) -> None:
        """After any failure numbers are missing. Where the topic is gone nobody counts them."""
        error = None if receipt.cancelled() else receipt.exception()
        if error is None or producer is not self._producer:
            return
        if isinstance(error, OutOfOrderSequenceNumber) or producer.client.cluster.partitions_for_topic(topic) is not None:
            self._spent = True

    async def _renewed(self) -> None:
        """One replacement for all who wait for it, and whole also if one of them is cancelled."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew(), name=f"renew-{self._name}")
        await asyncio.shield(self._renewal)

    async def _renew(self) -> None:
        log.warning("producer replaced: a record of it was not written", producer=self._name)
        await self._stack.aclose()
        _abandon(self._producer)
        async with mapped_errors(), asyncio.timeout(_START_S):
            self._producer = await self._stack.enter_async_context(open_producer(self._settings, self._name))
        self._spent = False


def _abandon(producer: AIOKafkaProducer) -> None:
    """Fail what a stopped producer could not send: its writers would wait for nothing."""
    waiting = producer._message_accumulator
    for batches in waiting._batches.values():
        waiting._pending_batches.update(batches)  # where aiokafka looks for a batch that ends
    error: KafkaError = ProducerClosed("The producer was replaced before it could send the record.")
    waiting.fail_all(error)
