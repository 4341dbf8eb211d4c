"""Askers ask in new sessions and in old ones, and read what comes. Some ask for another answer, some change their mind."""

from __future__ import annotations

from schemas.events import answer_id_of
from tests.robustness.history import Frame
from tests.robustness.traffic.arrivals import arrivals
from tests.robustness.traffic.client import Client, Reply
from tests.robustness.traffic.reader import Reader
from tests.robustness.traffic.world import Asked, World

_FOLLOWS = 0.3  # how often a question is asked in a session that has one
_IN_HASTE = 0.15  # how often two are asked at once
_WAYS = (
    "What is told of {word} and {other}?",
    "How long is {word} kept?",
    "Where does {word} come from, and who writes {other}?",
    "What is the difference between {word} and {other}?",
)
_COMMON = (
    "lag",
    "retention",
    "compaction",
    "an offset",
    "a partition",
    "the leader",
    "a consumer group",
    "a replica",
    "back pressure",
    "a dead letter",
)
_ENDS = {"AnswerCompleted": True, "AnswerFailed": False, "AnswerCancelled": False}


async def asks(client: Client, world: World, per_min: float) -> None:
    """Ask, and follow each answer to its end."""
    async for _ in arrivals(client.chance, per_min, world.over):
        world.begin(_asks_once(client, world))


async def asks_again(client: Client, world: World, per_min: float) -> None:
    """Ask for another answer to a question that has one."""
    async for _ in arrivals(client.chance, per_min, world.over):
        if world.answered[client.tenant]:
            world.begin(_asks_again_once(client, world, client.chance.choice(world.answered[client.tenant])))


async def cancels(client: Client, world: World, per_min: float) -> None:
    """Stop an answer that somebody waits for."""
    async for _ in arrivals(client.chance, per_min, world.over):
        if world.under_way[client.tenant]:
            world.begin(_cancels_once(client, client.chance.choice(world.under_way[client.tenant][-3:])))


def question_of(client: Client, world: World) -> str:
    """About a document, or about what none tells of."""
    words = [*[*world.documents[client.tenant].values()][-20:], client.chance.choice(_COMMON)]
    word, other = client.chance.choice(words), client.chance.choice(_COMMON)
    return client.chance.choice(_WAYS).format(word=word, other=other)


async def _asks_once(client: Client, world: World) -> None:
    session = await _session(client, world)
    if session is None:
        return
    await ask(client, world, session, question_of(client, world))
    if client.chance.random() < _IN_HASTE:
        await ask(client, world, session, "And why is that?")


async def _session(client: Client, world: World) -> str | None:
    """One that there is, or a new one."""
    known = world.sessions[client.tenant][-20:]
    if known and client.chance.random() < _FOLLOWS:
        return client.chance.choice(known)
    if session := await client.create_session():
        world.began(client.tenant, session)
    return session


async def ask(client: Client, world: World, session: str, text: str) -> Asked | None:
    """Under a key, until it is known; then somebody reads the answer."""
    key = f"{client.name}-{client.chance.randrange(10**12)}"
    told = {"session": session, "text": text, "key": key}
    reply = await client.insist("ask", "POST", f"/v1/sessions/{session}/queries", told=told, body={"text": text}, key=key)
    return _followed(client, world, session, reply)


async def _asks_again_once(client: Client, world: World, one: Asked) -> None:
    told = {"session": one.session, "query_id": one.query_id}
    path = f"/v1/sessions/{one.session}/queries/{one.query_id}/answers"
    again = {"settings": {}, "look_up_again": client.chance.random() < 0.3}
    _followed(client, world, one.session, await client.do("regenerate", "POST", path, told=told, body=again))


async def _cancels_once(client: Client, one: Asked) -> None:
    told = {"session": one.session, "query_id": one.query_id}
    await client.insist("cancel", "POST", f"/v1/sessions/{one.session}/queries/{one.query_id}/cancel", told=told)


def _followed(client: Client, world: World, session: str, reply: Reply) -> Asked | None:
    if not reply.ok:
        return None
    asked = Asked(session, reply.body["query_id"], reply.body["answer_id"])
    world.asked(client.tenant, asked)
    first = asked.answer_id == answer_id_of(asked.query_id)
    only = {"query": asked.query_id} if first else {"answer": asked.answer_id}
    reader = Reader(client, session, only=only, after=reply.body["cursor"])

    def seen(frame: Frame) -> None:
        if frame.answer == asked.answer_id and frame.type in _ENDS:
            world.ended(client.tenant, asked, answered=_ENDS[frame.type])

    async def follows() -> None:
        await reader.follow(world)
        world.ended(client.tenant, asked, answered=False)  # also where nobody will see an end: the session is forgotten

    reader.seen = seen
    world.begin(follows())
    return asked
