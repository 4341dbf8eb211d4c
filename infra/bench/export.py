"""`roxy bench export`: `answers` and `feedback` folded into pairs and rows, beside bare consumption and parsing of the same topics.

A real broker, filled while no clock runs. For each size, two processes one after the other (infra/bench/folds.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.kafka.client import open_producer
from infra.bench.child import measured
from infra.bench.corpus import BENCH
from infra.bench.filling import under_id, write
from infra.bench.report import Report, Wanted, report
from infra.environment import environment
from infra.own import own_roxy
from schemas.codec import encode
from schemas.events import AnswerCompleted, Context, ContextChunk, FeedbackGiven, IndexPosition, Usage
from schemas.settings import Settings
from schemas.topics import ANSWERS, FEEDBACK

SIZES = (10_000, 100_000)
FULL = (*SIZES, 1_000_000)
_WAYS = ("ours", "read")
_JUDGED_EACH = 50  # questions: of 51 answers to them, two are judged, 4 %
_ROUND = _JUDGED_EACH + 3  # records: the answers, one more to the first question, two marks
_AT_ONCE = 20  # rounds that are written
_ID = "NNNNNNN"  # of a question, in the templates
_NAME = _ID.encode()
_TIME = "2026-01-01T00:00:00.000Z"
_CHUNK = "A record is kept until its retention is over, and then its segment is deleted as a whole, unless compaction keeps the last one of its key. "
_PROMPT = f"--- system ---\nAnswer from the documents, and cite them.\n\n--- user ---\n{_CHUNK * 12}\n\n"  # about 400 tokens


async def bench_export(settings: Settings, sizes: Sequence[int] = SIZES) -> Report:
    """Measure each size on the same, growing topics."""
    figures: dict[str, float] = {}
    baseline: dict[str, float] = {}
    async with own_roxy(settings, workers=0, apis=0, embedder="none") as broker:
        filled = 0
        for size in sorted(sizes):
            filled += await _fill(broker.settings, filled, size - filled)
            seen = {way: await measured(["infra.bench.folds", way], environment(broker.settings)) for way in _WAYS}
            ours, bare = _figures(size, filled, **seen)
            figures |= ours
            baseline |= bare
    return report("export", figures=figures, baseline=baseline, goals=_goals(sizes))


async def _fill(settings: Settings, first: int, count: int) -> int:
    """At least so many records, to the end of a round of questions. Returns how many."""
    rounds = -(-count // _ROUND)
    async with open_producer(settings, "roxy-bench") as producer:
        for begin in range(0, rounds, _AT_ONCE):
            numbers = range(first + begin * _JUDGED_EACH, first + min(begin + _AT_ONCE, rounds) * _JUDGED_EACH)
            judged = [b"%07d" % number for number in numbers[::_JUDGED_EACH]]
            answers = [under_id(_ANSWER, _NAME, b"%07d" % number) for number in numbers]
            await write(producer, ANSWERS, answers + [under_id(_SIBLING, _NAME, name) for name in judged], settings.partitions)
            await write(producer, FEEDBACK, [under_id(mark, _NAME, name) for name in judged for mark in _MARKS], settings.partitions)
    return rounds * _ROUND


def _answer(sibling: int) -> AnswerCompleted:
    answer_id = f"a-q{_ID}.{sibling}"
    question = f"How long is record {_ID} kept?"
    return _TEMPLATE.model_copy(
        update={
            "id": f"{answer_id}:end",
            "session_id": f"t{_ID}",
            "query_id": f"q{_ID}",
            "answer_id": answer_id,
            "question": question,
            "asked": question,
            "text": f"Answer {sibling}: record {_ID} is kept for {_ID} days [1], unless it is the last one of its key [2]. {_CHUNK}",
            "prompt": f"{_PROMPT}{question}",
        }
    )


def _mark(sibling: int, stars: int) -> FeedbackGiven:
    feedback_id = f"f{_ID}.{sibling}"
    about = {"session_id": f"t{_ID}", "query_id": f"q{_ID}", "answer_id": f"a-q{_ID}.{sibling}"}
    return FeedbackGiven(id=feedback_id, feedback_id=feedback_id, tenant="default", time=_TIME, given_by=f"r{_ID}", stars=stars, **about)


def _figures(size: int, records: int, *, ours: Mapping[str, float], read: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    name = f"{size // 1_000}k"
    return {
        f"records_{name}_per_s": records / ours["seconds"],
        f"cpu_{name}_s": ours["cpu_s"],
        f"rows_{name}": ours["rows"],
        f"memory_{name}_peak_mib": ours["peak_mib"],
    }, {
        f"records_{name}_per_s": records / read["seconds"],
        f"cpu_{name}_s": read["cpu_s"],
        f"memory_{name}_peak_mib": read["peak_mib"],
    }


def _goals(sizes: Sequence[int]) -> dict[str, Wanted]:
    names = [f"{size // 1_000}k" for size in sizes]
    speeds: dict[str, Wanted] = {f"ratio_records_{name}_per_s": (">=", 0.5) for name in names}
    return speeds | {f"memory_{name}_peak_mib": ("<=", 500) for name in names}


_TEMPLATE = AnswerCompleted(
    id="template",
    tenant="default",
    time=_TIME,
    session_id="t",
    query_id="q",
    answer_id="a",
    attempt=1,
    question="",
    text="",
    answered=True,
    model="made-up",
    parameters={"prompt": "answer.v1", "prompt_hash": "0" * 16, "temperature": 0.2, "seed": 1},
    context=Context(
        hash="c" * 16,
        chunks=tuple(ContextChunk(chunk_id=f"d{rank}#0", rank=rank, score=1 / rank, hash="h" * 16) for rank in range(1, 6)),
        index=IndexPosition(index="made-up", offsets={str(partition): 1_000 for partition in range(8)}),
    ),
    usage=Usage(prompt_tokens=400, completion_tokens=60),
    tokens_end=60,
    took_ms=900.0,
)
_ANSWER, _SIBLING = (encode(_answer(sibling), BENCH) for sibling in (0, 1))
_MARKS = [encode(_mark(sibling, stars), BENCH) for sibling, stars in ((0, 5), (1, 2))]
