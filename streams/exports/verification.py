"""Verification: an export's rows, made once more from the log at the manifest's bounds, beside those that stand in its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from connectors.journal.base import Journal
from schemas.errors import InvalidInput
from schemas.topics import ANSWERS, FEEDBACK, Topic
from streams.exports import card
from streams.exports.files import File, files_of, require_format
from streams.exports.fold import Folded, Tools, folded
from streams.exports.manifest import Manifest, Place, WrittenFile, hash_of, hash_of_file, numbers
from streams.exports.row_difference import differences, id_in
from streams.exports.writing import Begins, shaped, summary
from streams.replay import Advance

Kind = Literal["log", "file", "text", "offset", "hash", "value", "missing", "additional", "manifest"]
_LOOKED_AT = frozenset({"files", "hashes"})  # of the manifest, one by one


class Finding(NamedTuple):
    """One thing that is not as the log has it."""

    kind: Kind
    where: str  #: the file
    row: str  #: its id; empty: no single row
    what: str

    def __str__(self) -> str:
        return f"{self.where}{f', row {self.row}' if self.row else ''}: {self.what}."


class Verified(NamedTuple):
    """What came of it."""

    rows: int  #: that were made again
    findings: tuple[Finding, ...]


async def verify(journal: Journal, folder: Path, manifest: Manifest, tools: Tools, advance: Advance = lambda _: None) -> Verified:
    """Raises InvalidInput for another salt or tokenizer than the export's, MissingExtra, LogUnavailable."""
    require_format(manifest.plan)
    _require_same(manifest, tools)
    gone = [*await _gone(journal, FEEDBACK, manifest.feedback), *await _gone(journal, ANSWERS, manifest.answers)]
    if gone:  # what is made of the rest would differ in ways that tell nothing
        return Verified(0, tuple(gone))
    fold = await folded(journal, manifest.bounds, manifest.plan, tools, advance)
    if not any(fold.splits.values()):
        return Verified(0, (Finding("manifest", "manifest.json", "", "the log has no row at its bounds"),))
    begins = Begins(*(numbers(place.begin) for place in (manifest.feedback, manifest.answers)))
    made = summary(fold, manifest.plan, tools, manifest.bounds, begins)
    return Verified(sum(made.rows.values()), tuple(_findings(folder, manifest, made, fold)))


def _findings(folder: Path, manifest: Manifest, made: Manifest, fold: Folded) -> Iterator[Finding]:
    """All, file by file."""
    expected = {file.name: (split, file) for split, rows in fold.splits.items() if rows for file in files_of(manifest.plan, split)}
    written = {file.name: file for file in manifest.files}
    for split, file in expected.values():
        yield from _rows(folder, manifest, file, partial(shaped, fold, manifest.plan, split, file))
    for name in sorted((written.keys() | _names(folder)) - expected.keys() - {card.NAME, "manifest.json"}):
        yield Finding("additional", name, "", "no such file comes of the log")
    for name in sorted(expected.keys() | {card.NAME}):
        yield from _whole(folder, name, written.get(name))
    page = card.card(made.model_copy(update={"files": manifest.files}))
    if (folder / card.NAME).is_file() and page != (folder / card.NAME).read_text(encoding="utf-8", errors="replace"):
        yield Finding("file", card.NAME, "", "it says something else than the log")
    for name in sorted(set(Manifest.model_fields) - _LOOKED_AT):
        if getattr(made, name) != getattr(manifest, name):
            yield Finding("manifest", "manifest.json", "", f"{name} is {getattr(manifest, name)}, and {getattr(made, name)} by the log")


def _rows(folder: Path, manifest: Manifest, file: File, made: Callable[[], Iterator[tuple[str, object]]]) -> Iterator[Finding]:
    """Of one file: what was altered, what is missing, what is there in addition; and hashes of the manifest that are not those of the rows."""
    hashes, noted = {row_id: hash_of(row) for row_id, row in made()}, manifest.hashes.get(file.name, {})
    for row_id, digest in hashes.items():
        if noted.get(row_id) != digest:
            yield Finding("hash", "manifest.json", row_id, f"its hash in {file.name} is not that of the row in the log")
    for row_id in noted.keys() - hashes.keys():
        yield Finding("additional", "manifest.json", row_id, "the log has no such row")
    if not (folder / file.name).is_file():
        yield Finding("missing", file.name, "", "the file is not there")
        return
    strange = _Strange(hashes)
    try:
        for number, row in enumerate(file.read(folder / file.name)):
            strange.look(number, row)
    except ValueError as error:
        yield Finding("file", file.name, "", f"it cannot be read behind row {strange.seen}: {error}")
    yield from strange.findings(file.name, {row_id: row for row_id, row in made() if row_id in strange.missing})


class _Strange:
    """Rows of a file that are not among those that were made, and the other way round."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._ids: dict[str, list[str]] = {}
        for row_id, digest in hashes.items():
            self._ids.setdefault(digest, []).append(row_id)
        self._order = list(hashes)
        self._rows: list[tuple[int, object]] = []
        self.missing = set(hashes)
        self.seen = 0

    def look(self, number: int, row: object) -> None:
        """A row that is as it was made is done with."""
        self.seen += 1
        ids = self._ids.get(hash_of(row), [])
        if ids:
            self.missing.discard(ids.pop())
        else:
            self._rows.append((number, row))

    def findings(self, name: str, made: Mapping[str, object]) -> Iterator[Finding]:
        """A row that has the id of a missing one was altered; so was one without an id that stands in its place."""
        for number, row in self._rows:
            row_id = id_in(row) or (self._order[number] if number < len(self._order) else "")
            if row_id not in self.missing:
                yield Finding("additional", name, row_id, f"row {number + 1} of the file is not in the log")
                continue
            self.missing.discard(row_id)
            for difference in differences(row, made[row_id]):
                yield Finding(difference.kind, name, row_id, difference.what)
        for row_id in sorted(self.missing):
            yield Finding("missing", name, row_id, "the log has it, the file has not")


def _whole(folder: Path, name: str, written: WrittenFile | None) -> Iterator[Finding]:
    """Whether a file is, byte for byte, the one that was written."""
    if written is None:
        yield Finding("manifest", "manifest.json", "", f"it does not name {name}")
    elif not (folder / name).is_file():
        yield from [Finding("missing", name, "", "the file is not there")] if name == card.NAME else []
    elif hash_of_file(folder / name) != written.sha256:
        yield Finding("hash", name, "", "the file's SHA-256 is not the manifest's")


async def _gone(journal: Journal, topic: Topic, place: Place) -> list[Finding]:
    """Where the log does not hold any more, or not yet, what the export was made of."""
    starts, ends = await journal.starts(topic), await journal.ends(topic)
    found = []
    for partition, offset in numbers(place.end).items():
        begin = int(place.begin.get(str(partition), 0))
        if partition not in ends or ends[partition] < offset or starts[partition] > begin:
            held = f"{starts[partition]} to {ends[partition]}" if partition in ends else "nothing"
            found.append(Finding("log", f"{topic.name}[{partition}]", "", f"the export was made of {begin} to {offset}, and the log holds {held}"))
    return found


def _require_same(manifest: Manifest, tools: Tools) -> None:
    if manifest.salt != tools.names.fingerprint:
        raise InvalidInput("The export was made with another ROXY_EXPORT_SECRET.", remedy="Set it as it was then: raters cannot be compared without.")
    if manifest.lengths.get("tokenizer") != tools.tokenizer.name:
        raise InvalidInput(f"The export counted tokens by {manifest.lengths.get('tokenizer')}.", remedy="Set ROXY_TOKENIZER_FILE as it was then.")


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
