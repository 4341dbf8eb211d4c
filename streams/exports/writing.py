"""Writing: an export as a folder: data, card, manifest. It is there as a whole or not at all: written beside, then renamed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from connectors.journal.base import Journal
from schemas.errors import InvalidInput
from schemas.topics import ANSWERS, FEEDBACK
from streams.exports import card
from streams.exports.columns import columns_of
from streams.exports.files import File, files_of, require_format
from streams.exports.fold import Folded, Tools, folded
from streams.exports.lengths import lengths_of
from streams.exports.manifest import Manifest, WrittenFile, hash_of, hash_of_file, place, write_manifest
from streams.exports.plan import Plan
from streams.exports.split import Split
from streams.preferences.replay import Bounds
from streams.replay import Advance

_FOLDER_MODE = 0o755  # mkdtemp's own is for nobody else


class Begins(NamedTuple):
    """The first offsets that the log still holds."""

    feedback: Mapping[int, int]
    answers: Mapping[int, int]

    @classmethod
    async def read(cls, journal: Journal) -> Begins:
        return cls(await journal.starts(FEEDBACK), await journal.starts(ANSWERS))


async def export(journal: Journal, bounds: Bounds, plan: Plan, tools: Tools, out: Path, advance: Advance = lambda _: None) -> Manifest:
    """Raises InvalidInput for a folder that holds something already and for no rows; MissingExtra, LogUnavailable."""
    require_format(plan)
    _require_free(out)
    begins = await Begins.read(journal)
    fold = await folded(journal, bounds, plan, tools, advance)
    _require_rows(fold, plan)
    return _placed(out, lambda folder: _write(folder, fold, plan, tools, bounds, begins))


def summary(fold: Folded, plan: Plan, tools: Tools, bounds: Bounds, begins: Begins) -> Manifest:
    """The manifest of a fold, before there are files."""
    return Manifest(
        plan=plan,
        feedback=place(begins.feedback, bounds.feedback),
        answers=place(begins.answers, bounds.answers),
        salt=tools.names.fingerprint,
        rows={split: len(rows) for split, rows in fold.splits.items()},
        left_out=fold.dropped,
        scrubbed=dict(sorted(tools.scrubber.counts.items())) if tools.scrubber else {},
        labels=fold.splits["train"].labels if plan.kind == "kto" else {},
        lengths=lengths_of(chain.from_iterable(fold.splits.values()), tools.tokenizer)._asdict(),
        files=(),
        hashes={},
    )


def shaped(fold: Folded, plan: Plan, split: Split, file: File) -> Iterator[tuple[str, object]]:
    """The rows of a file as they stand in it, each with its id; one at a time."""
    for row in fold.splits[split]:
        yield row.row_id, file.shape(columns_of(row, plan.kind, split))


def _require_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidInput(f"{out} is there already.", remedy="Give a folder that is empty, or not there yet.")


def _require_rows(fold: Folded, plan: Plan) -> None:
    if plan.balance and not fold.splits["train"]:
        raise InvalidInput("There are not both desirable and undesirable answers to balance.", remedy="Leave --balance out.")
    if not any(fold.splits.values()):
        why = ", ".join(f"{count} {reason}" for reason, count in fold.dropped.items()) or "nothing was judged"
        raise InvalidInput(f"No row is left for {plan.kind}: {why}.", remedy="Ask for less, or wait for more feedback.")


def _placed(out: Path, write: Callable[[Path], Manifest]) -> Manifest:
    """Written into a folder beside, which then takes the name."""
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        manifest = write(beside)
        beside.chmod(_FOLDER_MODE)
        beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return manifest


def _write(folder: Path, fold: Folded, plan: Plan, tools: Tools, bounds: Bounds, begins: Begins) -> Manifest:
    files, hashes = list[WrittenFile](), dict[str, dict[str, str]]()
    for split, rows in fold.splits.items():
        for file in files_of(plan, split) if rows else ():  # a file without rows is none that `datasets` could read
            path, hashes[file.name] = folder / file.name, {}
            path.parent.mkdir(exist_ok=True)
            file.write(path, _noted(shaped(fold, plan, split, file), hashes[file.name]))
            files.append(WrittenFile(name=file.name, split=split, rows=len(rows), sha256=hash_of_file(path)))
    manifest = summary(fold, plan, tools, bounds, begins).model_copy(update={"files": tuple(files), "hashes": hashes})
    (folder / card.NAME).write_text(card.card(manifest), encoding="utf-8")
    page = WrittenFile(name=card.NAME, sha256=hash_of_file(folder / card.NAME))
    manifest = manifest.model_copy(update={"files": (*manifest.files, page)})
    write_manifest(folder, manifest)
    return manifest


def _noted(rows: Iterator[tuple[str, object]], hashes: dict[str, str]) -> Iterator[object]:
    """The rows, while their hashes are noted."""
    for row_id, row in rows:
        hashes[row_id] = hash_of(row)
        yield row
