"""Presence: who reads which session is told, where it is asked for, whatever door the reader came through."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from api.presence import Presence
from connectors.journal.memory import MemoryJournal
from schemas.codec import Context, decode
from schemas.errors import LogUnavailable
from schemas.events import Event, SessionRead
from schemas.record import Position
from schemas.session_id import Session
from schemas.topics import READERS
from tests.scripted_worker import working
from tests.unit.api.conftest import until

ONE, TWO = Session("default", "t1"), Session("acme", "t2")


def told(journal: MemoryJournal) -> list[tuple[str, str, int]]:
    events = [decode(record) for record in journal.records(READERS)]
    return [(event.tenant, event.session_id, event.readers) for event in events if isinstance(event, SessionRead)]


async def test_a_sessions_first_reader_is_told_of_at_once(journal: MemoryJournal) -> None:
    """Once, however many come and go in the same quarter."""
    presence = Presence(journal, 3_600)
    async with presence.told():
        with presence.reading(ONE), presence.reading(ONE):
            await until(lambda: bool(told(journal)))
        with presence.reading(ONE), presence.reading(TWO):
            await until(lambda: len(told(journal)) == 2)

    assert [("default", "t1", 2), ("acme", "t2", 1)] == told(journal)


async def test_a_reader_that_has_gone_before_it_could_be_told_of_is_told_of(journal: MemoryJournal) -> None:
    """A long poll that is answered at once is a reader too."""
    presence = Presence(journal, 3_600)
    with presence.reading(ONE):
        pass
    async with presence.told():
        await until(lambda: bool(told(journal)))

    assert [("default", "t1", 1)] == told(journal)


async def test_who_stays_is_told_of_again_and_again_and_who_has_gone_is_not(journal: MemoryJournal) -> None:
    """Every quarter."""
    presence = Presence(journal, 0.04)
    async with presence.told():
        with presence.reading(TWO):
            with presence.reading(ONE):
                await until(lambda: told(journal).count(("default", "t1", 1)) >= 3)
            await until(lambda: told(journal)[-2:] == [("acme", "t2", 1)] * 2)
            before = len(told(journal))
            await until(lambda: len(told(journal)) > before + 3)

    assert {("acme", "t2", 1)} == set(told(journal)[before:])


async def test_while_the_log_is_away_nothing_is_told_and_then_it_is(journal: MemoryJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on."""
    away, append_all = [True], journal.append_all

    async def sometimes(events: Sequence[Event], context: Context) -> list[Position]:
        if away.pop() if away else False:
            raise LogUnavailable
        return await append_all(events, context)

    monkeypatch.setattr(journal, "append_all", sometimes)
    presence = Presence(journal, 0.04)
    async with presence.told():
        with presence.reading(ONE):
            await until(lambda: bool(told(journal)))

    assert [] == away


async def test_nothing_is_told_unless_it_is_asked_for(api: Any) -> None:
    """The default."""
    session = (await api.session())["session_id"]
    async with api.stream(session) as frames:
        await anext(frames)
        await asyncio.sleep(0.05)

    assert [] == told(api.journal)


@pytest.mark.parametrize(
    "door", ["stream", "long poll", "poll", "chat completion", "chat completion as a stream", "response", "response looked at", "chat of a page"]
)
async def test_every_door_counts(run: Any, door: str) -> None:
    """Whatever protocol a reader speaks, its session is told of."""
    async with run(unread_cancel_min=60) as api, working(api.journal, api.log):
        await reader_at(api, door)
        await until(lambda: bool(told(api.journal)))

    assert [1] == [readers for _, _, readers in told(api.journal)]


async def reader_at(api: Any, door: str) -> None:
    asked = {"model": "roxy", "messages": [{"role": "user", "content": "Why?"}]}
    match door:
        case "stream":
            async with api.stream((await api.session())["session_id"]) as frames:
                await anext(frames)
        case "long poll":
            session = (await api.session())["session_id"]
            await api.client.get(api.events_url(session), params={"wait": 0.01}, headers={"Accept": "application/json"})
        case "poll":
            session = (await api.session())["session_id"]
            await api.client.get(api.events_url(session), headers={"Accept": "application/json"})
        case "chat completion":
            await api.client.post("/v1/chat/completions", json=asked)
        case "chat completion as a stream":
            await api.client.post("/v1/chat/completions", json={**asked, "stream": True})
        case "response":
            await api.client.post("/v1/responses", json={"model": "roxy", "input": "Why?"})
        case "response looked at":
            made = await api.client.post("/v1/responses", json={"model": "roxy", "input": "Why?", "background": True})
            await api.client.get(f"/v1/responses/{made.json()['id']}")
        case "chat of a page":
            part = {"type": "text", "text": "Why?"}
            await api.client.post("/api/chat", json={"id": "c1", "messages": [{"id": "m1", "role": "user", "parts": [part]}]})
