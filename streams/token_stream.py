"""A model's tokens as pieces of one record each: the first alone and at once, then up to three, more while the log is slower than the model.

No token waits for another: a piece is what is there when the writer comes back for more. Only a number in brackets waits until it is whole,
for one that stands for no chunk is taken out before anybody sees it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from connectors.language_model.base import Finish, LanguageModel, Prompt
from schemas.errors import ModelUnavailable
from schemas.events import Usage
from streams.answering.citations import CitationFilter

_USUAL = 3  # tokens a record
_MOST = 32
_AHEAD = 512  # tokens that a model may be ahead of the log before it is held back


class TextDiffers(ModelUnavailable):
    """The model does not say again what it said before. The answer is begun anew."""


class TokenStream:
    """Runs a model beside the writer of its records. `skip`: text that is out already and is not yielded again."""

    def __init__(self, model: LanguageModel, prompt: Prompt, *, skip: str) -> None:
        self._model, self._prompt, self._skip = model, prompt, skip
        self._citations = CitationFilter([chunk.rank for chunk in prompt.chunks], behind=skip if model.resumes == "prefix" else "")
        self._tokens: deque[str] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._pump: asyncio.Task[None]
        self._first = True
        self.stopped = False
        self.written = 0  #: tokens that the model has said, whoever has seen them
        self.finish = Finish(Usage())

    async def __aenter__(self) -> TokenStream:
        self._pump = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._end_work()
        await asyncio.gather(self._pump, return_exceptions=True)

    @property
    def dropped_citations(self) -> int:
        """How many numbers were taken out; of a text that is gone on with by prefix, behind what was out."""
        return self._citations.dropped

    async def soon(self, timeout_s: float) -> None:
        """Wait until a piece is there, or the time is over."""
        if timeout_s and not self._tokens and not self.stopped and not self._pump.done():
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._changed.wait()

    def stop(self) -> None:
        """End the stream: no piece follows, and the model's work ends."""
        self.stopped = True
        self._end_work()
        self._changed.set()

    def _end_work(self) -> None:
        """Once: cancelled again, while it hangs up on its server, it would leave the connection open and the server speaking."""
        if not self._pump.cancelling():
            self._pump.cancel()

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            while not self._tokens and not self.stopped and not self._pump.done():
                self._changed.clear()
                await self._changed.wait()
            if self.stopped:
                return
            if not self._tokens:
                self._pump.result()
                return
            yield self._take()
            await asyncio.sleep(0)  # let the log's sender go: a fast model's first token shall not wait for its last

    def _take(self) -> str:
        """Under load, when tokens pile up, pieces grow so that the log's records per second do not."""
        size = 1 if self._first else min(max(_USUAL, len(self._tokens) // 16), _MOST)
        self._first = False
        piece = "".join(self._tokens.popleft() for _ in range(min(size, len(self._tokens))))
        self._room.set()
        return piece

    async def _run(self) -> None:
        try:
            rest = self._skip if self._model.resumes == "rerun" else ""
            async with aclosing(self._said()) as texts:
                async for text in texts:
                    rest, fresh = _skipped(rest, text)
                    if fresh:
                        await self._put(fresh)
            if rest:
                raise TextDiffers("The model's text ended before what is already out.")
        finally:
            self._changed.set()

    async def _said(self) -> AsyncGenerator[str, None]:
        """The model's tokens, without numbers that stand for nothing."""
        prefix = self._skip if self._model.resumes == "prefix" else ""
        async with aclosing(self._model.stream(self._prompt, prefix=prefix)) as stream:
            async for token in stream:
                if isinstance(token, Finish):
                    self.finish = token
                else:
                    self.written += 1
                    yield self._citations.feed(token)
        yield self._citations.end()

    async def _put(self, token: str) -> None:
        self._tokens.append(token)
        self._changed.set()
        if len(self._tokens) >= _AHEAD:
            self._room.clear()
            await self._room.wait()


def _skipped(rest: str, token: str) -> tuple[str, str]:
    """What is left to skip, and what is left of the token. Raises TextDiffers if a model that runs again says something else."""
    length = min(len(rest), len(token))
    if rest[:length] != token[:length]:
        raise TextDiffers("The model's text differs from what is already out.")
    return rest[length:], token[length:]
