"""Chunk texts: those of a chunk store, on disk, in a database that is the process's own and gone with it.

Texts are most of what a chunk weighs, and of 400 candidates a search reads 30: so memory holds a number for each, and the system keeps
in its cache what is read. 5 microseconds to keep one, and to read it.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Sequence
from itertools import count

from schemas.errors import IndexUnavailable

_CACHE_KIB = 2_048


class ChunkTexts:
    """Where it lies is sqlite's to say: TMPDIR, else /var/tmp or /tmp. A text's place is taken by another once nobody holds it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._database.close)
        self._database.execute("PRAGMA journal_mode = MEMORY")
        self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._database.execute("CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        self._one_at_a_time = threading.Lock()  # a snapshot reads in a thread
        self._numbers = count(1)
        self._free: list[int] = []

    def keep(self, texts: Sequence[str]) -> list[KeptText]:
        """All with one call: each would wait for the interpreter lock when it is done. Raises IndexUnavailable: the disk is full."""
        numbers = [self._free.pop() if self._free else next(self._numbers) for _ in texts]
        values = [value for pair in zip(numbers, texts, strict=True) for value in pair]
        try:
            with self._one_at_a_time:
                self._database.execute(f"INSERT OR REPLACE INTO texts VALUES {','.join(['(?, ?)'] * len(texts))}", values)
        except sqlite3.OperationalError as error:
            self._free += numbers
            raise IndexUnavailable(f"Chunks' texts could not be kept: {error}.", remedy="Make room in the folder that TMPDIR names.") from error
        return [KeptText(self, number) for number in numbers]

    def read(self, number: int) -> str:
        with self._one_at_a_time:
            row: tuple[str] = self._database.execute("SELECT text FROM texts WHERE number = ?", (number,)).fetchone()
        return row[0]

    def let_go(self, number: int) -> None:
        """Its place may be taken. From any thread."""
        self._free.append(number)


class KeptText:
    """As good as the text, for as long as it is held; `str` reads it."""

    __slots__ = ("_number", "_texts")

    def __init__(self, texts: ChunkTexts, number: int) -> None:
        self._texts, self._number = texts, number

    def __str__(self) -> str:
        return self._texts.read(self._number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str | KeptText) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __del__(self) -> None:
        self._texts.let_go(self._number)
