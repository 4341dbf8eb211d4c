"""Read-ahead: while what was found for a question travels to the step that answers it, the model already reads the chunks.

Between the two steps lies a round trip to the log, in which this process has nothing else to do for the question. If another worker
gets the record, the work was for nothing, and nothing is wrong.
"""

from __future__ import annotations

import asyncio

import structlog

from connectors.language_model.base import LanguageModel
from schemas.events import RetrievedChunk

_HEAD_START_S = 0.001  # what was found is sent first

log = structlog.get_logger(__name__)


class ReadAhead:
    """Runs the models' read-ahead in the background."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, model: LanguageModel, chunks: tuple[RetrievedChunk, ...]) -> None:
        task = asyncio.create_task(_read(model, chunks))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _read(model: LanguageModel, chunks: tuple[RetrievedChunk, ...]) -> None:
    await asyncio.sleep(_HEAD_START_S)
    try:
        await model.read_ahead(chunks)
    except Exception:
        log.exception("read-ahead failed")  # the answer will meet the same, and say so where it can be seen
