"""How to reach the cluster: options for every aiokafka client, and its errors as ours."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import AIOKafkaConsumer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer import AIOKafkaProducer

import connectors.kafka.gone_connections  # noqa: F401 - it mends aiokafka, which all here comes from
from schemas.errors import InvalidInput, LogUnavailable, RoxyError
from schemas.settings import Settings

_STOP_S = 5.0  # what was accepted is out within milliseconds where there is a cluster to take it

log = structlog.get_logger(__name__)


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments that aiokafka's producer, consumer, client and admin client all take."""
    options: dict[str, Any] = {"bootstrap_servers": settings.bootstrap, "security_protocol": settings.kafka_security}
    if "SSL" in settings.kafka_security.split("_"):
        options["ssl_context"] = ssl_context(settings)
    if settings.kafka_security.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value() if settings.kafka_password else None,
        }
    return options


def ssl_context(settings: Settings) -> ssl.SSLContext:
    """The TLS context of the settings' certificates."""
    context = ssl.create_default_context(cafile=settings.kafka_ca_file)
    if settings.kafka_cert_file is not None:
        context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file)
    return context


@asynccontextmanager
async def open_client(settings: Settings, name: str) -> AsyncIterator[AIOKafkaClient]:
    """A bare client: connections and metadata. Raises LogUnavailable."""
    client = AIOKafkaClient(client_id=name, metadata_max_age_ms=60_000, request_timeout_ms=30_000, **client_options(settings))
    async with mapped_errors():
        await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def open_admin(settings: Settings, name: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that makes and deletes topics. Raises LogUnavailable."""
    admin = AIOKafkaAdminClient(client_id=name, **client_options(settings))
    try:
        async with mapped_errors():
            await admin.start()
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def open_producer(settings: Settings, name: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that loses and doubles nothing: acks from all in sync, idempotent (KIP-98), so that order survives its own retries.

    No linger: aiokafka batches what waits while a request is in flight, which is what a token path wants. Raises LogUnavailable.
    """
    producer = AIOKafkaProducer(
        client_id=name,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=262_144,
        max_request_size=settings.max_document_bytes * 3,
        **client_options(settings),
    )
    try:
        async with mapped_errors():
            await producer.start()
        yield producer
    finally:
        await _stop(producer)


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """aiokafka 0.14 cancels what it fetches. A fetch that pauses after an error lets the cancellation out, as if it were of whoever stops the
    consumer, whose connections then stay open."""
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        await consumer._client.close()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


async def _stop(producer: AIOKafkaProducer) -> None:
    """Send what waits, as far as the time goes. aiokafka would wait for ever for records to a cluster, or a topic, that is gone."""
    try:
        async with asyncio.timeout(_STOP_S):
            await producer.stop()
    except TimeoutError:
        log.warning("records not sent: the cluster, or their topic, is gone", waited_s=_STOP_S)
        await producer.client.close()  # what is in flight fails now
        if producer._sender is not None and producer._sender.sender_task is not None:
            producer._sender.sender_task.cancel()


@asynccontextmanager
async def mapped_errors() -> AsyncIterator[None]:
    """Raise LogUnavailable for what aiokafka raises; a record that no try will make smaller is InvalidInput."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise mapped(error) from error


def mapped(error: BaseException) -> RoxyError:
    """Our error for one of aiokafka's."""
    return InvalidInput("The record is larger than its topic takes.") if isinstance(error, MessageSizeTooLargeError) else log_unavailable(error)


def log_unavailable(error: BaseException) -> LogUnavailable:
    """The log is away, as far as that error says."""
    return LogUnavailable(f"Kafka: {str(error) or type(error).__name__}.")
