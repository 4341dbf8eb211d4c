"""Embedder in front of another: texts of all who wait are joined into full batches of alike length.

A batch of one short document leaves the model half idle, and one of mixed lengths makes it compute padding. So texts are drawn in rounds:
of each call in turn, so that a huge document takes no more of a round than a small one; sorted by length; cut into batches. As many
batches run at a time as the embedder has lanes. Nothing is waited for: what comes while a round runs is in the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from connectors.embedder.base import Embedder, Vectors
from schemas.errors import ModelUnavailable

_BATCH = 8  # texts; more is not faster on a CPU
_ROUND = 8  # batches a lane: enough texts to find ones of alike length, few enough that a new call's turn comes soon
_LONGEST_S = 600.0  # for one batch: a minute is slow, this is a model that hangs


class _Call:
    """Somebody's texts: which have no batch yet, and the rows that are there."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts, self.drawn = texts, 0
        self.rows: dict[int, Vectors] = {}
        self.done: asyncio.Future[Vectors] = asyncio.get_running_loop().create_future()

    def draw(self) -> _Place:
        self.drawn += 1
        return _Place(self, self.drawn - 1)

    def put(self, number: int, row: Vectors) -> None:
        self.rows[number] = row
        if len(self.rows) == len(self.texts) and not self.done.done():
            self.done.set_result(np.stack([self.rows[place] for place in range(len(self.texts))]))

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class _Place(NamedTuple):
    """One text of a call."""

    call: _Call
    number: int

    @property
    def text(self) -> str:
        return self.call.texts[self.number]


_Batch = Sequence[_Place]


class BatchedEmbedder:
    """`lanes`: how many batches the embedder computes at a time."""

    def __init__(self, inner: Embedder, *, lanes: int, longest_s: float = _LONGEST_S) -> None:
        self.name, self.dims = inner.name, inner.dims
        self._inner, self._lanes, self._longest_s = inner, lanes, longest_s
        self._calls: deque[_Call] = deque()  # with texts that are not drawn, the next one's turn first
        self._round: deque[_Batch] = deque()
        self._running: dict[asyncio.Task[None], _Batch] = {}

    async def known(self, texts: Sequence[str]) -> Sequence[bool]:
        return await self._inner.known(texts)

    async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
        """See connectors/embedder/base.py. A question goes straight to the embedder's own lane for questions."""
        if question or not texts:
            return await self._inner.embed(texts, question=question)
        call = _Call(texts)
        self._calls.append(call)
        asyncio.get_running_loop().call_soon(self._start)  # with all who come in this turn of the loop
        try:
            return await call.done
        finally:
            self._leave(call)

    def _leave(self, call: _Call) -> None:
        """Of a call that ended early nothing is computed any more, unless somebody else's texts are in the same batch."""
        if call in self._calls:
            self._calls.remove(call)
        for task, batch in self._running.items():
            if all(place.call.done.done() for place in batch):
                task.cancel()

    def _start(self) -> None:
        while len(self._running) < self._lanes and (batch := self._next_batch()):
            task = asyncio.create_task(self._run(batch), name="embed-batch")
            self._running[task] = batch
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._start()

    def _next_batch(self) -> _Batch:
        while self._round or self._calls:
            if not self._round:
                self._round.extend(self._drawn())
            batch = [place for place in self._round.popleft() if not place.call.done.done()]
            if batch:
                return batch
        return ()

    def _drawn(self) -> list[_Batch]:
        """A round: one text of each call in turn, then sorted. Few texts are shared out among the lanes."""
        places: list[_Place] = []
        while self._calls and len(places) < self._lanes * _ROUND * _BATCH:
            call = self._calls.popleft()
            places.append(call.draw())
            if call.drawn < len(call.texts):
                self._calls.append(call)
        places.sort(key=lambda place: len(place.text), reverse=True)  # the longest first: no lane ends long after the others
        count = max(-(-len(places) // _BATCH), min(self._lanes, len(places)))
        cuts = [len(places) * part // count for part in range(count + 1)]
        return [places[first:last] for first, last in pairwise(cuts)]

    async def _run(self, batch: _Batch) -> None:
        """Should a batch of several calls fail, each has its texts to itself: one that the model cannot take fails no other."""
        try:
            await self._compute(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
            first, *others = dict.fromkeys(place.call for place in batch)
            if not others:
                first.fail(error)
                return
            for call in (first, *others):
                await self._run([place for place in batch if place.call is call])

    async def _compute(self, batch: _Batch) -> None:
        try:
            async with asyncio.timeout(self._longest_s):
                rows = await self._inner.embed([place.text for place in batch])
        except TimeoutError as error:
            raise ModelUnavailable(
                f"{self.name} has not embedded {len(batch)} texts in {self._longest_s:g} s.",
                remedy="Look whether its machine is overloaded, or take a smaller model with ROXY_EMBEDDER.",
            ) from error
        for place, row in zip(batch, rows, strict=True):
            place.call.put(place.number, row)
