"""Submitted corrections: whether `documents` holds what a decision led to already. Asked of a decision that may have been worked on before.

A document that comes twice is the same document, but not where somebody has deleted it in between, or approved other words.
"""

from __future__ import annotations

from contextlib import aclosing

from connectors.journal.base import CLOCKS_DIFFER_MS, Journal
from schemas.codec import decoded
from schemas.events import DocumentDeleted, DocumentSubmitted
from schemas.topics import DOCUMENTS
from streams.positions import milliseconds
from streams.replay import history


async def was_submitted(document: DocumentSubmitted, journal: Journal) -> bool:
    """Whether it lies there, or was deleted since it was decided on. Raises LogUnavailable.

    Read from the decision's time on: of a worker that died that is little. Where a group's offsets have expired all decisions come again, and
    each reads what came behind it; that they expire is rare.
    """
    start = await journal.since(DOCUMENTS, milliseconds(document.time) - CLOCKS_DIFFER_MS)
    async with aclosing(history(journal, DOCUMENTS, await journal.ends(DOCUMENTS), start=start)) as stretches:
        async for records in stretches:
            for record in records:
                if record.key == document.subject.encode() and _tells_of(document, decoded(record)):
                    return True
    return False


def _tells_of(document: DocumentSubmitted, event: object) -> bool:
    match event:
        case DocumentSubmitted():
            return (event.id, event.time) == (document.id, document.time)
        case DocumentDeleted():
            return event.time > document.time
    return False
