"""Cursors of a stream: where a reader resumes, what it is told of a gap, and which cursors are refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schemas.session_id import Session


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_a_stream_cut_after_any_record_resumes_at_the_next_on_another_process(run: Any, answer: Any, placement: str) -> None:
    """For every k: the first k frames, then the rest by Last-Event-ID at the other process, are exactly the history."""
    async with run() as one, run() as two:
        session = (await one.session(placement))["session_id"]
        await one.write(session, answer(session, tokens=6))
        whole = await one.frames(session, 9)
        for k in range(1, len(whole)):
            head = await one.frames(session, k)
            tail = await two.frames(session, len(whole) - k, {"Last-Event-ID": head[-1].id})

            assert head + tail == whole


async def test_the_header_wins_over_the_query_parameter(api: Any, answer: Any) -> None:
    """An EventSource reconnects to its first URL, ?after= included, and adds Last-Event-ID."""
    made = await api.session()
    session = made["session_id"]
    await api.write(session, answer(session))
    frames = await api.frames(session, 3)
    resumed = await api.frames(session, 1, {"Last-Event-ID": frames[1].id}, after=made["cursor"])

    assert resumed == [frames[2]]


async def test_after_latest_leaves_out_what_is_there(api: Any, answer: Any) -> None:
    """`?after=latest` begins at the end."""
    session = (await api.session())["session_id"]
    await api.write(session, answer(session, "q1"))
    async with api.stream(session, after="latest") as frames:
        await anext(frames)
        await api.write(session, answer(session, "q2"))
        first = await anext(frames)

    assert first.json["query_id"] == "q2"


async def test_coming_back_to_an_ended_query_gives_204(api: Any, answer: Any) -> None:
    """204 is what makes an EventSource stop: for the last cursor, for `latest`, and for a cursor of another query's stream."""
    session = (await api.session())["session_id"]
    await api.write(session, [*answer(session, "q1"), *answer(session, "q2"), *answer(session, "q3"), *answer(session, "q4")])
    last = (await api.all_frames(session, query="q1"))[-1].id
    far = (await api.all_frames(session, query="q4"))[-1].id
    url = api.events_url(session)
    replies = [
        await api.client.get(url, params={"query": "q1"}, headers={"Last-Event-ID": last}),
        await api.client.get(url, params={"query": "q1", "after": "latest"}),
        await api.client.get(url, params={"query": "q1", "after": far}),
    ]

    assert [(reply.status_code, reply.content) for reply in replies] == [(204, b"")] * 3


async def test_a_question_that_comes_once_more_behind_its_end_is_over_all_the_same(api: Any, answer: Any) -> None:
    """Whoever begins in between is shown it, for they have not seen the first one; their cursor does not make the answer one that is to come."""
    session = (await api.session())["session_id"]
    await api.write(session, answer(session, "q1"))
    reading = asyncio.create_task(api.frames(session, 2, after="latest"))
    await api.open_streams(1)
    await api.write(session, [answer(session, "q1")[0], *answer(session, "q2")])
    again, _ = await reading
    reply = await api.client.get(api.events_url(session), params={"query": "q1"}, headers={"Last-Event-ID": again.id})

    assert (again.event, again.json["query_id"]) == ("QueryAsked", "q1")
    assert reply.status_code == 204


async def test_the_cursor_of_a_post_shows_the_whole_answer(api: Any, answer: Any) -> None:
    """Nothing falls between POST and GET, and the cursor is no reason to believe that the answer is over."""
    session = (await api.session())["session_id"]
    await api.write(session, answer(session, "q1"))
    asked = (await api.client.post(f"/v1/sessions/{session}/queries", json={"text": "And then?"})).json()
    events = answer(session, asked["query_id"], attempt=0)
    await api.write(session, events)
    reply = await api.client.get(asked["links"]["query_events"])

    assert [line.split(":", 1)[1].strip() for line in reply.text.splitlines() if line.startswith("event")] == [event.type for event in events]


async def test_a_gap_is_told(api: Any, answer: Any) -> None:
    """A cursor into records that retention has cut gives a `gap` event with where it goes on; never a silent jump."""
    made = await api.session()
    session = made["session_id"]
    await api.write(session, answer(session))
    cursor = (await api.frames(session, 2))[1].id
    api.log.expire(Session("default", session), 4)
    gap, following = await api.frames(session, 2, {"Last-Event-ID": cursor})
    again = await api.frames(session, 1, {"Last-Event-ID": gap.id})

    assert (gap.event, gap.json["requested"], gap.json["resumes"], gap.json["reason"]) == ("gap", cursor, gap.id, "expired")
    assert following.json["index"] == 2
    assert again == [following]


@pytest.mark.parametrize("query", ["q2", "q1"])
async def test_a_session_made_again_is_a_gap(api: Any, answer: Any, query: str) -> None:
    """A cursor of a topic that was deleted and made again under its name is noticed by its epoch. A question of the same id counts anew."""
    session = (await api.session())["session_id"]
    await api.write(session, answer(session))
    cursor = (await api.frames(session, 2))[1].id
    await api.client.delete(f"/v1/sessions/{session}")
    await api.log.create(Session("default", session))
    await api.write(session, answer(session, query))
    gap, following = await api.frames(session, 2, {"Last-Event-ID": cursor})

    assert (gap.event, gap.json["reason"]) == ("gap", "recreated")
    assert (following.event, following.json["query_id"]) == ("QueryAsked", query)


@pytest.mark.parametrize(("cursor", "status"), [("nonsense", 400), ("é", 400), ("AAAA", 400)])
async def test_a_malformed_cursor_is_400(api: Any, cursor: str, status: int) -> None:
    """Before the first byte an error is an HTTP status."""
    session = (await api.session())["session_id"]
    reply = await api.client.get(api.events_url(session), params={"after": cursor})

    assert (reply.status_code, reply.json()["type"]) == (status, "urn:roxy:problem:malformed-cursor")


async def test_a_cursor_of_another_session_is_403(api: Any) -> None:
    """Cursors are signed for one session of one tenant."""
    one, two = await api.session(), await api.session()
    reply = await api.client.get(api.events_url(one["session_id"]), headers={"Last-Event-ID": two["cursor"]})

    assert (reply.status_code, reply.json()["type"]) == (403, "urn:roxy:problem:foreign-cursor")
