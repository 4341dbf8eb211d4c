"""A model's server that behaves as it is told, in Ollama's and in OpenAI's protocol: for what a real server cannot be made to do on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from connectors.language_model import open_language_model
from connectors.language_model.base import Finish, LanguageModel, Prompt
from schemas.settings import Settings

PROMPT = Prompt("What is lag?", ())


class Dialect(NamedTuple):
    """A protocol's words."""

    backend: str  #: `ollama` | `openai`
    path: str
    content_type: str
    token: Callable[[str], bytes]
    thought: Callable[[str], bytes]  #: what a model thinks before it answers
    end: Callable[[str], bytes]
    trouble: bytes  #: a part that tells of an error
    strange: tuple[bytes, ...]  #: parts that are none

    def model(self, port: int, **changed: object) -> LanguageModel:
        """The backend, asking the server at that port, with short limits."""
        addresses = {"ollama_url": f"http://127.0.0.1:{port}", "openai_url": f"http://127.0.0.1:{port}/v1"}
        limits = {"model_connect_s": 5, "model_first_token_s": 5, "model_between_tokens_s": 5, "model_total_s": 10}
        return open_language_model(f"{self.backend}:small", Settings.model_validate({**addresses, **limits, **changed}))


def _line(part: object) -> bytes:
    return json.dumps(part).encode() + b"\n"


def _data(part: object) -> bytes:
    return b"data: " + json.dumps(part).encode() + b"\n\n"


def _chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
    return _data({"id": "1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


OLLAMA = Dialect(
    "ollama",
    "/api/chat",
    "application/x-ndjson",
    lambda text: _line({"model": "small", "message": {"role": "assistant", "content": text}, "done": False}),
    lambda text: _line({"model": "small", "message": {"role": "assistant", "content": "", "thinking": text}, "done": False}),
    lambda reason: _line(
        {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": reason, "prompt_eval_count": 11, "eval_count": 3}
    ),
    _line({"error": "out of memory"}),
    (b"<html>Bad gateway</html>\n", b"[1]\n", b'"text"\n', b'{"message": 3}\n', b"{}\n", b"\xff\xfe\n"),
)
OPENAI = Dialect(
    "openai",
    "/v1/chat/completions",
    "text/event-stream",
    lambda text: _chunk({"role": "assistant", "content": text}),
    lambda text: _chunk({"reasoning_content": text}),
    lambda reason: (
        _chunk({}, reason)
        + _data({"id": "1", "choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}})
        + b"data: [DONE]\n\n"
    ),
    _data({"error": {"message": "out of memory", "type": "server_error"}}),
    (b"<html>Bad gateway</html>\n", b"data: <html>\n\n", b"data: [1]\n\n", b'data: "text"\n\n', b'data: {"choices": 3}\n\n', b"data: \xff\xfe\n\n"),
)


class Reply:
    """One request, and the way to answer it byte by byte."""

    def __init__(self, dialect: Dialect, path: str, headers: dict[str, str], body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        self.dialect, self.path, self.headers, self.body = dialect, path, headers, body
        self._writer = writer

    async def begin(self, status: int = 200, *, chunked: bool = True, **headers: str) -> None:
        """Status and headers; what follows is sent in chunks, or ends with the connection."""
        given = {"Content-Type": self.dialect.content_type, **({"Transfer-Encoding": "chunked"} if chunked else {}), **headers}
        lines = [f"HTTP/1.1 {status} Said", *(f"{name.replace('_', '-')}: {value}" for name, value in given.items()), "", ""]
        await self._sent("\r\n".join(lines).encode())

    async def send(self, data: bytes) -> None:
        await self._sent(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def say(self, *tokens: str) -> None:
        """Begin, and the tokens."""
        await self.begin()
        for token in tokens:
            await self.send(self.dialect.token(token))

    async def end(self, reason: str = "stop") -> None:
        await self.send(self.dialect.end(reason))
        await self.close()

    async def close(self) -> None:
        """HTTP's end of an answer, whatever the answer says of itself."""
        await self._sent(b"0\r\n\r\n")

    async def refuse(self, status: int, **headers: str) -> None:
        """An answer that is an error's."""
        body = json.dumps({"error": "not today"} if self.dialect is OLLAMA else {"error": {"message": "not today"}}).encode()
        await self.begin(status, **headers)
        await self.send(body)
        await self.close()

    async def send_bare(self, data: bytes) -> None:
        """Where nothing is sent in chunks."""
        await self._sent(data)

    async def _sent(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


_MOST_AT_ONCE = 32

Behaviour = Callable[[Reply], Awaitable[None]]


class Server(NamedTuple):
    """What a scripted server has seen."""

    port: int
    replies: list[Reply]
    hung_up: asyncio.Event  #: a client went away before its answer ended

    def requests(self, words: str) -> int:
        """How often it was asked something with these words. A worker may also be given what another test has left open."""
        return sum(words in str(reply.body) for reply in self.replies)


@asynccontextmanager
async def serving(dialect: Dialect, *behaviours: Behaviour) -> AsyncIterator[Server]:
    """A server that behaves as told, one behaviour a request, the last one for all that follow."""
    replies: list[Reply] = []
    hung_up, open_ones = asyncio.Event(), asyncio.Semaphore(_MOST_AT_ONCE)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with open_ones:
            await behave(reader, writer)

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = Reply(dialect, *await _request(reader), writer)
            replies.append(reply)
            work = asyncio.ensure_future(behaviours[min(len(replies), len(behaviours)) - 1](reply))
            gone = asyncio.ensure_future(reader.read())
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                hung_up.set()
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
        except asyncio.IncompleteReadError:
            return  # its client was killed before it had asked
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Server(server.sockets[0].getsockname()[1], replies, hung_up)
    for _ in range(_MOST_AT_ONCE):  # until every connection has ended, as its client's has
        await open_ones.acquire()


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], dict[str, Any]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return head[0].split()[1], headers, json.loads(body)


async def heard(model: LanguageModel, prefix: str = "") -> list[str | Finish]:
    return [part async for part in model.stream(PROMPT, prefix=prefix)]


async def answers(reply: Reply) -> None:
    await reply.say("Lag", " is", " time.")
    await reply.end()
