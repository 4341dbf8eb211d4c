"""Files: which ones a format writes for a split, how rows get into them, and out again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from streams.exports.columns import Columns
from streams.exports.parquet import read_parquet, require_parquet, write_parquet
from streams.exports.plan import Kind, Plan
from streams.exports.shapes import argilla_row, openai_row, provenance_row, require_openai
from streams.exports.split import Split

Shape = Callable[[Columns], dict[str, Any]]


class File(NamedTuple):
    """One file of one split."""

    name: str
    shape: Shape
    write: Callable[[Path, Iterable[Any]], None]
    read: Callable[[Path], Iterator[Any]]  #: raises ValueError for what cannot be read


def require_format(plan: Plan) -> None:
    """Raises InvalidInput, MissingExtra for a format that cannot be written."""
    if plan.format == "openai":
        require_openai(plan.kind)
    if plan.format == "parquet":
        require_parquet()


def files_of(plan: Plan, split: Split) -> tuple[File, ...]:
    """All that a split is written to."""
    kind: Kind = plan.kind
    match plan.format:
        case "trl":
            return (_lines(f"{split}.jsonl", dict),)
        case "openai":
            return (
                _lines(f"{split}.jsonl", openai_row),
                _lines(f"provenance/{split}.jsonl", partial(provenance_row, kind=kind)),
            )
        case "parquet":
            return (File(f"{split}.parquet", dict, partial(write_parquet, kind=kind), read_parquet),)
        case "argilla":
            return (File(f"{split}.json", partial(argilla_row, kind=kind), _write_array, _read_array),)


def _lines(name: str, shape: Shape) -> File:
    return File(name, shape, _write_lines, _read_lines)


def _write_lines(path: Path, rows: Iterable[Any]) -> None:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _read_lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


def _write_array(path: Path, rows: Iterable[Any]) -> None:
    """A row a line, so that it can be read as it was written: one at a time."""
    with path.open("wb") as file:
        file.writelines(chain.from_iterable((b",\n" if number else b"[\n", orjson.dumps(row)) for number, row in enumerate(rows)))
        file.write(b"\n]\n")


def _read_array(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for line in file:
            if line.strip() not in (b"[", b"]"):
                yield orjson.loads(line.strip().removesuffix(b","))
