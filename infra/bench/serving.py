"""A server process of a bench: started, waited for, ended."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from infra.ports import LOOPBACK
from infra.up import is_ready

_READY_S = 180.0  # an index of 10,000 chunks with vectors has to be filled first


@asynccontextmanager
async def serving(arguments: Sequence[str], *, port: int, env: Mapping[str, str], first_line: bytes = b"") -> AsyncIterator[Process]:
    """`python -m …` until it is ready on `port`; `first_line` goes to its standard input, which stays open. Raises RuntimeError if it ends."""
    server = await asyncio.create_subprocess_exec(sys.executable, "-P", "-m", *arguments, stdin=asyncio.subprocess.PIPE, env=env)
    assert server.stdin is not None
    server.stdin.write(first_line)
    try:
        async with asyncio.timeout(_READY_S):
            while not await is_ready(f"{LOOPBACK}:{port}"):
                if server.returncode is not None:
                    raise RuntimeError(f"{arguments[0]} ended with {server.returncode} before it was ready.")
                await asyncio.sleep(0.1)
        yield server
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()
