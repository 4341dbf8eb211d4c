"""Parquet: rows to a file with a schema that does not depend on them, and back. By pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import MissingExtra
from streams.exports.columns import Columns, ColumnType, type_of
from streams.exports.plan import Kind

if TYPE_CHECKING:
    import pyarrow

_BATCH = 1_000  # rows in memory; a group of the file


def require_parquet() -> None:
    """Raises MissingExtra."""
    if find_spec("pyarrow") is None:
        raise MissingExtra("--format parquet asks for pyarrow, which is not installed.", remedy="Install the extra `export` of roxy.")


def write_parquet(path: Path, rows: Iterable[Columns], kind: Kind) -> None:
    """The names of the columns are the first row's: all have the same."""
    import pyarrow
    import pyarrow.parquet

    rest = iter(rows)
    batch = list(islice(rest, _BATCH))
    schema = pyarrow.schema([pyarrow.field(name, _arrow(type_of(kind, name)), nullable=False) for name in batch[0]])
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch:
            writer.write_table(pyarrow.Table.from_pylist(batch, schema))
            batch = list(islice(rest, _BATCH))


def read_parquet(path: Path) -> Iterator[Any]:
    """Raises ValueError for what is none."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH):
            yield from batch.to_pylist()


def _arrow(kind: ColumnType) -> pyarrow.DataType:
    import pyarrow

    text = pyarrow.string()
    match kind:
        case "turns":
            return pyarrow.list_(pyarrow.struct([("role", text), ("content", text)]))
        case "texts":
            return pyarrow.list_(text)
        case "flag":
            return pyarrow.bool_()
        case "number":
            return pyarrow.float64()
        case _:
            return text
