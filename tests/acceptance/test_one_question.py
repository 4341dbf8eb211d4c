"""One question through real processes and a real Kafka, seen from the outside."""

from __future__ import annotations

import re

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from connectors.kafka.client import client_options
from schemas.settings import Settings
from schemas.topics import session_topic
from tests.acceptance.conftest import Running
from tests.acceptance.fleet import words_of

TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


async def records_of(settings: Settings, topic: str) -> list:
    """All records of a topic with one partition, by a consumer that knows nothing of Roxy."""
    consumer = AIOKafkaConsumer(enable_auto_commit=False, **client_options(settings))
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        records = []
        while len(records) < end:
            for batch in (await consumer.getmany(timeout_ms=5_000)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


async def test_the_sessions_topic_holds_the_whole_question_in_order(running: Running) -> None:
    """QueryAsked, ChunksRetrieved, GenerationStarted, TokensGenerated…, AnswerCompleted; each with every header of the binding."""
    session = await running.one.session()
    accepted = await running.one.ask(session, "What does the committed offset of a consumer group mean?")
    await running.one.answer(session, accepted)

    records = await records_of(running.settings, session_topic("default", session))

    kinds = [dict(record.headers)["ce_type"].decode() for record in records]
    tokens = len(kinds) - 4
    assert ["QueryAsked", "ChunksRetrieved", "GenerationStarted", *["TokensGenerated"] * tokens, "AnswerCompleted"] == kinds
    assert tokens > 1
    for record in records:
        headers = {name: value.decode() for name, value in record.headers}
        event = from_binary(KafkaMessage(dict(record.headers), record.key, record.value), JSONFormat(), CloudEvent)
        assert session == event.get_subject() == record.key.decode()
        assert TRACEPARENT.fullmatch(headers["traceparent"])
        assert ("default", accepted["query_id"]) == (headers["tenant"], headers["correlation"])
        assert re.fullmatch(r"(queries|retrievals)\[\d+\]@\d+", headers["causation"])
        assert "application/json" == headers["content-type"]
    assert 1 == len({dict(record.headers)["traceparent"][3:35] for record in records}), "one trace from end to end"


async def test_the_answer_is_cited_and_its_tokens_are_its_text(running: Running) -> None:
    """Tokens joined are the text of AnswerCompleted; each citation is of a chunk that was retrieved."""
    session = await running.one.session()
    accepted = await running.one.ask(session, "How does the session log let a client resume a stream?")

    frames = await running.one.frames(session, after=accepted["cursor"], query=accepted["query_id"])

    end = frames[-1].event
    found = next(frame.event for frame in frames if frame.type == "ChunksRetrieved")
    assert "AnswerCompleted" == frames[-1].type
    assert end["text"] == words_of(frames)
    assert end["answered"]
    assert end["citations"]
    assert {citation["chunk_id"] for citation in end["citations"]} <= {chunk["chunk_id"] for chunk in found["chunks"]}
    assert list(range(end["tokens_end"])) == [frame.event["index"] for frame in frames if frame.type == "TokensGenerated"]


async def test_a_question_that_the_documents_do_not_answer_is_told_so(running: Running) -> None:
    """No citation, and a plain sentence."""
    session = await running.one.session()

    end = await running.one.answer(session, await running.one.ask(session, "Which wine goes with roast duck?"))

    assert not end["answered"]
    assert [] == end["citations"]
    assert "do not" in end["text"]


async def test_the_same_question_gets_the_same_answer(running: Running) -> None:
    """The extractive model is deterministic."""
    question = "What is min.insync.replicas for?"
    answers = []
    for _ in range(2):
        session = await running.one.session()
        answers.append((await running.one.answer(session, await running.one.ask(session, question)))["text"])

    assert answers[0] == answers[1]


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_a_question_at_one_api_streams_at_the_other(running: Running, placement: str) -> None:
    """No process knows a session that another does not."""
    session = await running.one.session(placement)
    async with running.two.stream(session) as stream:
        accepted = await running.one.ask(session, "How are dead letters used?")
        kinds = []
        async for frame in stream:
            kinds.append(frame.type)
            if frame.type == "AnswerCompleted":
                break

    assert accepted["query_id"] == frame.event["query_id"]
    assert ["QueryAsked", "ChunksRetrieved", "GenerationStarted"] == kinds[:3]


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_two_questions_of_a_session_are_answered_in_order(running: Running, placement: str) -> None:
    """The second answer begins when the first has ended."""
    session = await running.one.session(placement)
    first = await running.one.ask(session, "What is KRaft?")
    second = await running.two.ask(session, "What is a partition?")
    await running.one.answer(session, first)
    await running.one.answer(session, second)

    history = await running.one.history(session)

    of_answers = [frame.event["query_id"] for frame in history if frame.type in ("GenerationStarted", "TokensGenerated", "AnswerCompleted")]
    assert sorted(of_answers, key=[first["query_id"], second["query_id"]].index) == of_answers


async def test_an_idempotency_key_asks_once(running: Running) -> None:
    """Sent twice, at both API processes: one question, one answer."""
    session = await running.one.session()
    for api in (running.one, running.two):
        accepted = await api.ask(session, "What is log compaction?", Idempotency_Key="k-1")
    await running.one.frames(session, query=accepted["query_id"])

    kinds = [frame.type for frame in await running.one.history(session)]

    assert (1, 1) == (kinds.count("QueryAsked"), kinds.count("AnswerCompleted"))
