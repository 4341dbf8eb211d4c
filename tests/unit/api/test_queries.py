"""Questions over HTTP: what is written, what is answered, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.codec import decode
from schemas.cursor import CursorSigner
from schemas.errors import LogUnavailable
from schemas.events import Filters, QueryAsked, QueryCancelled
from schemas.session_id import Session
from schemas.topics import QUERIES


def url(session: str) -> str:
    return f"/v1/sessions/{session}/queries"


async def test_a_question_is_one_record_of_queries(api: Any) -> None:
    """QueryAsked goes to `queries`; the session's records are the agents' to write."""
    session = (await api.session())["session_id"]
    reply = await api.client.post(url(session), json={"text": "Why\n\tKafka?"})
    event = decode(api.journal.records(QUERIES)[0])

    assert isinstance(event, QueryAsked)
    assert (reply.status_code, event.query_id, event.text, event.tenant, event.asked_by) == (
        202,
        reply.json()["query_id"],
        "Why\n\tKafka?",
        "default",
        "anonymous",
    )
    assert [entry async for entry in api.log.history(Session("default", session))] == []


async def test_the_reply_says_where_to_go_on(api: Any) -> None:
    """Ids, the cursor of what comes next, and links that work as they are."""
    session = (await api.session())["session_id"]
    asked = (await api.client.post(url(session), json={"text": "Why?"})).json()
    cursor = CursorSigner(b"s").verify(asked["cursor"], tenant="default", session_id=session)
    end = await api.log.end(Session("default", session))

    assert asked["query_id"].startswith("q")
    assert asked["answer_id"] == f"a-{asked['query_id']}"
    assert cursor._replace(open_answers=()) == end
    assert sorted(asked["links"]) == ["answers", "cancel", "events", "feedback", "history", "query_events"]
    assert (await api.client.post(asked["links"]["cancel"])).status_code == 202
    assert (await api.client.get(asked["links"]["history"])).status_code == 200


async def test_the_record_continues_the_callers_trace(api: Any) -> None:
    """The record's traceparent has the trace id of the POST's; without one it has its own."""
    session = (await api.session())["session_id"]
    await api.client.post(url(session), json={"text": "Why?"}, headers={"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"})
    await api.client.post(url(session), json={"text": "Why?"})
    traces = [(record.header("traceparent") or "").split("-") for record in api.journal.records(QUERIES)]

    assert [len(trace) for trace in traces] == [4, 4]
    assert traces[1][1] != "0" * 32


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\n\t\n", "a\x00b", "a\x1bb", "a\rb", "\x7f", "a\x85b", "x" * 101, "\ud800"],
    ids=["empty", "blanks", "only line ends", "NUL", "escape", "carriage return", "delete", "C1", "too long", "half a pair"],
)
async def test_a_question_that_is_none_is_422(run: Any, text: str) -> None:
    """Each is refused with what is wrong, and nothing is written."""
    async with run(max_query_chars=100) as api:
        session = (await api.session())["session_id"]
        body = json.dumps({"text": text})
        reply = await api.client.post(url(session), content=body, headers={"Content-Type": "application/json"})

        assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
        assert reply.json()["remedy"]
        assert api.journal.records(QUERIES) == []


async def test_filters_are_written_with_the_question(api: Any) -> None:
    """Times in UTC with milliseconds, so that they compare with those of chunks as texts."""
    session = (await api.session())["session_id"]
    filters = {"sources": ["docs/*", "wiki"], "tags": ["kafka"], "since": "2026-01-01T01:00:00+01:00", "until": "2026-02-01T00:00:00.1234Z"}
    reply = await api.client.post(url(session), json={"text": "Why?", "filters": filters})
    event = decode(api.journal.records(QUERIES)[0])

    assert reply.status_code == 202
    assert isinstance(event, QueryAsked)
    assert event.filters == Filters(sources=("docs/*", "wiki"), tags=("kafka",), since="2026-01-01T00:00:00.000Z", until="2026-02-01T00:00:00.123Z")


async def test_a_question_inherits_no_filters(api: Any) -> None:
    """Each says its own."""
    session = (await api.session())["session_id"]
    for body in ({"text": "Why?", "filters": {"tags": ["kafka"]}}, {"text": "Why?"}, {"text": "Why?", "filters": {}}):
        await api.client.post(url(session), json=body)

    assert [decode(record).filters.tags for record in api.journal.records(QUERIES)] == [("kafka",), (), ()]


@pytest.mark.parametrize(
    "filters",
    [
        {"since": "yesterday"},
        {"since": "2026-01-01"},
        {"since": "2026-01-01T00:00:00"},
        {"since": 1767225600},
        {"since": "1767225600"},
        {"since": "0001-01-01T00:00:00+23:00"},
        {"until": "9999-12-31T23:59:59-23:00"},
        {"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T01:00:00+01:00"},
        {"sources": [""]},
        {"sources": "docs/*"},
        {"tags": ["a\x00b"]},
        {"tags": ["x" * 101]},
        {"tags": ["x"] * 51},
        {"source": ["docs/*"]},
        None,
    ],
)
async def test_filters_that_mean_nothing_are_422(api: Any, filters: object) -> None:
    """A time without an offset, or a name that is none, must not silently let everything through, or nothing."""
    session = (await api.session())["session_id"]
    reply = await api.client.post(url(session), json={"text": "Why?", "filters": filters})

    assert (reply.status_code, api.journal.records(QUERIES)) == (422, [])


async def test_the_same_key_with_other_filters_is_409(api: Any) -> None:
    """It is another question."""
    session = (await api.session())["session_id"]
    bodies = ({"text": "Why?"}, {"text": "Why?", "filters": {}}, {"text": "Why?", "filters": {"tags": ["kafka"]}})
    replies = [await api.client.post(url(session), json=body, headers={"Idempotency-Key": "k"}) for body in bodies]

    assert [reply.status_code for reply in replies] == [202, 202, 409]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'{"text": "Why?", "extra": 1}', 422), (b'{"text": "\xff"}', 400), (b"{", 422), (b"", 422), (b'{"text": 1}', 422), (b"[]", 422)],
    ids=["unknown field", "not UTF-8", "no JSON", "no body", "number", "list"],
)
async def test_a_body_that_is_none_is_refused(api: Any, body: bytes, status: int) -> None:
    """With a problem that names the place."""
    session = (await api.session())["session_id"]
    reply = await api.client.post(url(session), content=body, headers={"Content-Type": "application/json"})

    assert (reply.status_code, reply.json()["status"]) == (status, status)


@pytest.mark.parametrize("claimed", [True, False], ids=["by its length", "while it is read"])
async def test_a_huge_body_is_413(run: Any, claimed: bool) -> None:
    """Refused at once if it says its length, else as soon as it is too long; as a problem either way."""
    async with run(max_query_chars=10) as api:
        session = (await api.session())["session_id"]

        async def body() -> Any:
            for _ in range(40):
                yield b" " * 65_536

        content = b" " * 40 * 65_536 if claimed else body()
        reply = await api.client.post(url(session), content=content, headers={"Content-Type": "application/json"})

        assert (reply.status_code, reply.json()["type"]) == (413, "urn:roxy:problem:content-too-large")


async def test_the_same_key_is_the_same_question(api: Any) -> None:
    """A repeat is answered as the first time, with the same cursor, and not written again."""
    session = (await api.session())["session_id"]
    replies = [await api.client.post(url(session), json={"text": "Why?"}, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    other = await api.client.post(url(session), json={"text": "Why?"}, headers={"Idempotency-Key": "k2"})

    assert replies[0].json() == replies[1].json()
    assert other.json()["query_id"] != replies[0].json()["query_id"]
    assert [decode(record).idempotency_key for record in api.journal.records(QUERIES)] == ["k1", "k2"]


async def test_the_same_key_is_the_same_query_id_on_every_process(run: Any) -> None:
    """So the agents recognise it, whichever process was asked."""
    async with run() as one, run() as two:
        session = (await one.session())["session_id"]
        ids = [
            (await api.client.post(url(session), json={"text": "Why?"}, headers={"Idempotency-Key": "k"})).json()["query_id"] for api in (one, two)
        ]

    assert ids[0] == ids[1]


async def test_the_same_key_in_another_session_is_another_question(api: Any) -> None:
    """A key holds for its session."""
    sessions = [(await api.session())["session_id"] for _ in range(2)]
    ids = {(await api.client.post(url(session), json={"text": "Why?"}, headers={"Idempotency-Key": "k"})).json()["query_id"] for session in sessions}

    assert len(ids) == 2


async def test_the_same_key_with_another_text_is_409(api: Any) -> None:
    """A mistake of the client's, which must not pass for the first question."""
    session = (await api.session())["session_id"]
    replies = [await api.client.post(url(session), json={"text": text}, headers={"Idempotency-Key": "k"}) for text in ("Why?", "How?")]

    assert (replies[1].status_code, replies[1].json()["type"]) == (409, "urn:roxy:problem:idempotency-conflict")


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "ä"])
async def test_a_key_must_be_visible_ascii(api: Any, key: str) -> None:
    """1 to 200 characters."""
    session = (await api.session())["session_id"]
    reply = await api.client.post(url(session), json={"text": "Why?"}, headers={"Idempotency-Key": key.encode()})

    assert reply.status_code == 422


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_an_answered_repeat_at_another_process_can_read_the_whole_answer(run: Any, answer: Any, placement: str) -> None:
    """There the cursor is the question's in the session, and the links give the answer again, and nothing else."""
    async with run() as one, run() as two:
        session = (await one.session(placement))["session_id"]
        await one.write(session, answer(session, "earlier"))
        headers = {"Idempotency-Key": "k"}
        first = (await one.client.post(url(session), json={"text": "Why?"}, headers=headers)).json()
        await one.write(session, answer(session, first["query_id"]))
        await one.write(session, answer(session, "later"))
        repeat = (await two.client.post(url(session), json={"text": "Why?"}, headers=headers)).json()
        links = [asked["links"]["query_events"] for asked in (first, repeat)]
        polled = [(await two.client.get(link, headers={"Accept": "application/json"})).json() for link in links]
        status = (await two.client.get(links[1])).status_code

    assert status == 200
    assert [record["event"]["id"] for record in polled[1]["records"]] == [event.id for event in answer(session, first["query_id"])]
    assert [record["event"] for record in polled[0]["records"]] == [record["event"] for record in polled[1]["records"]]


async def test_a_repeat_at_another_process_before_the_agents_wrote_anything_reads_from_the_end(run: Any, answer: Any) -> None:
    """What is written from now on is the whole answer."""
    async with run() as one, run() as two:
        session = (await one.session())["session_id"]
        await one.write(session, answer(session, "earlier"))
        asked = [(await api.client.post(url(session), json={"text": "Why?"}, headers={"Idempotency-Key": "k"})).json() for api in (one, two)]
        end = await one.log.end(Session("default", session))
        cursors = [CursorSigner(b"s").verify(reply["cursor"], tenant="default", session_id=session) for reply in asked]

    assert cursors == [end, end]


async def test_cancelling_is_a_record(api: Any) -> None:
    """QueryCancelled on `queries`; each wish is a fact of its own, for another answer may have been asked for in between."""
    session = (await api.session())["session_id"]
    replies = [await api.client.post(f"{url(session)}/q1/cancel") for _ in range(2)]
    events = [decode(record) for record in api.journal.records(QUERIES)]

    assert [reply.status_code for reply in replies] == [202, 202]
    assert [type(event) for event in events] == [QueryCancelled] * 2
    assert events[0].id != events[1].id


async def test_without_kafka_it_is_503(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Retry-After, and a remedy; a key that was not written is not remembered."""
    session = (await api.session())["session_id"]

    async def away(*_: object) -> None:
        raise LogUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(api.journal, "append", away)
        refused = await api.client.post(url(session), json={"text": "Why?"}, headers={"Idempotency-Key": "k"})
    accepted = await api.client.post(url(session), json={"text": "How?"}, headers={"Idempotency-Key": "k"})

    assert (refused.status_code, refused.headers["retry-after"], refused.json()["type"]) == (503, "2", "urn:roxy:problem:log-unavailable")
    assert accepted.status_code == 202
