"""Streams: what a reader gets, and how a stream ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schemas.codec import Context
from schemas.events import TokensGenerated
from schemas.session_id import Session


async def test_a_stream_passes_every_record_on_as_it_lies_in_the_log(api: Any, answer: Any) -> None:
    """`data:` is the record's value byte for byte, `event:` its type, in order."""
    session = (await api.session())["session_id"]
    await api.write(session, answer(session))
    written = [entry async for entry in api.log.history(Session("default", session))]

    frames = await api.frames(session, len(written))

    assert [frame.text.encode() for frame in frames] == [entry.record.value for entry in written]
    assert [frame.event for frame in frames] == [entry.marks.type for entry in written]


async def test_the_first_frame_primes_the_cursor_and_names_the_retry(api: Any) -> None:
    """A client that loses the connection before any record has a cursor and knows when to come back."""
    made = await api.session()
    async with api.stream(made["session_id"]) as frames:
        first = await anext(frames)

    assert (first.id, first.event, first.text, first.retry) == (made["cursor"], "", "", "20")


async def test_headers_keep_proxies_from_holding_a_stream_back(api: Any) -> None:
    """nginx and others buffer unless told not to; nobody may store a stream."""
    session = (await api.session())["session_id"]
    async with api.client.stream("GET", api.events_url(session)) as response:
        names = ("content-type", "cache-control", "x-accel-buffering")

        assert [response.headers[name] for name in names] == ["text/event-stream; charset=utf-8", "no-store", "no"]


async def test_live_records_reach_every_reader(api: Any, answer: Any) -> None:
    """What is appended while the stream is open arrives without asking again."""
    session = (await api.session())["session_id"]
    async with api.stream(session) as one, api.stream(session) as two:
        await anext(one), await anext(two)
        await api.write(session, answer(session, tokens=1))
        got = [[(await anext(frames)).event for _ in range(4)] for frames in (one, two)]

    assert got == [["QueryAsked", "GenerationStarted", "TokensGenerated", "AnswerCompleted"]] * 2


async def test_records_of_a_stale_attempt_are_passed_over(api: Any, answer: Any) -> None:
    """Two workers wrote one answer: the reader sees the higher attempt only from where it began, also when it resumes in between."""
    session = (await api.session())["session_id"]
    old, new = answer(session, attempt=1), answer(session, attempt=2)
    await api.write(session, [*old[:4], new[1], old[4], *new[2:], old[-1]])
    seen = [(frame.json["type"], frame.json.get("attempt"), frame.json.get("index")) for frame in await api.all_frames(session, query="q1")]
    halfway = (await api.frames(session, 5))[-1].id
    resumed = await api.frames(session, 1, {"Last-Event-ID": halfway})

    assert seen == [
        ("QueryAsked", None, None),
        ("GenerationStarted", 1, None),
        ("TokensGenerated", 1, 0),
        ("TokensGenerated", 1, 1),
        ("GenerationStarted", 2, None),
        *(("TokensGenerated", 2, index) for index in range(4)),
        ("AnswerCompleted", 2, None),
    ]
    assert resumed[0].json["attempt"] == 2


async def test_a_stream_of_one_query_ends_with_its_answer(api: Any, answer: Any) -> None:
    """Other queries' records are left out; after the terminal record the server closes."""
    session = (await api.session())["session_id"]
    q1, q2 = answer(session, "q1"), answer(session, "q2")
    await api.write(session, [event for pair in zip(q1, q2, strict=True) for event in pair])
    frames = await api.all_frames(session, query="q1")

    assert [frame.json["id"] for frame in frames] == [event.id for event in q1]


async def test_silence_is_filled_with_heartbeats(run: Any) -> None:
    """A comment keeps proxies from cutting a quiet stream; it is no event."""
    async with run(sse_heartbeat_s=0.02) as api:
        session = (await api.session())["session_id"]
        async with api.client.stream("GET", api.events_url(session)) as response:
            lines = response.aiter_lines()
            beats = 0
            while beats < 3:
                beats += (await anext(lines)) == ":"

    assert beats == 3


async def test_an_idle_stream_is_ended_with_a_cursor(run: Any, answer: Any) -> None:
    """Silent for ROXY_SSE_IDLE_S: a `closing` frame says so, and when to come back; the cursor is valid."""
    async with run(sse_idle_s=0.1) as api:
        session = (await api.session())["session_id"]
        await api.write(session, answer(session))
        *records, closing = await api.all_frames(session)

    assert (closing.event, closing.json["reason"], closing.id) == ("closing", "idle", records[-1].id)
    assert 10 <= int(closing.retry) <= 30


async def test_a_draining_server_tells_its_streams(run: Any, answer: Any) -> None:
    """Every stream gets a closing frame with its own cursor, long polls come back, new streams are refused, and the server ends by itself."""
    async with run() as api, run() as other:
        session = (await api.session())["session_id"]
        async with api.stream(session) as frames:
            await anext(frames)
            await api.write(session, answer(session))
            last = [await anext(frames) for _ in range(7)][-1]
            poll = asyncio.create_task(api.client.get(api.events_url(session), params={"wait": 60, "after": last.id}))
            await api.open_streams(2)
            api.server.should_exit = True
            closing = await anext(frames)
            rest = [frame async for frame in frames]
        polled = (await poll).json()
        await api.stopped

        assert (closing.event, closing.json["reason"], closing.id, rest) == ("closing", "shutting-down", last.id, [])
        assert (polled["records"], polled["cursor"]) == ([], last.id)
        await other.write(session, answer(session, "q2"))
        assert (await other.frames(session, 1, {"Last-Event-ID": closing.id}))[0].json["query_id"] == "q2"


async def test_a_slow_reader_is_ended_with_its_last_cursor(run: Any, log: Any, answer: Any) -> None:
    """Its queue is bounded. When it reads on, it gets what was written, then an `error`; from there it misses nothing."""
    slow_log = type(log)(queue_records=50)
    async with run(log=slow_log) as api:
        session = (await api.session())["session_id"]
        big = TokensGenerated(id="t", tenant="default", session_id=session, query_id="q1", answer_id="a-q1", attempt=1, index=0, text="x" * 50_000)
        async with api.stream(session) as frames:
            await api.write(session, [answer(session)[1]])
            assert ["primed", "GenerationStarted"] == [(await anext(frames)).event or "primed" for _ in range(2)]
            for index in range(400):
                await api.write(session, [big.model_copy(update={"index": index})])
                await asyncio.sleep(0)
            seen = [frame async for frame in frames]
        resumed = await api.frames(session, 1, {"Last-Event-ID": seen[-1].id})

        assert (seen[-1].event, seen[-1].json["type"]) == ("error", "urn:roxy:problem:slow-reader")
        assert [frame.json["index"] for frame in seen[:-1]] == list(range(len(seen) - 1))
        assert resumed[0].json["index"] == len(seen) - 1
        assert "roxy_stream_slow_readers_total" in (await api.client.get("/metrics")).text


async def test_a_forgotten_session_ends_its_streams(api: Any) -> None:
    """The reader is told why."""
    session = (await api.session())["session_id"]
    async with api.stream(session) as frames:
        await anext(frames)
        await api.client.delete(f"/v1/sessions/{session}")
        rest = [frame async for frame in frames]

    assert [(frame.event, frame.json["type"]) for frame in rest] == [("error", "urn:roxy:problem:unknown-session")]


async def test_a_client_that_goes_is_counted_out(api: Any) -> None:
    """Disconnecting ends the stream at once, not at the next record; it cancels nothing."""
    session = (await api.session())["session_id"]
    async with api.stream(session) as frames:
        await anext(frames)
        await api.open_streams(1)
    await api.open_streams(0)

    assert api.log._topics[f"session.default.{session}"].readers == []


async def test_streams_are_limited_per_principal(run: Any) -> None:
    """One too many is 429 with Retry-After; the others go on."""
    async with run(sse_max_per_principal=2) as api:
        session = (await api.session())["session_id"]
        async with api.stream(session) as one, api.stream(session) as two:
            await anext(one), await anext(two)
            refused = await api.client.get(api.events_url(session))
        problem = refused.json()

    assert (refused.status_code, refused.headers["retry-after"], problem["type"]) == (429, "2", "urn:roxy:problem:too-many-connections")


@pytest.mark.parametrize("session", ["tnowhere", "x", "l" + "0" * 36])
async def test_an_unknown_session_is_404(api: Any, session: str) -> None:
    """Whatever is wanted of it."""
    base = f"/v1/sessions/{session}"
    replies = [
        await api.client.get(f"{base}/events"),
        await api.client.get(f"{base}/events?after=latest"),
        await api.client.get(f"{base}/events?wait=1"),
        await api.client.get(f"{base}/history"),
        await api.client.post(f"{base}/queries", json={"text": "Why?"}),
        await api.client.post(f"{base}/queries/q1/cancel"),
        await api.client.post(f"{base}/feedback", json={"query_id": "q1", "thumb": "up"}),
    ]

    assert {reply.status_code for reply in replies} == {404}


async def test_long_polling_returns_what_is_there(api: Any, answer: Any) -> None:
    """The same records and cursors as the stream's, as JSON, without waiting."""
    session = (await api.session())["session_id"]
    await api.write(session, answer(session))
    frames = await api.frames(session, 7)
    polled = (await api.client.get(api.events_url(session), headers={"Accept": "application/json"})).json()

    assert [(record["cursor"], record["type"], record["event"]) for record in polled["records"]] == [
        (frame.id, frame.event, frame.json) for frame in frames
    ]
    assert (polled["cursor"], polled["ended"], polled["gap"]) == (frames[-1].id, False, None)


async def test_long_polling_waits_for_the_first_record(api: Any, answer: Any) -> None:
    """A poll at the end comes back with what is appended meanwhile; one of an ended query says so."""
    session = (await api.session())["session_id"]
    poll = asyncio.create_task(api.client.get(api.events_url(session), params={"wait": 30, "query": "q1"}))
    await api.open_streams(1)
    events = answer(session)
    await api.write(session, events)
    polled = (await poll).json()
    after = (await api.client.get(api.events_url(session), params={"wait": 30, "query": "q1", "after": polled["cursor"]})).json()

    assert [record["event"]["id"] for record in polled["records"]] == [event.id for event in events]
    assert (polled["ended"], after["records"], after["ended"]) == (True, [], True)


async def test_long_polling_gives_up_after_its_wait(api: Any) -> None:
    """An empty list and the same cursor."""
    made = await api.session()
    polled = (await api.client.get(api.events_url(made["session_id"]), params={"wait": 0.05, "after": made["cursor"]})).json()

    assert polled == {"records": [], "cursor": made["cursor"], "ended": False, "gap": None}


async def test_a_value_with_a_line_end_is_passed_on_whole(api: Any, answer: Any) -> None:
    """A foreign producer may indent its JSON: it becomes several data lines, and the client joins them."""
    session = (await api.session())["session_id"]
    topic = api.log._topics[f"session.default.{session}"]
    event = answer(session)[1]
    await api.log.append(Session("default", session), [event], Context("/test", ""))
    topic.records[0] = topic.records[0]._replace(value=event.model_dump_json(indent=1).encode())
    frame = (await api.frames(session, 1))[0]

    assert frame.text == event.model_dump_json(indent=1)
