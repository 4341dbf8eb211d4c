"""Findings: what those say at the end who fold the log: the index by its answers, insights, an export, the pairs of a replay."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import httpx2
import orjson

from connectors.journal import open_journal
from schemas.settings import Settings
from schemas.topics import PREFERENCES
from streams.preferences.replay import bounds_now, replayed_pairs
from tests.acceptance.roxy_command import roxy
from tests.robustness.history import Found, Search
from tests.robustness.traffic.asking import ask
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.world import Asked, World

_WORDS = 24  # of a tenant, that are looked up at least, if there are so many
_TWICE = 2  # in two sessions, so that most likely both workers' indexes are asked


async def search(client: Client, world: World) -> list[tuple[str, Asked | None]]:
    """Ask for each word, as anybody would; the answers are read as any are. None: nobody took the question."""
    chosen = words_to_look_up(client.chance, world, client.tenant) * _TWICE
    asked = await asyncio.gather(*(_search_one(client, world, word) for word in chosen))
    return [*zip(chosen, asked, strict=True)]


def words_to_look_up(chance: random.Random, world: World, tenant: str) -> list[str]:
    """Of each document the last that was acknowledged, and some of the others, which were replaced or of which nobody knows what became."""
    last = [*world.acknowledged[tenant].values()]
    others = [word for word in world.words[tenant] if word not in last]
    return [*last, *chance.sample(others, min(max(_WORDS - len(last), 0), len(others)))]


async def searched(client: Client, asked: list[tuple[str, Asked | None]]) -> list[Search]:
    """What was found for each, by the sessions' records."""
    return [Search(client.tenant, word, await _found(client, word, one) if one is not None else None) for word, one in asked]


async def folded(settings: Settings, folder: Path) -> Found:
    """What commands and replays make of the log."""
    insights = await asyncio.to_thread(roxy, settings, "insights", "--since", "all", "--json")
    export = ("export", "kto", "--out", str(folder), "--any-context", "--no-deduplicate", "--json")
    exported = await asyncio.to_thread(roxy, settings, *export)
    for ran in (insights, exported):
        if ran.exit_code:
            raise RuntimeError(ran.stderr)
    async with open_journal(settings) as journal:
        pairs = await replayed_pairs(journal, await bounds_now(journal), implicit_weight=settings.implicit_weight)
    replayed = {PREFERENCES.name: {pair_id: pair.model_dump(mode="json") for pair_id, pair in pairs.items()}}
    return Found(insights=tuple(insights.json["rows"]), exported=tuple(_rows(folder)), replayed=replayed)


async def _search_one(client: Client, world: World, word: str) -> Asked | None:
    session = await client.create_session()
    return await ask(client, world, session, f"What is told of {word}?") if session else None


async def _found(client: Client, word: str, one: Asked) -> tuple[str, ...] | None:
    """None: there is no whole answer."""
    async for _ in client.tries():
        try:
            page = await client.http.get(f"{client.address}/v1/sessions/{one.session}/history", params={"limit": 1_000})
        except httpx2.TransportError:
            continue
        if page.is_success:
            records = page.json()["records"]
            if all(record["type"] != "AnswerCompleted" for record in records):
                return None
            chunks = [c for record in records if record["type"] == "ChunksRetrieved" for c in record["event"]["chunks"]]
            return tuple(sorted({str(chunk["document_id"]) for chunk in chunks if word in chunk["text"]}))
    return None


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for file in sorted(folder.rglob("*.jsonl")) for line in file.read_bytes().splitlines()]
