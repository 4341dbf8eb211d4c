"""Vectors kept in a file for ever, by model and text: a SQLite database that all processes of the machine share.

Every call blocks: connectors/embedder/cached.py makes them in threads, one that reads and one that writes. SQLite's write-ahead log lets the
others read while one writes. The file is a cache and nothing else: it may be deleted at any time that no process has it open.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import numpy as np

from connectors.embedder.base import Vectors

_ASKED = 500  # keys to a query; SQLite takes 32,766 parameters


def key_of(name: str, text: str) -> bytes:
    """What a text's vector by a model of this name is kept under: 128 bits of BLAKE2b."""
    return blake2b(f"{name}\0{text}".encode(), digest_size=16).digest()


class KeptVectors:
    """One connection to the file, which waits this long for another process that has it locked.

    Raises sqlite3.Error or OSError from every call: the file may be damaged, locked, or on a full disk.
    """

    def __init__(self, path: Path, wait_s: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last rows, never the file
            self._connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID")
        except sqlite3.Error:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def find(self, keys: Sequence[bytes], dims: int) -> dict[bytes, Vectors]:
        """The rows that are there and whole."""
        found: dict[bytes, Vectors] = {}
        for first in range(0, len(keys), _ASKED):
            some = keys[first : first + _ASKED]
            marks = ",".join("?" * len(some))
            with closing(self._connection.execute(f"SELECT key, row FROM vectors WHERE key IN ({marks})", some)) as rows:
                found |= {key: row for key, blob in rows if (row := _row(blob, dims)) is not None}
        return found

    def keep(self, rows: Mapping[bytes, Vectors]) -> None:
        """Write rows, all or none."""
        with self._connection:  # ends in COMMIT, or in ROLLBACK if it raises
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", _blobs(rows))


def as_kept(rows: Vectors) -> Vectors:
    """Rows as they come out of the file: float16 and of length 1 again. So a text has the same vector the first time as any other time."""
    rounded = rows.astype("<f2").astype(np.float32)
    normal: Vectors = rounded / np.maximum(np.linalg.norm(rounded, axis=-1, keepdims=True), 1e-12)
    return normal


def _blobs(rows: Mapping[bytes, Vectors]) -> Iterable[tuple[bytes, bytes]]:
    return ((key, row.astype("<f2").tobytes()) for key, row in rows.items())


def _row(blob: object, dims: int) -> Vectors | None:
    """None for what is no row of this many finite numbers."""
    if not isinstance(blob, bytes) or len(blob) != dims * 2:
        return None
    row = np.frombuffer(blob, dtype="<f2").astype(np.float32)
    return as_kept(row) if np.isfinite(row).all() else None
