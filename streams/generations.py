"""Generations: what the topic `generations` says of the index. Pure: events in, which were built and which one serves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from connectors.journal.base import Journal
from schemas.codec import decoded
from schemas.errors import InvalidInput, UnknownGeneration
from schemas.events import Event, IndexGenerationBuilt, IndexGenerationRefused, IndexGenerationServed, IndexGenerationSwapped
from schemas.record import Record
from schemas.topics import GENERATIONS
from streams.replay import history

LIVE = 0  #: what every worker makes of `chunks` by itself: it needs no build


class Generations:
    """A fold. Of two builds with the same number the first counts."""

    def __init__(self) -> None:
        self._built: dict[int, IndexGenerationBuilt] = {}
        self._swaps: list[IndexGenerationSwapped] = []
        self._workers: dict[str, IndexGenerationServed | IndexGenerationRefused] = {}

    @classmethod
    async def read(cls, journal: Journal) -> Self:
        """As they are now. Raises LogUnavailable."""
        generations = cls()
        async for records in history(journal, GENERATIONS, await journal.ends(GENERATIONS)):
            for record in records:
                generations.add(record)
        return generations

    def add(self, record: Record) -> None:
        """Records in order. One that cannot be read is passed over."""
        if (event := decoded(record)) is not None:
            self.fold(event)

    def fold(self, event: Event) -> None:
        match event:
            case IndexGenerationBuilt():
                self._built.setdefault(event.generation, event)
            case IndexGenerationSwapped():
                self._swaps.append(event)
            case IndexGenerationServed() | IndexGenerationRefused():
                self._workers[event.worker] = event

    @property
    def built(self) -> Mapping[int, IndexGenerationBuilt]:
        return self._built

    @property
    def workers(self) -> Mapping[str, IndexGenerationServed | IndexGenerationRefused]:
        """The last word of each worker, those that have ended included."""
        return self._workers

    @property
    def swaps(self) -> int:
        """How many there were."""
        return len(self._swaps)

    @property
    def serving(self) -> int:
        """The generation that is to answer questions."""
        return self._swaps[-1].generation if self._swaps else LIVE

    @property
    def before(self) -> int:
        """The one that a rollback goes to. Raises UnknownGeneration if there was no swap."""
        if not self._swaps:
            raise UnknownGeneration("There was no swap yet that could be taken back.")
        return self._swaps[-1].before

    @property
    def next(self) -> int:
        """The number of the next build."""
        return max(self._built, default=LIVE) + 1

    def require(self, generation: int) -> IndexGenerationBuilt:
        """Raises UnknownGeneration."""
        if generation not in self._built:
            raise UnknownGeneration(f"The index has no generation {generation}.")
        return self._built[generation]

    def require_spare(self, generation: int) -> IndexGenerationBuilt:
        """One that nobody is about to load. Raises UnknownGeneration; InvalidInput if it serves, or a rollback would let it."""
        if generation == LIVE:
            raise InvalidInput("Generation 0 has no folder of its own: every worker makes it of `chunks`.", remedy="Name one of `roxy index status`.")
        if generation == self.serving:
            raise InvalidInput(f"Generation {generation} serves.", remedy="Let another one serve first: `roxy index swap` with its number.")
        if self._swaps and generation == self.before:
            raise InvalidInput(
                f"Generation {generation} is the one that `roxy index rollback` would let serve.",
                remedy="Drop it after the next swap to another one.",
            )
        return self.require(generation)
