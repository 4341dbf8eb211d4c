"""Submitters write new versions of documents, and take some away. Each version has a word that no other has."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

from tests.robustness.traffic.arrivals import arrivals
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.world import World

_DOCUMENTS, _AT_FIRST = 12, 4
_DELETES = 0.2
_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo", "zu")


async def submits(client: Client, world: World, per_min: float) -> None:
    """One document at a time is written by one only, so that of two versions it is known which is the later."""
    turns = defaultdict[str, asyncio.Lock](asyncio.Lock)
    for number in range(_AT_FIRST):
        world.begin(_submits_once(client, world, f"{client.name}-{number}", turns))
    async for _ in arrivals(client.chance, per_min, world.over):
        document = f"{client.name}-{client.chance.randrange(_DOCUMENTS)}"
        if document in world.documents[client.tenant] and client.chance.random() < _DELETES:
            world.begin(_deletes_once(client, world, document, turns))
        else:
            world.begin(_submits_once(client, world, document, turns))


async def _submits_once(client: Client, world: World, document: str, turns: defaultdict[str, asyncio.Lock]) -> None:
    async with turns[document]:
        word = f"{_name(client.chance)}{client.chance.randrange(10**9)}"
        world.words[client.tenant].append(word)
        body = {"document_id": document, "title": f"Page {document}", "source": f"{document}.md", "text": text_of(word, client.chance)}
        reply = await client.do("ingest", "POST", "/v1/documents", told={"document_id": document, "word": word}, body=body)
        if reply.ok:
            world.documents[client.tenant][document] = world.acknowledged[client.tenant][document] = word


async def _deletes_once(client: Client, world: World, document: str, turns: defaultdict[str, asyncio.Lock]) -> None:
    async with turns[document]:
        world.documents[client.tenant].pop(document, None)
        await client.do("delete", "DELETE", f"/v1/documents/{document}", told={"document_id": document})


def text_of(word: str, chance: random.Random) -> str:
    """A page like no other: two that are nearly the same count as one."""
    sentences = [f"{_name(chance).capitalize()} {_name(chance)} {_name(chance)} the {_name(chance)} of {_name(chance)}." for _ in range(12)]
    sentences.insert(chance.randrange(12), f"All of it is told of {word}, which is kept for {chance.randrange(2, 99)} days.")
    return f"# On {word}\n\n{' '.join(sentences)}\n"


def _name(chance: random.Random) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(4))
