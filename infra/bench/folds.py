"""Two ways with `answers` and `feedback`, each in a process of its own: `python -m infra.bench.folds ours|read`.

ours: pairs, and the rows of an export as they would be written. read: the bare consumer, each record parsed by orjson and let go.
"""

from __future__ import annotations

import orjson
from aiokafka.consumer import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from connectors.journal import open_journal
from connectors.kafka.client import client_options
from connectors.tokenizer import open_tokenizer
from infra.bench.child import Clock, Memory, run_way
from schemas.settings import Settings
from schemas.topics import ANSWERS, FEEDBACK
from streams.exports.columns import columns_of
from streams.exports.fold import Tools, folded
from streams.exports.manifest import hash_of
from streams.exports.plan import Plan
from streams.exports.pseudonyms import Pseudonyms
from streams.preferences.replay import bounds_now
from streams.process import prepare_process


async def ours(settings: Settings) -> dict[str, float]:
    """Seconds until every row was there, with its hash."""
    prepare_process()
    plan, tools = Plan(kind="preferences"), Tools(Pseudonyms(settings.export_secret), open_tokenizer(None))
    memory, rows = Memory(), 0
    async with open_journal(settings) as journal:
        with Clock() as clock:
            fold = await folded(journal, await bounds_now(journal), plan, tools)
            for split, found in fold.splits.items():
                for row in found:
                    hash_of(columns_of(row, plan.kind, split))
                    rows += 1
    return {**clock.figures(), **memory.figures(), "rows": rows}


async def read(settings: Settings) -> dict[str, float]:
    """Seconds until every record was parsed."""
    memory = Memory()
    consumer = AIOKafkaConsumer(enable_auto_commit=False, **client_options(settings))
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for topic in (FEEDBACK, ANSWERS) for number in range(settings.partitions)]
        with Clock() as clock:
            left = sum((await consumer.end_offsets(partitions)).values())
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            while left > 0:
                for records in (await consumer.getmany(timeout_ms=1_000)).values():
                    left -= len(records)
                    for record in records:
                        orjson.loads(record.value)
        return {**clock.figures(), **memory.figures()}
    finally:
        await consumer.stop()


if __name__ == "__main__":
    run_way({"ours": ours, "read": read})
