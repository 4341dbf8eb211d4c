"""The rest of the surface: sessions, history, problems, health, metrics."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from schemas.codec import Context
from schemas.errors import LogUnavailable
from schemas.events import TokensGenerated
from schemas.session_id import Session


@pytest.mark.parametrize(("placement", "letter"), [("topic", "t"), ("lane", "l")])
async def test_a_session_is_made_where_it_was_wanted(api: Any, placement: str, letter: str) -> None:
    """Its id says where; its place is there at once."""
    made = await api.session(placement)

    assert (made["session_id"][0], made["placement"], made["tenant"]) == (letter, placement, "default")
    assert await api.log.exists(Session("default", made["session_id"]))


async def test_without_a_body_the_setting_decides(run: Any) -> None:
    """Of new sessions only."""
    async with run(session_placement="lane") as api:
        assert (await api.client.post("/v1/sessions")).json()["placement"] == "lane"


async def test_forgetting_may_be_repeated(api: Any) -> None:
    """204 both times, and then the session is gone."""
    session = (await api.session())["session_id"]
    replies = [await api.client.delete(f"/v1/sessions/{session}") for _ in range(2)]

    assert [reply.status_code for reply in replies] == [204, 204]
    assert (await api.client.get(f"/v1/sessions/{session}/history")).status_code == 404


async def test_history_comes_in_pages(api: Any, answer: Any) -> None:
    """Each page goes on at the cursor of the one before; together they are the whole."""
    session = (await api.session("lane"))["session_id"]
    events = answer(session)
    await api.write(session, events)
    pages, cursor = [], None
    while not pages or pages[-1]["more"]:
        params = {"limit": 3, **({"after": cursor} if cursor else {})}
        pages.append((await api.client.get(f"/v1/sessions/{session}/history", params=params)).json())
        cursor = pages[-1]["cursor"]

    assert [len(page["records"]) for page in pages] == [3, 3, 1]
    assert [record["event"]["id"] for page in pages for record in page["records"]] == [event.id for event in events]


async def test_history_drops_what_a_stream_drops(api: Any, answer: Any) -> None:
    """One filter for all ways of reading."""
    session = (await api.session())["session_id"]
    await api.write(session, [*answer(session), *answer(session)])
    page = (await api.client.get(f"/v1/sessions/{session}/history")).json()

    assert [record["type"] for record in page["records"]].count("TokensGenerated") == 4


async def test_a_sessions_usage_is_what_its_answers_took(api: Any, answer: Any) -> None:
    """By model; what is written twice counts once."""
    session = (await api.session())["session_id"]
    await api.write(session, [*answer(session), *answer(session)])
    found = (await api.client.get(f"/v1/sessions/{session}/usage")).json()

    assert [("scripted", 1)] == [(model["model"], model["answers"]) for model in found["models"]]


async def test_a_value_that_is_no_json_does_not_spoil_a_page(api: Any, answer: Any) -> None:
    """It is null; the others are there."""
    session = (await api.session())["session_id"]
    event = TokensGenerated(id="t", tenant="default", session_id=session, query_id="q1", answer_id="a-q1", attempt=1, index=0, text="x")
    await api.log.append(Session("default", session), [answer(session)[1], event, event.model_copy(update={"index": 1})], Context("/test", ""))
    topic = api.log._topics[f"session.default.{session}"]
    topic.records[1] = topic.records[1]._replace(value=b'\xff{"')
    page = (await api.client.get(f"/v1/sessions/{session}/history")).json()

    assert [record["event"] and record["event"]["index"] for record in page["records"][1:]] == [None, 1]


async def test_every_problem_has_the_same_form(api: Any) -> None:
    """RFC 9457 with a remedy, also for what the framework refuses."""
    replies = [
        await api.client.get("/nowhere"),
        await api.client.put("/v1/sessions"),
        await api.client.post("/v1/sessions", json={"placement": "moon"}),
        await api.client.get("/v1/sessions/tno/history?limit=0"),
        await api.client.get("/v1/sessions/tno/history"),
    ]

    assert [reply.status_code for reply in replies] == [404, 405, 422, 422, 404]
    assert {reply.headers["content-type"] for reply in replies} == {"application/problem+json"}
    assert all(set(reply.json()) >= {"type", "title", "status", "detail", "remedy", "instance"} for reply in replies)
    assert replies[1].headers["allow"] == "POST"
    assert replies[2].json()["errors"] == [{"where": "body.placement", "problem": "Input should be 'topic' or 'lane'"}]


async def test_an_unforeseen_error_says_nothing_of_its_inside(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 with the trace to look for; the text of the error is in the log only."""

    async def broken(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(api.log, "create", broken)
    with capture_logs() as lines:
        reply = await api.client.post("/v1/sessions")

    assert [line["event"] for line in lines] == ["unforeseen_error", "request"]
    assert (reply.status_code, reply.json()["type"], "secret" in reply.text) == (500, "urn:roxy:problem:internal-server-error", False)


async def test_live_and_ready_are_told_apart(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Kafka the process lives, but is not ready."""
    before = await api.client.get("/health/ready")

    async def away(*_: object) -> None:
        raise LogUnavailable

    monkeypatch.setattr(api.journal, "ends", away)
    monkeypatch.setattr("api.health.ASK_AGAIN_S", 0)
    statuses = [(await api.client.get(f"/health/{which}")).status_code for which in ("live", "ready")]

    assert (before.status_code, statuses) == (200, [200, 503])


async def test_metrics_count_what_happened(api: Any, answer: Any) -> None:
    """By tenant and route; and what the process uses."""
    session = (await api.session())["session_id"]
    await api.write(session, answer(session))
    frames = await api.frames(session, 7)
    await api.frames(session, 1, {"Last-Event-ID": frames[2].id})
    text = (await api.client.get("/metrics")).text

    assert 'roxy_stream_records_total{tenant="default"} 11.0' in text
    assert 'roxy_stream_resumes_total{tenant="default"} 1.0' in text
    assert 'roxy_http_requests_total{method="POST",route="/v1/sessions",status="201"} 1.0' in text
    assert "process_resident_memory_bytes" in text
