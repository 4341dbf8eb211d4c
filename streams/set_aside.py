"""Set aside: what a fold will need again later, on disk instead of in memory. A file without a name, gone with whoever holds it.

Called by the folds of exports and preferences: what they keep of a log of years is then a number for each record, not the record.
"""

from __future__ import annotations

import pickle
import tempfile
import weakref
from typing import Generic, TypeVar

T = TypeVar("T")


class SetAside(Generic[T]):
    """Where it lies is TMPDIR's to say. Raises OSError where the disk is full."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this
        weakref.finalize(self, self._file.close)
        self._end = 0

    def keep(self, thing: T) -> int:
        """Returns the place that it is read from."""
        place = self._end
        self._file.seek(place)
        pickle.dump(thing, self._file, pickle.HIGHEST_PROTOCOL)
        self._end = self._file.tell()
        return place

    def read(self, place: int) -> T:
        """As it was."""
        self._file.seek(place)
        thing: T = pickle.load(self._file)
        return thing
