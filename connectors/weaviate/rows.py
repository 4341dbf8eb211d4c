"""Rows: a chunk as Weaviate stores it. Pure, but for the analyser."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from connectors.embedder.base import Vectors
from connectors.keyword_index.base import Entry
from connectors.keyword_index.terms import Analyser

if TYPE_CHECKING:
    from weaviate.classes.data import DataObject

_NAMESPACE = uuid.UUID("6b1f3c1e-4f0e-5a57-9f0f-2c4b8a1d7e60")  # of object ids; another would double every chunk
_Part = TypeVar("_Part")


class Terms(NamedTuple):
    """A chunk's words as they are compared, with a blank between each."""

    title: str = ""
    headings: str = ""
    text: str = ""


class Row(NamedTuple):
    """A chunk. `offset` -1: not by a record of the log, so it gives way to any."""

    chunk_id: str
    offset: int = -1
    terms: Terms = Terms()
    vector: Vectors | None = None

    def data(self) -> DataObject[Any, None]:
        """As the client takes it."""
        from weaviate.classes.data import DataObject

        properties = {"chunk_id": self.chunk_id, "offset": self.offset, **self.terms._asdict()}
        return DataObject(properties=properties, uuid=object_id(self.chunk_id), vector=None if self.vector is None else self.vector.tolist())


def object_id(chunk_id: str) -> uuid.UUID:
    """The same chunk, the same object: writing it again replaces it."""
    return uuid.uuid5(_NAMESPACE, chunk_id)


def terms_of(entries: Sequence[Entry]) -> list[Terms]:
    """Each entry's terms, by the analyser that tantivy uses too."""
    analyser = Analyser()
    return [Terms(*(" ".join(analyser.terms(text)) for text in (entry.title, entry.headings, entry.text))) for entry in entries]


def row_of(found: Any) -> Row:
    """A row of what the client returns for an object."""
    known = found.properties
    vector = found.vector.get("default")
    terms = Terms(*(known[name] or "" for name in Terms._fields))
    return Row(known["chunk_id"], known["offset"], terms, None if vector is None else np.array(vector, dtype=np.float32))


def slices(rows: Sequence[_Part], size: int) -> Iterator[Sequence[_Part]]:
    """In parts of so many."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
