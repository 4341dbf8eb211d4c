"""The table of topics and steps, and the Faust app that runs it. The one place that imports Faust.

Faust reads the topics and looks after membership; what is acknowledged, streams/window.py decides and `_Commits` writes. Faust's own
acks are off: it acknowledges what an agent raised on, and what it skips at a rebalance.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import faust
import structlog
from faust.types import TP

from connectors.journal.base import Journal
from connectors.kafka.client import ssl_context
from schemas.errors import LogUnavailable, ModelUnavailable
from schemas.record import Record
from schemas.settings import Settings
from schemas.topics import DOCUMENTS, FEEDBACK, QUERIES, RETRIEVALS, REVIEWS, Topic
from streams.ports import Ports
from streams.step import Frame, Policy, Step
from streams.steps import answer_failure, document_failure, no_failure, on_document, on_feedback, on_query, on_retrieval, on_review
from streams.window import TopicPartition, Window, record_key, session_or_sibling

_DOCUMENTS = 32  # ingested at a time: most of a small one's 0.3 s is waiting, and what they write is committed to the index together
_DOCUMENTS_WAITING = 4  # a partition's that Faust has read ahead
_FETCH_WAIT_MS = 250  # Faust's own 1,500 hold up a take-over: what is fetched for the partitions of before ends first
_STOP_COMMIT_S, _STOP_S = 5.0, 15.0  # both take milliseconds where there is a cluster, and a consumer that still runs
_COMMIT_S = 0.5  # a crash redelivers what finished within this time; it is recognised, but costs a read-back each

log = structlog.get_logger(__name__)


def steps(ports: Ports, journal: Journal) -> tuple[Step, ...]:
    """Who consumes what. Outputs go where schemas/topics.py says."""
    return (
        Step("retrieve", QUERIES, partial(on_query, ports=ports), answer_failure),
        Step("generate", RETRIEVALS, partial(on_retrieval, ports=ports), answer_failure, late=ModelUnavailable),
        Step("form-preferences", FEEDBACK, partial(on_feedback, ports=ports), no_failure),
        Step("submit-corrections", REVIEWS, partial(on_review, journal=journal), no_failure),
        Step("ingest", DOCUMENTS, partial(on_document, ports=ports), document_failure),
    )


class Agent(NamedTuple):
    """A step's topic and the window over its records."""

    topic: Topic
    window: Window


class Delivered(NamedTuple):
    """Which records were there before this worker was given their partition: they may have been worked on."""

    generation: int
    ends: Mapping[TopicPartition, int]

    def again(self, record: Record) -> bool:
        end = self.ends.get(record.position[:2])
        return end is None or record.offset < end or record.header("repeat") is not None


class Worker:
    """Agents on a Faust app. `start`, then `drain` and `stop`."""

    def __init__(self, ports: Ports, journal: Journal) -> None:
        self._settings, self._journal = ports.settings, journal
        self._delivered = Delivered(0, {})
        self._held: frozenset[TopicPartition] = frozenset()
        self._draining = asyncio.Event()
        self._agents = [self._agent(step, ports) for step in steps(ports, journal)]
        self._committed: dict[TopicPartition, int] = {}
        self._committer: asyncio.Task[None] | None = None
        self.app = self._build()

    async def start(self) -> None:
        await self.app.start()
        self._committer = asyncio.create_task(self._commit_regularly())

    async def drain(self, timeout_s: float) -> None:
        """Take nothing new, finish what was taken, as far as the time goes."""
        self._draining.set()
        await asyncio.gather(*(agent.window.drained(timeout_s) for agent in self._agents))

    async def stop(self) -> None:
        """Hand over: what is not finished by now goes to the next worker."""
        if self._committer is not None:
            self._committer.cancel()
        await _at_most(_STOP_COMMIT_S, self._commit())
        await asyncio.gather(*(agent.window.revoke(agent.window.partitions()) for agent in self._agents))
        await _at_most(_STOP_S, self.app.stop())

    async def stopped(self) -> None:
        """Returns when Faust has crashed or was stopped."""
        await self.app.wait_until_stopped()

    @property
    def unfinished(self) -> int:
        return sum(agent.window.size for agent in self._agents)

    @property
    def assigned(self) -> bool:
        """Whether the group has given this worker its partitions, or knows that there are none for it."""
        return self._delivered.generation > 0

    def holds(self, topic: Topic, partition: int) -> bool:
        """Whether the group has given it this partition."""
        return (topic.name, partition) in self._held

    def _agent(self, step: Step, ports: Ports) -> Agent:
        policy = Policy(self._settings.step_tries, self._settings.step_timeout_s)
        frame = Frame(step, journal=self._journal, session_log=ports.session_log, policy=policy)

        async def work(record: Record) -> None:
            delivered = self._delivered
            await frame.work(record, redelivered=delivered.again(record), generation=delivered.generation)

        if step.topic is DOCUMENTS:  # large: more at once would only wait, in memory
            return Agent(step.topic, Window(work, slots=_DOCUMENTS, capacity=_DOCUMENTS))
        key_of = session_or_sibling if step.topic is RETRIEVALS else record_key
        return Agent(step.topic, Window(work, slots=self._settings.concurrency, key_of=key_of))

    def _build(self) -> faust.App:
        app = _faust_app(self._settings)
        for agent in self._agents:
            raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw", "key_type": bytes, "value_type": bytes}
            topic = app.topic(agent.topic.name, acks=False, maxsize=_DOCUMENTS_WAITING if agent.topic is DOCUMENTS else None, **raw)
            app.agent(topic, name=f"roxy.{agent.topic.name}")(self._reader(agent.window))
        # Faust's types want receivers that name their arguments otherwise than it calls them.
        app.on_partitions_assigned.connect(self._on_assigned, weak=False)  # type: ignore[arg-type]
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)  # type: ignore[arg-type]
        return app

    def _reader(self, window: Window) -> Callable[[Any], Any]:
        async def read(stream: Any) -> AsyncIterator[None]:
            async for event in stream.noack().events():
                if self._draining.is_set():
                    await asyncio.Event().wait()  # until cancelled: the next worker takes it
                await window.admit(_record(event.message))
            if False:
                yield  # Faust's agents may be generators; this one yields nothing

        return read

    async def _on_assigned(self, app: Any, assigned: set[TP], **_: Any) -> None:
        """Until the ends are known, every record counts as one that was worked on before: that costs time, and is never wrong."""
        self._delivered = Delivered(app.consumer_generation_id, {})
        self._held = frozenset((tp.topic, tp.partition) for tp in assigned)
        app.consumer._thread._consumer._fetcher._fetch_max_wait_ms = _FETCH_WAIT_MS  # Faust has no setting for it
        app.consumer.perform_seek = partial(_seek, app.consumer)  # which Faust calls next
        log.info("partitions assigned", partitions=len(assigned), generation=app.consumer_generation_id)
        try:
            ends = {(agent.topic.name, number): end for agent in self._agents for number, end in (await self._journal.ends(agent.topic)).items()}
        except LogUnavailable as error:
            log.warning("the partitions' ends are not known", error=str(error))
            return
        mine = {(tp.topic, tp.partition) for tp in assigned} & ends.keys()
        self._delivered = Delivered(app.consumer_generation_id, {key: ends[key] for key in mine})

    async def _on_revoked(self, app: Any, revoked: set[TP], **_: Any) -> None:
        await self._commit()
        partitions = {(tp.topic, tp.partition) for tp in revoked}
        self._held -= partitions
        await asyncio.gather(*(agent.window.revoke(partitions) for agent in self._agents))
        self._committed = {key: offset for key, offset in self._committed.items() if key not in partitions}

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT_S)
            await self._commit()

    async def _commit(self) -> None:
        heads: dict[TopicPartition, int] = {}
        for agent in self._agents:
            heads |= agent.window.heads()
        fresh = {key: offset for key, offset in heads.items() if self._committed.get(key) != offset}
        # Faust's public commit takes offsets from its own acks; the one beneath takes ours.
        commit: Callable[[Mapping[TP, int]], Awaitable[bool]] = self.app.consumer._commit  # type: ignore[attr-defined]
        if fresh and await commit({TP(*key): offset for key, offset in fresh.items()}):
            self._committed |= fresh


async def _seek(consumer: Any) -> None:
    """Faust's own way back to what is committed, and to the beginning where nothing is: there aiokafka stays behind what was read meanwhile.

    What Faust reads while partitions are shared out anew it throws away, so the first records of a partition would never be worked on.
    """
    await type(consumer).perform_seek(consumer)
    begun_with = {tp: 0 for tp in consumer.assignment() if not consumer._read_offset.get(tp)}
    if begun_with:
        await consumer.seek_wait(begun_with)


async def _at_most(timeout_s: float, stopping: Awaitable[object]) -> None:
    """What Faust is asked for when it may have crashed: where its consumer's thread has died, nobody answers, or the thread's loop is closed."""
    try:
        async with asyncio.timeout(timeout_s):
            await stopping
    except Exception:
        log.exception("agents did not stop as they should; they are left behind", waited_s=timeout_s)


def _faust_app(settings: Settings) -> faust.App:
    """Settings that differ from Faust's defaults are the ones that a rebalance, a crash and our own acknowledgement ask for."""
    datadir = settings.state_dir / "worker"
    datadir.mkdir(parents=True, exist_ok=True)
    return faust.App(
        settings.consumer_group,
        broker=";".join(f"kafka://{address}" for address in settings.bootstrap.split(",")),
        broker_credentials=_credentials(settings),
        datadir=str(datadir),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 16,  # those who are left hear of a rebalance with their next heartbeat
        broker_request_timeout=30.0,
        broker_max_poll_interval=300.0,
        broker_commit_livelock_soft_timeout=10.0**9,  # Faust commits nothing: its watch over that has nothing to see
        consumer_max_fetch_size=settings.max_document_bytes * 2,
        stream_buffer_maxsize=256,
        stream_wait_empty=False,
    )


def _credentials(settings: Settings) -> Any:
    if settings.kafka_security == "PLAINTEXT":
        return None
    context = ssl_context(settings) if settings.kafka_security.endswith("SSL") else None
    if settings.kafka_security == "SSL":
        return faust.SSLCredentials(context)
    password = settings.kafka_password.get_secret_value() if settings.kafka_password else None
    return faust.SASLCredentials(username=settings.kafka_username, password=password, ssl_context=context, mechanism=settings.kafka_sasl_mechanism)


def _record(message: Any) -> Record:
    headers = tuple((name, value or b"") for name, value in message.headers or ())  # Kafka's may be null
    return Record(message.topic, message.partition, message.offset, message.key, message.value, headers, int(message.timestamp * 1000))
