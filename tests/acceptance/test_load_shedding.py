"""More questions than can be answered: what is taken is answered, what is not is refused at once; and when it is over it is over."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from tests.acceptance.fleet import Api, Fleet

ROOM = 4
SLOW = "scripted:" + orjson.dumps({"tokens": 20, "per_token_s": 0.05}).decode()


async def asked(api: Api, session: str, number: int) -> Any:
    return await api.http.post(f"/v1/sessions/{session}/queries", json={"text": f"What is number {number}?"})


async def until_room(api: Api, session: str) -> dict[str, Any]:
    """Ask until the question is taken, as often as Retry-After allows."""
    while (reply := await asked(api, session, 99)).status_code == 503:
        await asyncio.sleep(min(int(reply.headers["Retry-After"]), 1))
    assert reply.status_code == 202, reply.text
    return dict(reply.json())


async def test_what_is_taken_under_load_is_answered_and_the_rest_is_refused_at_once(fleet: Fleet) -> None:
    """Through Kafka and a worker: as many as there is room for, each answered; then there is room again, for the next ones."""
    await fleet.worker(language_model=SLOW, refusals=False, answer_cache=False)
    api = await fleet.api(max_unanswered=ROOM)
    sessions = [await api.session() for _ in range(3 * ROOM)]
    replies = await asyncio.gather(*(asked(api, session, number) for number, session in enumerate(sessions)))
    taken = [(session, reply.json()) for session, reply in zip(sessions, replies, strict=True) if reply.status_code == 202]
    refused = [reply for reply in replies if reply.status_code == 503]
    ends = await asyncio.gather(*(api.answer(session, accepted) for session, accepted in taken))
    again = await api.answer(sessions[-1], await until_room(api, sessions[-1]))

    assert (ROOM, 2 * ROOM) == (len(taken), len(refused))
    assert {"urn:roxy:problem:overloaded"} == {reply.json()["type"] for reply in refused}
    assert all(int(reply.headers["Retry-After"]) >= 1 for reply in refused)
    assert ["AnswerCompleted"] * (ROOM + 1) == [end["type"] for end in [*ends, again]]


async def test_questions_wait_for_a_worker_that_is_away_as_long_as_there_is_room(fleet: Fleet) -> None:
    """The log keeps them; a worker that comes back answers them, and makes room. Another process has room of its own."""
    one, two = await fleet.api(max_unanswered=ROOM), await fleet.api(max_unanswered=ROOM)
    sessions = [await two.session() for _ in range(ROOM + 1)]
    replies = [await asked(one, session, number) for number, session in enumerate(sessions)]
    other = await asked(two, sessions[-1], ROOM)
    await fleet.worker(language_model=SLOW, refusals=False, answer_cache=False)
    waited = [(session, reply.json()) for session, reply in zip(sessions, [*replies[:-1], other], strict=True)]
    ends = await asyncio.gather(*(two.answer(session, accepted) for session, accepted in waited))
    again = await one.answer(sessions[0], await until_room(one, sessions[0]))

    assert [*[202] * ROOM, 503, 202] == [reply.status_code for reply in [*replies, other]]
    assert ["AnswerCompleted"] * (ROOM + 2) == [end["type"] for end in [*ends, again]]
