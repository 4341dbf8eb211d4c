"""Writes the golden records of this version: `python -m tests.history.record`.

`v<version>.jsonl` has one record of every event, `v<version>.session.jsonl` a whole session with a second attempt and stale records.
They stay for ever: records that were shipped must be readable by every later Roxy. So the script does not write over the files of a
released version; while a version is in the making, `--again` does.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from schemas.asyncapi import VERSION
from schemas.codec import Context, encode
from schemas.events import (
    AnswerCancelled,
    AnswerCompleted,
    AnswerFailed,
    ChunkIndexed,
    ChunksRetrieved,
    Citation,
    Correction,
    CorrectionReviewed,
    DocumentDeleted,
    DocumentFailed,
    DocumentIndexed,
    DocumentRemoved,
    DocumentSubmitted,
    Event,
    FeedbackGiven,
    FeedbackRetracted,
    Filters,
    FlagChanged,
    GenerationStarted,
    IndexGenerationBuilt,
    IndexGenerationRefused,
    IndexGenerationServed,
    IndexGenerationSwapped,
    IndexPosition,
    IngestionProgressed,
    InsightsCounted,
    PreferencePairFormed,
    QueryAsked,
    QueryCancelled,
    RecordDeadLettered,
    RegenerationAsked,
    RetrievedChunk,
    Scores,
    SessionRead,
    Sibling,
    Side,
    TokensGenerated,
    Understanding,
    Usage,
)
from schemas.insight_events import Figures
from schemas.record import Position, Record
from schemas.topics import JOURNAL, session_topic

HERE = Path(__file__).parent
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_TIME = "2026-11-21T02:00:00.000Z"
_TIMESTAMP = 1_795_226_400_000
_SESSION = "t01kdhn8z5v0000000000000000"
_TEXTS = ("A topic ", "is a log", ", kept ", "in partitions", " [1].")
_QUESTION = "What is a topic? — ¿qué es?"

Known = dict[str, Any]
_ABOUT: Known = {"tenant": "default", "time": _TIME}
_INDEX: Known = {**_ABOUT, "generation": 1}
_QUERY: Known = {**_ABOUT, "session_id": _SESSION, "query_id": "q1"}
_ANSWER: Known = {**_QUERY, "answer_id": "a-q1"}
_DOCUMENT: Known = {**_ABOUT, "document_id": "docs/topics.md"}
_PLACE: Known = {"title": "Topics", "source": "docs/topics.md", "heading_path": ("Topics", "Basics")}
_WORDS: Known = {"error": "model-unavailable", "detail": "The language model did not answer.", "remedy": "Check that its server runs."}
_MODEL: Known = {"model": "scripted", "parameters": {"temperature": 0.5, "stop": ["\n\n"], "seed": None}}

ASKED = QueryAsked(**_QUERY, id="q1", text=_QUESTION, asked_by="ada", idempotency_key="key-1")
CANCELLED = QueryCancelled(**_QUERY, id="q1:cancel", cancelled_by="ada")
RETRIEVED = ChunksRetrieved(
    **_QUERY,
    id="q1:retrieved",
    question=_QUESTION,
    filters=Filters(sources=("docs/*",), tags=("kafka",)),
    understanding=Understanding(intent="lookup", text=_QUESTION, keywords=("topic",), expansions=("log",)),
    chunks=(
        RetrievedChunk(
            **_PLACE,
            rank=1,
            chunk_id="docs/topics.md#0",
            document_id="docs/topics.md",
            start=0,
            end=41,
            text="A topic is a log that is kept in partitions.",
            scores=Scores(vector=0.8125, keyword=None, fused=0.01639344262295082),
        ),
    ),
    index=IndexPosition(index="all-MiniLM-L6-v2/usearch/tantivy", generation=1, offsets={"0": 12, "1": 0}),
    degraded=("keyword",),
    session_offset=0,
    took_ms=12.5,
)


def _started(attempt: int, resumes_at: int) -> GenerationStarted:
    return GenerationStarted(**_ANSWER, **_MODEL, id=f"a-q1:{attempt}:started", attempt=attempt, resumes_at=resumes_at)


def _token(attempt: int, index: int, text: str) -> TokensGenerated:
    return TokensGenerated(**_ANSWER, id=f"a-q1:{attempt}:{index}", attempt=attempt, index=index, text=text)


def _completed(attempt: int, text: str, tokens_end: int) -> AnswerCompleted:
    return AnswerCompleted(
        **_ANSWER,
        **_MODEL,
        id="a-q1:end",
        attempt=attempt,
        question=_QUESTION,
        text=text,
        answered=True,
        citations=(Citation(**_PLACE, number=1, chunk_id="docs/topics.md#0", document_id="docs/topics.md"),),
        prompt="Answer from the chunks.",
        usage=Usage(prompt_tokens=120, completion_tokens=9),
        finish_reason="stop",
        tokens_end=tokens_end,
        took_ms=830.25,
    )


JUDGED = FeedbackGiven(
    **_QUERY, id="f1", feedback_id="f1", answer_id="a-q1", given_by="ada", thumb="up", stars=5, correction="A topic is a log.", tags=("short",)
)

#: One of each.
EVENTS_TODAY: tuple[Event, ...] = (
    ASKED,
    CANCELLED,
    RETRIEVED,
    _started(4, 0),
    _token(4, 0, _TEXTS[0]),
    _completed(4, "".join(_TEXTS), len(_TEXTS)),
    AnswerFailed(**_ANSWER, **_WORDS, id="a-q1:end", attempt=4, retryable=True),
    AnswerCancelled(**_ANSWER, id="a-q1:end", attempt=4, cancelled_by="ada", tokens_end=2),
    JUDGED,
    DocumentSubmitted(
        **_DOCUMENT, id="d1", title="Topics", source="docs/topics.md", content="# Topics\n\nA topic…", tags=("kafka",), submitted_by="ada"
    ),
    DocumentSubmitted(
        **_DOCUMENT,
        id="corrections/pair-1@pair-1.2f",
        content="# What is a topic?\n\nA topic is a log.\n",
        corrects=Correction(
            session_id=_SESSION, query_id="q1", answer_id="a-q1", rater="ada", feedback=("f1",), proposal_id="pair-1.2f", reviewed_by="ann"
        ),
    ),
    DocumentDeleted(**_DOCUMENT, id="d2", deleted_by="ada"),
    ChunkIndexed(
        **_ABOUT,
        **_PLACE,
        id="docs/topics.md#0@1",
        chunk_id="docs/topics.md#0",
        document_id="docs/topics.md",
        ordinal=0,
        start=0,
        end=41,
        text="A topic is a log that is kept in partitions.",
        tokens=11,
        tags=("kafka",),
        written_at=_TIME,
        content_hash="9f86d081884c7d659a2feaa0c55ad015",
        embedder="all-MiniLM-L6-v2",
        vector=base64.b64encode(bytes.fromhex("003c00bc")).decode(),
    ),
    IngestionProgressed(**_DOCUMENT, id="d1:progress", stage="embedding", chunks=1, done=0),
    DocumentIndexed(**_DOCUMENT, id="d1:indexed", title="Topics", chunks=1, kept=0, reused=0, embedded=1, removed=0, took_ms=25.0),
    DocumentRemoved(**_DOCUMENT, id="d2:removed", removed=1),
    DocumentFailed(**_DOCUMENT, **_WORDS, id="d3:failed"),
    IndexGenerationBuilt(
        **_INDEX,
        id="generation-1",
        source="documents",
        offsets={"0": 12, "1": 40},
        document_offsets={"0": 3},
        live=False,
        identity="all-MiniLM-L6-v2/usearch/tantivy",
        cutting="0af7651916cd",
        epoch="6f0f1d54-4a63-4a52-a92c-0d1f0f2b9d5e",
        chunks=1,
        documents=1,
        digest="9f86d081884c7d659a2feaa0c55ad015",
        at="2026-11-21T02:00:00Z",
        took_ms=1_250.0,
    ),
    IndexGenerationSwapped(**_INDEX, id="generation-1:swapped", before=0),
    IndexGenerationServed(
        **_INDEX,
        id="generation-1:served",
        worker="host:4711",
        chunks=1,
        digest="9f86d081884c7d659a2feaa0c55ad015",
        offsets={"0": 12, "1": 40},
        took_ms=85.0,
    ),
    IndexGenerationRefused(**_INDEX, **_WORDS, id="generation-1:refused", worker="host:4712", serves=0),
    RegenerationAsked(**_QUERY, id="q1:again:1", sibling=Sibling(answer_id="a-q1.1", settings={"model_temperature": 0.7}, asked_by="ada")),
    FeedbackRetracted(**_QUERY, id="f1:retracted", feedback_id="f1", retracted_by="ada"),
    PreferencePairFormed(
        **_QUERY,
        id="pair-1",
        pair_id="pair-1",
        rater="ada",
        signal="correction",
        question=_QUESTION,
        prompt="Answer from the chunks.",
        chosen=Side(text="A topic is a log."),
        rejected=Side(**_MODEL, text="".join(_TEXTS), answer_id="a-q1"),
        same_context=True,
        feedback=("f1",),
        judged_at=_TIME,
    ),
    CorrectionReviewed(
        **_QUERY,
        id="pair-1.2f:approved",
        proposal_id="pair-1.2f",
        pair_id="pair-1",
        answer_id="a-q1",
        question=_QUESTION,
        text="A topic is a log.",
        rater="ada",
        feedback=("f1",),
        judged_at=_TIME,
        verdict="approved",
        reviewed_by="ann",
        reason="It is.",
    ),
    InsightsCounted(
        **_ABOUT,
        id="default/1h/2026-11-19T10:00:00.000Z/model/9f86d081:e3b0c442",
        row_id="default/1h/2026-11-19T10:00:00.000Z/model/9f86d081",
        window="1h",
        start="2026-11-19T10:00:00.000Z",
        by="model",
        value="extractive",
        figures=Figures(answers=1, sessions=1, answered=1, marks=1, mark=1.0, thumbs_up=1, signals={"copied": 1}, took_ms_p50=12.5),
    ),
    FlagChanged(**_ABOUT, id="self-check@1", flag="self_check", value=True, changed_by="ann", reason="We try it."),
    SessionRead(**_ABOUT, id="t1:read:1", session_id="t1", readers=2),
    RecordDeadLettered(
        **_ABOUT,
        **_WORDS,
        id="dead:queries/3/41",
        topic="queries",
        partition=3,
        offset=41,
        original_key="",
        original_value=base64.b64encode(b"no JSON").decode(),
        original_headers=(("tenant", base64.b64encode(b"default").decode()),),
        step="retrieve",
        tries=1,
    ),
)

#: Attempt 4 was paused after two pieces; attempt 5 went on behind them and finished; then 4 woke up, and a producer wrote a double.
SESSION_TODAY: tuple[Event, ...] = (
    ASKED,
    RETRIEVED,
    _started(4, 0),
    _token(4, 0, _TEXTS[0]),
    _token(4, 1, _TEXTS[1]),
    _started(5, 2),
    _token(4, 2, " that nobody reads"),
    _token(5, 2, _TEXTS[2]),
    _token(5, 2, _TEXTS[2]),
    _token(4, 3, " to its end"),
    _token(5, 3, _TEXTS[3]),
    _token(5, 4, _TEXTS[4]),
    _completed(5, "".join(_TEXTS), len(_TEXTS)),
    _completed(4, "A topic is a log that nobody reads to its end", 4),
    _token(4, 4, "!"),
    JUDGED,
)


def line_of(event: Event, position: Position) -> bytes:
    """One record as a line of JSON: headers and value as the text that they are."""
    draft = encode(event, Context("/roxy/golden", TRACE, Position("queries", 3, 40)))
    fields = {
        **position._asdict(),
        "timestamp": _TIMESTAMP,
        "key": draft.key.decode(),
        "headers": [[name, value.decode()] for name, value in draft.headers],
        "value": (draft.value or b"").decode(),
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def records_in(path: Path) -> list[Record]:
    """The records of a file that this script wrote."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return [
        Record(
            line["topic"],
            line["partition"],
            line["offset"],
            line["key"].encode(),
            line["value"].encode(),
            tuple((name, value.encode()) for name, value in line["headers"]),
            line["timestamp"],
        )
        for line in lines
    ]


def main(again: bool) -> None:
    """Write this version's files."""
    one_of_each = [(event, _topic_of(event)) for event in EVENTS_TODAY]
    session = [(event, session_topic("default", _SESSION)) for event in SESSION_TODAY]
    for name, records in ((f"v{VERSION}.jsonl", one_of_each), (f"v{VERSION}.session.jsonl", session)):
        _write(HERE / name, records, again=again)


def _write(path: Path, records: Iterable[tuple[Event, str]], *, again: bool) -> None:
    if path.exists() and not again:
        raise SystemExit(f"{path.name} is there. Released records never change; for a version in the making use --again.")
    path.write_bytes(b"".join(line_of(event, Position(topic, 0, offset)) for offset, (event, topic) in enumerate(records)))


def _topic_of(event: Event) -> str:
    topic = JOURNAL.get(type(event))
    return topic.name if topic else session_topic("default", _SESSION)


if __name__ == "__main__":
    main("--again" in sys.argv[1:])
