"""Client: calls the API through whichever address answers, and writes down all that it did and was told."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import httpx2

from tests.robustness.history import Kind
from tests.robustness.recorder import Recorder
from tests.robustness.system import key_of

PATIENCE_S = 60.0  #: for what may be asked for again
_ANSWER_S, _CONNECT_S = 8.0, 2.0
_PAUSE_S = (0.1, 0.6)  # before it goes on at another address, the first time
_LONGEST_PAUSE_S = 3.0


class Reply(NamedTuple):
    """What became of an operation. `status` None: the connection broke."""

    status: int | None
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        return self.status is not None and self.status < 300

    @property
    def known(self) -> bool:
        """It was done, or will not be: there is no sense in asking again."""
        return self.status is not None and self.status < 500 and self.status != 429


class Client:
    """Somebody, of one tenant. Its chance is its own, and comes of the run's seed and its name."""

    def __init__(self, name: str, tenant: str, *, addresses: list[str], recorder: Recorder, seed: int) -> None:
        self.name, self.tenant = name, tenant
        self.subject = f"{tenant}-{name.rsplit('-', 1)[-1]}"
        self.chance = random.Random(f"{seed}/{name}")
        self.record = recorder.client(name)
        self.addresses = self.chance.sample(addresses, len(addresses))
        headers = {"Authorization": f"Bearer {key_of(self.subject)}"}
        self.http = httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(_ANSWER_S, connect=_CONNECT_S), trust_env=False)

    async def close(self) -> None:
        await self.http.aclose()

    @property
    def address(self) -> str:
        return self.addresses[0]

    def move(self) -> None:
        """To the next address."""
        self.addresses = [*self.addresses[1:], self.addresses[0]]

    async def pause(self) -> None:
        await asyncio.sleep(self.chance.uniform(*_PAUSE_S))

    async def do(self, kind: Kind, method: str, path: str, *, told: Mapping[str, Any], body: Any = None, key: str | None = None) -> Reply:
        """Once."""
        headers = {"Idempotency-Key": key} if key else {}
        try:
            with self.record.doing(kind, tenant=self.tenant, **told) as doing:
                response = await self.http.request(method, self.address + path, json=body, headers=headers)
                reply = Reply(response.status_code, _json(response))
                doing.answered(response.status_code, reply.body)
                return reply
        except httpx2.TransportError:
            return Reply(None, {})

    async def insist(self, kind: Kind, method: str, path: str, *, told: Mapping[str, Any], body: Any = None, key: str | None = None) -> Reply:
        """Until it is known what became of it, here or at another address. For what may be asked for twice."""
        reply = Reply(None, {})
        async for _ in self.tries():
            reply = await self.do(kind, method, path, told=told, body=body, key=key)
            if reply.known:
                break
        return reply

    async def tries(self) -> AsyncIterator[None]:
        """Each at the next address, until the patience is at its end."""
        until, longest = time.monotonic() + PATIENCE_S, _PAUSE_S[1]
        while time.monotonic() < until:
            yield
            self.move()
            await asyncio.sleep(self.chance.uniform(_PAUSE_S[0], longest))
            longest = min(longest * 2, _LONGEST_PAUSE_S)

    async def create_session(self) -> str | None:
        """Where it lies is chance."""
        placement = self.chance.choice(("topic", "lane"))
        async for _ in self.tries():
            try:
                response = await self.http.post(f"{self.address}/v1/sessions", json={"placement": placement})
            except httpx2.TransportError:
                continue
            if response.is_success:
                return str(response.json()["session_id"])
        return None


def _json(response: httpx2.Response) -> dict[str, Any]:
    return dict(response.json()) if "json" in response.headers.get("content-type", "") else {}
