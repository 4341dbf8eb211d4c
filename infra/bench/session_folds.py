"""Three ways with the lanes of `sessions`, each in a process of its own: `python -m infra.bench.session_folds ours|read|hasty`.

ours: every record decoded, and folded into the answers that a reader would have seen. read: librdkafka as it comes, each record parsed by orjson and
let go. hasty: the same, without the second that librdkafka pauses for whenever its queue is full.
"""

from __future__ import annotations

from collections import defaultdict

import orjson

from connectors.journal import open_journal
from infra.bench.child import Clock, Memory, run_way
from schemas.attempts import AttemptFilter, Marks
from schemas.codec import decode
from schemas.events import AnswerCompleted, GenerationStarted, TokensGenerated
from schemas.record import Record
from schemas.settings import Settings
from schemas.topics import SESSIONS
from streams.process import prepare_process
from streams.replay import history

_AT_ONCE = 1_000  # records that librdkafka hands over; with 10,000 it takes a third longer


class Answers:
    """The fold."""

    def __init__(self) -> None:
        self._counts: defaultdict[bytes, AttemptFilter] = defaultdict(AttemptFilter)
        self._texts: dict[str, list[str]] = {}
        self.records = self.whole = 0

    def take(self, record: Record) -> None:
        self.records += 1
        if not self._counts[record.key or b""].admits(Marks.of(record.headers)):
            return
        match decode(record):
            case TokensGenerated() as event:
                self._texts[event.answer_id].append(event.text)
            case GenerationStarted() as event:
                texts = self._texts.setdefault(event.answer_id, [])
                del texts[event.resumes_at :]
            case AnswerCompleted() as event:
                self.whole += "".join(self._texts.pop(event.answer_id)) == event.text


async def ours(settings: Settings) -> dict[str, float]:
    """Seconds until every answer was whole."""
    prepare_process()
    memory, answers = Memory(), Answers()
    async with open_journal(settings) as journal:
        with Clock() as clock:
            async for records in history(journal, SESSIONS, await journal.ends(SESSIONS)):
                for record in records:
                    answers.take(record)
    return {**clock.figures(), **memory.figures(), "records": answers.records, "answers": answers.whole}


async def read(settings: Settings, **options: float) -> dict[str, float]:
    """Seconds until every record was parsed."""
    from confluent_kafka import Consumer, TopicPartition

    memory, count = Memory(), 0
    consumer = Consumer({"bootstrap.servers": settings.bootstrap, "group.id": "roxy-bench", "enable.auto.commit": False, **options})
    lanes = [TopicPartition(SESSIONS.name, lane, 0) for lane in range(settings.session_lanes)]
    with Clock() as clock:
        left = sum(consumer.get_watermark_offsets(lane)[1] for lane in lanes)
        consumer.assign(lanes)
        while count < left:
            for record in consumer.consume(_AT_ONCE, timeout=1):
                orjson.loads(record.value() or b"")
                count += 1
    consumer.close()
    return {**clock.figures(), **memory.figures(), "records": count}


async def hasty(settings: Settings) -> dict[str, float]:
    """Like `read`."""
    return await read(settings, **{"fetch.queue.backoff.ms": 5})


if __name__ == "__main__":
    run_way({"ours": ours, "read": read, "hasty": hasty})
