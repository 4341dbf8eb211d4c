"""How late this process is: by how much its event loop runs behind what was due. An idle one is late by less than a millisecond."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AbstractAsyncContextManager

from connectors.background import running

_EVERY_S = 0.1
_LOOKS = 3  # the least of them counts: a pause that is over, such as a collection of garbage, is no load


class LoopLag:
    """Looks at it ten times a second."""

    def __init__(self) -> None:
        self._late: deque[float] = deque([0.0] * _LOOKS, maxlen=_LOOKS)

    @property
    def seconds(self) -> float:
        return min(self._late)

    def watched(self) -> AbstractAsyncContextManager[None]:
        """In the background."""
        return running(self._watch())

    async def _watch(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due = now() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self._late.append(now() - due)
