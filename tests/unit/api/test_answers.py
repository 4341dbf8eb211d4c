"""Another answer over HTTP: what is written, what is refused, and that each answer's stream is its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api import answers as module
from connectors.session_log.base import Gap, SessionRecord
from connectors.session_log.memory import MemorySessionLog
from schemas.codec import decode
from schemas.cursor import Cursor
from schemas.events import AnswerEvent, Event, QueryCancelled, RegenerationAsked
from schemas.session_id import Session
from schemas.topics import QUERIES
from tests.builders import a_regeneration, chunks_retrieved
from tests.unit.api.conftest import Run, an_answer, until


class CountedLog(MemorySessionLog):
    """A session log that knows how many records every reading of a history has yielded."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[int] = []

    async def history(self, session: Session, after: Cursor | None = None, *, tokens: bool = True) -> AsyncIterator[SessionRecord | Gap]:
        self.read.append(0)
        async for entry in super().history(session, after, tokens=tokens):
            self.read[-1] += 1
            yield entry


def url(session: str, query_id: str = "q1") -> str:
    return f"/v1/sessions/{session}/queries/{query_id}/answers"


def siblings(session: str, names: str, tokens: int = 4) -> dict[str, list[Event]]:
    """All records of other answers to q1, by the answer's id."""
    found: dict[str, list[Event]] = {}
    for name in names:
        asked = a_regeneration(Session("default", session), name=name)
        renamed = {"answer_id": asked.answer_id}
        events = [event for event in an_answer(session, tokens=tokens) if isinstance(event, AnswerEvent)]
        chunks = chunks_retrieved(Session("default", session), id=f"{name}:found", sibling=asked.sibling)
        found[asked.answer_id] = [asked, chunks, *(event.model_copy(update={**renamed, "id": f"{name}:{event.id}"}) for event in events)]
    return found


async def asked_session(api: Any) -> str:
    """A session with a question that has an answer."""
    session = str((await api.session())["session_id"])
    await api.write(session, an_answer(session))
    return session


# -------------------------------------------------------------------- written


async def test_the_wish_is_one_record_of_queries(api: Any) -> None:
    """Under an id of the question's; the reply says where to go on, and its links work as they are."""
    session = await asked_session(api)
    reply = await api.client.post(url(session), json={"settings": {"model_temperature": 0.9}, "look_up_again": True})
    event, accepted = decode(api.journal.records(QUERIES)[0]), reply.json()

    assert reply.status_code == 202
    assert isinstance(event, RegenerationAsked)
    assert (accepted["answer_id"], "q1", {"model_temperature": 0.9}, True) == (
        event.answer_id,
        event.query_id,
        event.sibling.settings,
        event.look_up_again,
    )
    assert sorted(accepted["links"]) == ["answer_events", "answers", "cancel", "events", "feedback", "history"]
    assert [202, 202] == [(await api.client.post(accepted["links"][name], json={})).status_code for name in ("cancel", "answers")]


@pytest.mark.parametrize(
    "body",
    [
        {"settings": {"state_dir": "/tmp"}},
        {"settings": {"model_temperature": "hot"}},
        {"settings": {"language_model": "openai:dear"}},
        {"settings": {"top_k": 2}},
        {"settings": {"MODEL": 1}},
        {"settings": []},
        {"settings": {f"name_{letter * 2}": 1 for letter in "abcdefghijklmnopqrstuvwxyzäöüß"}},
        {"look_up_again": "yes"},
        {"temperature": 0.9},
    ],
)
async def test_what_may_not_be_set_is_422(api: Any, body: dict[str, Any]) -> None:
    """With what is wrong; nothing is written."""
    session = await asked_session(api)
    reply = await api.client.post(url(session), json=body)

    assert (422, []) == (reply.status_code, api.journal.records(QUERIES))
    assert reply.json()["remedy"]


async def test_a_question_that_the_session_does_not_hold_is_404(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment, in which its worker may have put it there."""
    monkeypatch.setattr(module, "_LOOK_S", 1.0)
    session = await asked_session(api)
    unknown, gone = await api.client.post(url(session, "q9"), json={}), await api.client.post(url("tgone"), json={})

    assert [(404, "urn:roxy:problem:unknown-query"), (404, "urn:roxy:problem:unknown-session")] == [
        (reply.status_code, reply.json()["type"]) for reply in (unknown, gone)
    ]


async def test_what_is_not_let_in_reads_nothing(run: Run) -> None:
    """Whoever asks for answers to what there is not would otherwise be the dearest to refuse."""
    log = CountedLog()
    async with run(log=log, max_unanswered=1) as api:
        session = await asked_session(api)
        replies = [await api.client.post(url(session, query_id), json={}) for query_id in ("q1", "q1", "q9")]

    assert ([202, 503, 503], 1) == ([reply.status_code for reply in replies], len(log.read))


async def test_a_question_that_is_waited_for_is_looked_for_in_what_is_new(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session is read once, without its tokens, however often is looked; and who was refused is not waited for."""
    monkeypatch.setattr(module, "_LOOK_S", 0.5)
    log = CountedLog()
    async with run(log=log) as api:
        session = await asked_session(api)
        gone = asyncio.create_task(api.client.post(url(session, "q9"), json={}))
        await until(lambda: len(log.read) == 1)
        await api.write(session, an_answer(session, "q2"))
        reply = await gone
        waiting = api.wiring.admission.unanswered.count()

    assert (404, [3, 3, 0, 0], 0) == (reply.status_code, log.read, waiting)


async def test_a_question_that_comes_while_it_is_waited_for_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker puts it into the session a moment later."""
    monkeypatch.setattr(module, "_LOOK_S", 0.5)
    log = CountedLog()
    async with run(log=log) as api:
        session = await asked_session(api)
        late = asyncio.create_task(api.client.post(url(session, "q2"), json={}))
        await until(lambda: len(log.read) == 1)
        await api.write(session, an_answer(session, "q2"))

        assert (202, [3, 1]) == ((await late).status_code, log.read)


async def test_one_key_is_one_answer(api: Any) -> None:
    """At every process, for each question; with something else it is a conflict."""
    session = await asked_session(api)
    await api.write(session, an_answer(session, "q2"))

    async def post(query_id: str, body: dict[str, Any]) -> Any:
        return await api.client.post(url(session, query_id), json=body, headers={"Idempotency-Key": "k"})

    first, again, other, conflict = await post("q1", {}), await post("q1", {}), await post("q2", {}), await post("q1", {"look_up_again": True})
    api.wiring.asked_again._posted.clear()  # as at another process
    elsewhere = await post("q1", {})

    assert (first.json(), 409) == (again.json(), conflict.status_code)
    assert first.json()["answer_id"] == elsewhere.json()["answer_id"]
    assert first.json()["answer_id"].removeprefix("a-q1.") != other.json()["answer_id"].removeprefix("a-q2.")


async def test_one_answer_is_cancelled_by_its_name(api: Any) -> None:
    """The question's own route names none, and so means all; what is none of its answers is 404."""
    session = await asked_session(api)
    replies = [await api.client.post(f"{url(session)}/{answer_id}/cancel") for answer_id in ("a-q1.1", "a-q1", "a-q2.1")]
    events = [decode(record) for record in api.journal.records(QUERIES)]

    assert [202, 202, 404] == [reply.status_code for reply in replies]
    assert ["a-q1.1", "a-q1"] == [event.answer_id for event in events if isinstance(event, QueryCancelled)]


# ------------------------------------------------------------------- streamed


async def test_each_answers_stream_is_its_own(api: Any) -> None:
    """However the records are mixed: a question's shows its first answer, an answer's what asked for it and all that is its own, to its end."""
    session = str((await api.session())["session_id"])
    question, *first = an_answer(session)
    others = siblings(session, "12")
    mixed = [event for events in zip(*others.values(), [*first, *[None] * 2], strict=False) for event in events if event is not None]
    rest = [event for events in (first, *others.values()) for event in events if event not in mixed]
    await api.write(session, [question, *mixed, *rest])
    seen = {
        name: await api.all_frames(session, **{kind: name})
        for kind, name in (("query", "q1"), ("answer", "a-q1"), *(("answer", one) for one in others))
    }
    ids = {name: [frame.json["id"] for frame in frames] for name, frames in seen.items()}

    assert [question.id, *(event.id for event in first)] == ids["q1"] == ids["a-q1"]
    assert {name: [event.id for event in events] for name, events in others.items()} == {name: ids[name] for name in others}


async def test_who_reads_the_session_sees_all_answers_as_they_come(api: Any) -> None:
    """What is doubled is shown once."""
    session = await asked_session(api)
    (events,) = siblings(session, "1").values()
    await api.write(session, [*events[:4], *events[3:]])
    frames = await api.frames(session, 7 + len(events))

    assert [event.id for event in events] == [frame.json["id"] for frame in frames[-len(events) :]]


async def test_an_answer_that_is_over_is_204_and_one_that_is_not_is_waited_for(api: Any) -> None:
    """A cursor of one says nothing of the other."""
    session = await asked_session(api)
    (events,) = siblings(session, "1").values()
    await api.write(session, events)
    accepted = (await api.client.post(url(session), json={})).json()
    first, last = (await api.all_frames(session, query="q1"))[-1].id, (await api.all_frames(session, answer="a-q1.1"))[-1].id

    async def status(**params: str) -> int:
        async with api.client.stream("GET", api.events_url(session), params=params) as response:
            return int(response.status_code)

    assert [204, 204, 204] == [
        await status(**params) for params in ({"query": "q1", "after": first}, {"answer": "a-q1.1", "after": last}, {"query": "q1", "after": last})
    ]
    assert 200 == await status(answer="a-q1.1", after=first)
    assert 200 == (await api.client.get(accepted["links"]["answer_events"], params={"wait": 0}, headers={"Accept": "application/json"})).status_code
    assert 200 == await status(answer=accepted["answer_id"], after=accepted["cursor"])


async def test_long_polling_reads_one_answer_too(api: Any) -> None:
    """To its end."""
    session = await asked_session(api)
    (events,) = siblings(session, "1").values()
    await api.write(session, events)
    page = (await api.client.get(api.events_url(session), params={"answer": "a-q1.1", "wait": 0})).json()

    assert ([event.type for event in events], True) == ([one["type"] for one in page["records"]], page["ended"])


async def test_other_protocols_read_their_own_answer(api: Any) -> None:
    """A page that comes back to its chat is told the first answer, also while another one is under way and when that has ended."""
    session = "tchat"
    await api.log.create(Session("default", session))
    question, *first = an_answer(session)
    (events,) = siblings(session, "1").values()
    await api.write(session, [question, *first[:2], *events])
    async with api.client.stream("GET", "/api/chat/chat/stream") as response:
        assert response.status_code == 200
        await api.write(session, first[2:])
        told = [line async for line in response.aiter_lines()]

    assert 1 == sum('"finish"' in line for line in told)
    assert 0 == sum("data-chunks" in line for line in told)
