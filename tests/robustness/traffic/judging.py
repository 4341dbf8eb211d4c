"""Raters judge answers that somebody has seen, change their mind, and take back what they said."""

from __future__ import annotations

from typing import Any

from tests.robustness.traffic.arrivals import arrivals
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.world import Asked, World

_CHANGES, _TAKES_BACK = 0.15, 0.2


async def judges(client: Client, world: World, per_min: float) -> None:
    """An answer each time."""
    async for _ in arrivals(client.chance, per_min, world.over):
        if world.answered[client.tenant]:
            world.begin(_judges_once(client, client.chance.choice(world.answered[client.tenant])))


async def _judges_once(client: Client, one: Asked) -> None:
    chance = client.chance
    feedback_id = f"f-{client.name}-{chance.randrange(10**12)}"
    await _says(client, one, feedback_id, _words(client))
    if chance.random() < _CHANGES:
        await _says(client, one, feedback_id, _words(client))
    if chance.random() < _TAKES_BACK:
        told = {"session": one.session, "feedback_id": feedback_id, "given_by": client.subject}
        await client.insist("retract", "DELETE", f"/v1/sessions/{one.session}/feedback/{feedback_id}", told=told)


async def _says(client: Client, one: Asked, feedback_id: str, words: dict[str, Any]) -> None:
    body = {"query_id": one.query_id, "answer_id": one.answer_id, "feedback_id": feedback_id, **words}
    told = {"session": one.session, "given_by": client.subject, **body}
    await client.insist("feedback", "POST", f"/v1/sessions/{one.session}/feedback", told=told, body=body)


def _words(client: Client) -> dict[str, Any]:
    chance = client.chance
    ways: list[dict[str, Any]] = [
        {"thumb": chance.choice(("up", "down"))},
        {"stars": chance.randint(1, 5)},
        {"thumb": "down", "comment": f"It says nothing of case {chance.randrange(1_000)}."},
        {"correction": f"It is kept for {chance.randrange(1_000)} days."},
    ]
    return chance.choice(ways)
