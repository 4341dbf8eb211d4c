"""A reader comes back at any record, on any API process, and has lost and doubled nothing."""

from __future__ import annotations

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from connectors.kafka.client import client_options
from schemas.topics import session_topic
from tests.acceptance.conftest import Running
from tests.acceptance.fleet import Frame

QUESTION = "How does Roxy answer a question after its worker was killed?"


async def answered(running: Running, placement: str) -> tuple[str, list[Frame]]:
    """A session with one answer, and its history."""
    session = await running.one.session(placement)
    await running.one.answer(session, await running.one.ask(session, QUESTION))
    return session, await running.one.history(session)


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_a_cut_after_every_k_th_record_loses_and_doubles_nothing(running: Running, placement: str) -> None:
    """For every k of the answer's length: connections of k records each, on the two API processes in turn, together give the history."""
    session, history = await answered(running, placement)
    apis = (running.one, running.two)

    for k in range(1, len(history) + 1):
        received: list[Frame] = []
        while len(received) < len(history):
            after = received[-1].cursor if received else None
            most = min(k, len(history) - len(received))
            received += await apis[len(received) // k % 2].frames(session, after=after, most=most)

        assert [frame.id for frame in history] == [frame.id for frame in received], f"k = {k}"
        assert [frame.cursor for frame in history] == [frame.cursor for frame in received], f"k = {k}"


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_a_cut_while_the_answer_is_made_loses_and_doubles_nothing(running: Running, placement: str) -> None:
    """The same, live: each connection takes three records and is cut, while the worker writes on."""
    session = await running.one.session(placement)
    accepted = await running.one.ask(session, QUESTION)
    received: list[Frame] = []
    apis = (running.one, running.two)
    while not received or received[-1].type != "AnswerCompleted":
        after = received[-1].cursor if received else accepted["cursor"]
        received += await apis[len(received) % 2].frames(session, after=after, query=accepted["query_id"], most=3)

    assert [frame.id for frame in await running.one.history(session)] == [frame.id for frame in received]


async def test_a_finished_querys_stream_answers_a_reconnect_with_204(running: Running) -> None:
    """So that an EventSource stops."""
    session, history = await answered(running, "topic")
    query = history[0].event["query_id"]

    response = await running.two.http.get(
        f"/v1/sessions/{session}/events", params={"query": query}, headers={"Last-Event-ID": history[-1].cursor, "Accept": "text/event-stream"}
    )

    assert 204 == response.status_code


async def test_a_cursor_of_another_session_is_refused(running: Running) -> None:
    """403, with a remedy; a session of another tenant is not there at all."""
    _, history = await answered(running, "topic")
    other = await running.one.session()

    response = await running.two.http.get(f"/v1/sessions/{other}/events", headers={"Last-Event-ID": history[0].cursor})

    assert (403, "application/problem+json") == (response.status_code, response.headers["content-type"])
    assert "urn:roxy:problem:foreign-cursor" == response.json()["type"]
    assert response.json()["remedy"]


async def test_a_cursor_into_expired_records_yields_a_gap(running: Running) -> None:
    """The gap says where it goes on; the kept records follow."""
    session, history = await answered(running, "topic")
    partition = TopicPartition(session_topic("default", session), 0)
    admin = AIOKafkaAdminClient(**client_options(running.settings))
    await admin.start()
    try:
        await admin.delete_records({partition: RecordsToDelete(5)})
    finally:
        await admin.close()

    frames = await running.two.frames(session, after=history[1].cursor, most=1 + len(history) - 5)

    assert ("gap", "expired") == (frames[0].type, frames[0].event["reason"])
    assert [frame.id for frame in history[5:]] == [frame.id for frame in frames[1:]]


async def test_a_cursor_into_a_topic_made_again_yields_a_gap(running: Running) -> None:
    """The old records are another topic's, whatever their offsets."""
    session, history = await answered(running, "topic")
    assert 204 == (await running.one.http.delete(f"/v1/sessions/{session}")).status_code
    from connectors.session_log import open_session_log
    from schemas.session_id import Session

    async with open_session_log(running.settings) as session_log:
        await session_log.create(Session("default", session))

    frames = await running.two.frames(session, after=history[3].cursor, most=1)

    assert ("gap", "recreated") == (frames[0].type, frames[0].event["reason"])
