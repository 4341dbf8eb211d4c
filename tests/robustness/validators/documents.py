"""Documents: at the end every acknowledged version is found, every acknowledged deletion is gone, and what was replaced is gone as well.

Which version of a document holds, the log of documents says: its last one. That the log holds what was acknowledged, in order, is looked at beside.
Each version has a word of its own, which may be looked up at the end, more than once: there is more than one index.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import NamedTuple

from schemas.topics import DEAD_LETTERS, DOCUMENTS, INGESTIONS
from tests.robustness.history import Operation
from tests.robustness.log import Entry, Log
from tests.robustness.validators.violation import Violation

RULE = "documents"
_TOLD = frozenset({"DocumentIndexed", "DocumentRemoved", "DocumentFailed"})


class _Key(NamedTuple):
    """A document."""

    tenant: str
    document: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.document}"


def violations(log: Log) -> Iterator[Violation]:
    yield from _looked_up(log)
    written, failed = _written(log), _failed(log)
    for key, operations in _operations(log).items():
        entries = written.get(key, [])
        yield from _acknowledged(key, operations, entries)
        yield from _in_order(key, operations, entries)
        yield from _taken_in(log, key, entries)
        yield from _found(log, key, operations, entries, failed)
        yield from _as_acknowledged(log, key, operations, entries, failed)


def _looked_up(log: Log) -> Iterator[Violation]:
    """Not each word has to be looked up, but of each document the last that was acknowledged: or this rule would hold for nothing."""
    last = {_Key(one.tenant, one.request["document_id"]): one for one in log.operations("ingest", outcome="ok")}
    for key, one in last.items():
        if not _searched(log, one):
            yield Violation(RULE, str(key), f"{one.request['word']} was not looked up", (str(one),))


def _written(log: Log) -> dict[_Key, list[Entry]]:
    found: dict[_Key, list[Entry]] = {}
    for entry in log.events(DOCUMENTS.name):
        found.setdefault(_Key(entry.event.get("tenant", ""), entry.event.get("document_id", "")), []).append(entry)
    return found


def _operations(log: Log) -> dict[_Key, list[Operation]]:
    found: dict[_Key, list[Operation]] = {}
    for one in log.operations("ingest", "delete"):
        found.setdefault(_Key(one.tenant, one.request["document_id"]), []).append(one)
    return found


def _failed(log: Log) -> frozenset[tuple[int, int]]:
    """Versions that no step could take in: partition and offset."""
    return frozenset((one.event["partition"], one.event["offset"]) for one in log.events(DEAD_LETTERS.name) if one.event["topic"] == DOCUMENTS.name)


def _acknowledged(key: _Key, operations: list[Operation], entries: list[Entry]) -> Iterator[Violation]:
    """202 means that it is in the log. Deletions have nothing that tells one from another: they are counted."""
    for one in operations:
        if one.kind == "ingest" and one.outcome == "ok" and _entry_of(one, entries) is None:
            yield Violation(RULE, str(key), "an acknowledged version is not in the log", (str(one),))
    deletions = [one for one in operations if one.kind == "delete" and one.outcome == "ok"]
    if len(deletions) > sum(entry.marks.type == "DocumentDeleted" for entry in entries):
        yield Violation(RULE, str(key), "an acknowledged deletion is not in the log", tuple(map(str, deletions)))


def _in_order(key: _Key, operations: list[Operation], entries: list[Entry]) -> Iterator[Violation]:
    """What was acknowledged before another was begun lies before it."""
    placed = [(one, entry) for one in operations if one.outcome == "ok" and one.kind == "ingest" and (entry := _entry_of(one, entries))]
    for (before, first), (after, second) in permutations(placed, 2):
        if before.end <= after.start and first.record.offset > second.record.offset:
            yield Violation(RULE, str(key), "a later version lies before an earlier one", (str(first), str(second)))


def _taken_in(log: Log, key: _Key, entries: list[Entry]) -> Iterator[Violation]:
    """Of the last version, and not of one before, it is told what became of it. The event's id names the version: `document@partition/offset`."""
    status = log.last_values(INGESTIONS.name).get(str(key))
    about = status.event["id"].removesuffix(":failed") if status is not None and status.event.get("type") in _TOLD else ""
    if entries and about != f"{key.document}@{entries[-1].record.partition}/{entries[-1].record.offset}":
        yield Violation(RULE, str(key), "has a last version of which it is not told what became of it", (str(entries[-1]), str(status)))


def _found(log: Log, key: _Key, operations: list[Operation], entries: list[Entry], failed: frozenset[tuple[int, int]]) -> Iterator[Violation]:
    """Exactly what the log's last word on the document leads to. A version that failed leaves what was there before: nothing is asked of that."""
    if entries and entries[-1].record.position[1:] in failed:
        return
    for one in operations:
        live = bool(entries) and entries[-1].marks.type == "DocumentSubmitted" and one.kind == "ingest" and _holds(entries[-1], one)
        for where in _searched(log, one):
            if live != (key.document in where):
                yield Violation(RULE, str(key), f"{one.request['word']} is {'not ' if live else ''}found", tuple(map(str, entries[-3:])))
            if others := sorted(set(where) - {key.document}):
                yield Violation(RULE, str(key), f"{one.request['word']} is found in other documents", tuple(others))


def _as_acknowledged(
    log: Log, key: _Key, operations: list[Operation], entries: list[Entry], failed: frozenset[tuple[int, int]]
) -> Iterator[Violation]:
    """By the clients alone, where no `unknown` leaves it open: what was acknowledged last holds."""
    last = max((one for one in operations if one.outcome == "ok"), key=lambda one: one.end, default=None)
    rivals = [one for one in operations if one is not last and (one.outcome == "unknown" or (last and one.outcome == "ok" and one.end > last.start))]
    if last is None or rivals or any(entry.record.position[1:] in failed for entry in entries):
        return
    for one in operations:
        for where in _searched(log, one):
            if (key.document in where) != (one is last):
                what = "is found" if where else "is not found"
                yield Violation(RULE, str(key), f"{one.request['word']} {what}, and last acknowledged was", (str(last),))


def _searched(log: Log, one: Operation) -> list[tuple[str, ...]]:
    """The documents that an ingested word was found in, each time that it was looked up."""
    word = one.request.get("word")
    searches = [search for search in log.run.found.searches if (search.tenant, search.word) == (one.tenant, word)]
    return [search.documents for search in searches if search.documents is not None]


def _entry_of(ingest: Operation, entries: list[Entry]) -> Entry | None:
    return next((entry for entry in entries if _holds(entry, ingest)), None)


def _holds(entry: Entry, ingest: Operation) -> bool:
    return ingest.request["word"] in entry.event.get("content", "")
