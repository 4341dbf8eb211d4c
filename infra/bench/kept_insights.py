"""What it takes to keep insights up, in a process of its own: `python -m infra.bench.kept_insights ANSWERS`.

Answers of two days, some of them judged, are folded; then some come at a time, as between two looks of a worker. Beside it: all of them folded once
more, which is what somebody who asks without topic `insights` waits for, once the log is read.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from infra.bench.child import Clock, Memory, tell
from infra.bench.report import quantiles
from schemas.events import AnswerCompleted, Citation, Cost, Event, FeedbackGiven, Usage
from schemas.insight_events import kept_since
from streams.insights.gathering import Gathering
from streams.insights.grouping import rows_of, time_of
from streams.insights.live import LiveRows
from streams.insights.standing import Standing

_DAYS = 1  # and today
_DOCUMENTS = 500
_JUDGED_EACH = 10
_A_SESSION = 5  # answers
_LOOKS, _EACH = 50, 5  # looks, and answers that have come since the one before


def happened(number: int, at: float) -> Iterator[Event]:
    """An answer that cites three documents, and what somebody says of it."""
    about = {"tenant": "default", "session_id": f"t{number // _A_SESSION}", "query_id": f"q{number}", "answer_id": f"a-q{number}"}
    cited = [f"docs/{(number * step) % _DOCUMENTS}.md" for step in (7, 11, 13)]
    yield AnswerCompleted(
        **about,
        id=f"a-q{number}:end",
        attempt=1,
        time=time_of(at),
        question=f"How long is record {number} kept?",
        text=f"It is kept {number % 90} days [1].",
        answered=number % 10 > 0,
        citations=tuple(Citation(number=n, chunk_id=f"{one}#0", document_id=one, title=one, source=one) for n, one in enumerate(cited, 1)),
        model="openai:small" if number % 3 else "openai:large",
        parameters={"prompt": "answer.v1"},
        arms={"words": "new" if number % 2 else "old"},
        usage=Usage(prompt_tokens=900, completion_tokens=120),
        cost=Cost(amount=0.0004),
        grounding=0.9,
        tokens_end=40,
        took_ms=1_000.0 + number % 977,
    )
    if number % _JUDGED_EACH == 0:
        yield FeedbackGiven(**about, id=f"f{number}", feedback_id=f"f{number}", thumb="up", tags=("clear",), time=time_of(at + 60))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("answers", type=int)
    count = parser.parse_args().answers
    begin, now = kept_since(time.time(), _DAYS), time.time()
    memory, adding, looking, folding = Memory(), Clock(), Clock(), Clock()
    rows, standing, gathering = LiveRows(begin), Standing(begin), Gathering(begin)
    for number in range(count):
        for event in happened(number, begin + (now - begin) * number / count):
            with adding:
                rows.add(event)
    with adding:
        _look(rows, standing)
    kept = memory.figures()["kept_mib"] * 1024
    looks = []
    for look in range(_LOOKS):
        for number in range(count + look * _EACH, count + (look + 1) * _EACH):
            for event in happened(number, now):
                rows.add(event)
        begun = time.perf_counter()
        with looking:
            written = _look(rows, standing)
        looks.append((time.perf_counter() - begun) * 1000)
    for number in range(count):
        for event in happened(number, begin + (now - begin) * number / count):
            gathering.add(event)
    with folding:
        rows_of(tuple(gathering.answers()), "model", "1h")
    tell(
        {
            "kept_kib_an_answer": kept / count,
            "rows": len(standing),
            "rows_a_look": written,
            "added_per_s": count / adding.cpu_s,
            "look_cpu_ms": looking.cpu_s * 1000 / _LOOKS,
            **quantiles("look", looks),
            "fold_ms": folding.wall_s * 1000,
        }
    )


def _look(rows: LiveRows, standing: Standing) -> int:
    """As streams/insights/recording.py does."""
    written = 0
    for number, place in enumerate(rows.changed(), 1):
        standing.want(place, rows.row(place))
        if number % 500 == 0:
            written += sum(1 for _ in standing.wrong(rows))
    return written + sum(1 for _ in standing.wrong(rows))


if __name__ == "__main__":
    main()
