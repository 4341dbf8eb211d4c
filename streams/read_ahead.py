"""Read-ahead: while what was found for a question travels to the step that answers it, the chunks are read already.

They are read for the route, which says how sure they are whoever answers, and then by the model that the question is routed to. Between
the two steps lies a round trip to the log, in which this process has nothing else to do for the question. If another worker gets the
record, the work was for nothing, and nothing is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from connectors.language_model.base import LanguageModel
from connectors.language_model.passage import passage_of
from schemas.events import RetrievedChunk

_HEAD_START_S = 0.001  # what was found is sent first

Speaker = Callable[[], LanguageModel]  #: says who will answer

log = structlog.get_logger(__name__)


class ReadAhead:
    """Reads in the background."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, chunks: tuple[RetrievedChunk, ...], speaker: Speaker) -> None:
        task = asyncio.create_task(_read(chunks, speaker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _read(chunks: tuple[RetrievedChunk, ...], speaker: Speaker) -> None:
    await asyncio.sleep(_HEAD_START_S)
    try:
        for chunk in chunks:  # 1 ms each where nobody has read it lately
            await asyncio.sleep(0)
            passage_of(chunk)
        await speaker().read_ahead(chunks)
    except Exception:
        log.exception("read-ahead failed")  # the answer will meet the same, and say so where it can be seen
