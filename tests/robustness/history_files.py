"""History's files: lines of JSON, and back. What the formats hold, history.py says."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from schemas.record import Headers, Record
from tests.robustness.history import Connection, Fault, Found, Frame, History, Kept, Operation, Run, Search

CLIENTS, TOPICS, RUN = "clients", "topics", "run.json"


def line_of(one: Operation | Connection) -> bytes:
    """A line of a client's file. A frame is a list: there are many."""
    fields = one._asdict()
    if isinstance(one, Connection):
        fields["frames"] = [list(frame) for frame in one.frames]
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def record_line(record: Record) -> bytes:
    """A line of a topic's file, to be read by people, too: bytes are text where they are UTF-8."""
    fields = record._asdict() | {
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": [[name, _text(value)] for name, value in record.headers],
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def run_json(run: Run) -> bytes:
    fields = run._asdict() | {
        "faults": [fault._asdict() for fault in run.faults],
        "topics": {name: kept._asdict() for name, kept in run.topics.items()},
        "found": run.found._asdict() | {"searches": [search._asdict() for search in run.found.searches]},
    }
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE)


def load(folder: Path) -> History:
    """The history in `folder`, a run's `history`."""
    lines = [line for file in sorted((folder / CLIENTS).glob("*.jsonl")) for line in _lines(file)]
    topics = {file.name.removesuffix(".jsonl"): tuple(map(_record, _lines(file))) for file in sorted((folder / TOPICS).glob("*.jsonl"))}
    return History(
        run=_run(orjson.loads((folder / RUN).read_bytes())),
        operations=tuple(Operation(**line) for line in lines if "kind" in line),
        connections=tuple(_connection(line) for line in lines if "kind" not in line),
        topics=topics,
    )


def digest_of(data: bytes) -> str:
    """Of a frame's data or a record's value: a frame's data is the record's value, to the byte."""
    return blake2b(data, digest_size=8).hexdigest()


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as lines:
        yield from map(orjson.loads, lines)


def _connection(fields: Mapping[str, Any]) -> Connection:
    return Connection(**{**fields, "frames": tuple(Frame(*frame) for frame in fields["frames"])})


def _record(fields: Mapping[str, Any]) -> Record:
    headers: Headers = tuple((name, _bytes(value) or b"") for name, value in fields["headers"])
    return Record(**{**fields, "key": _bytes(fields["key"]), "value": _bytes(fields["value"]), "headers": headers})


def _run(fields: Mapping[str, Any]) -> Run:
    topics = {name: Kept(kept["epoch"], _offsets(kept["starts"]), _offsets(kept["ends"])) for name, kept in fields["topics"].items()}
    faults, tenants = tuple(Fault(**fault) for fault in fields["faults"]), tuple(fields["tenants"])
    return Run(**{**fields, "faults": faults, "topics": topics, "found": _found(fields["found"]), "tenants": tenants})


def _found(fields: Mapping[str, Any]) -> Found:
    searches = tuple(Search(one["tenant"], one["word"], _tuple(one["documents"])) for one in fields["searches"])
    rows = {name: _tuple(fields[name]) for name in ("insights", "exported")}
    return Found(searches, **rows, replayed=fields["replayed"])


def _tuple(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _offsets(by_partition: Mapping[str, int]) -> dict[int, int]:
    return {int(partition): offset for partition, offset in by_partition.items()}


def _text(raw: bytes | None) -> str | dict[str, str] | None:
    try:
        return None if raw is None else raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw or b"").decode()}


def _bytes(text: str | dict[str, str] | None) -> bytes | None:
    if isinstance(text, dict):
        return base64.b64decode(text["base64"])
    return None if text is None else text.encode()
