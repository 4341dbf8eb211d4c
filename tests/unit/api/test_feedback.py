"""Feedback over HTTP: what is written, what is refused before it is, and who takes back what."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from schemas.codec import decode
from schemas.events import AnswerCompleted, Citation, Feedback, FeedbackGiven, GenerationStarted
from schemas.session_id import Session
from schemas.settings import ApiKey
from schemas.topics import FEEDBACK

KEYS = tuple(ApiKey(key=SecretStr(name), tenant="default", subject=name, roles=("ask",)) for name in ("ann", "bob"))


def written(api: Any) -> list[Any]:
    return [decode(record) for record in api.journal.records(FEEDBACK)]


async def noted(api: Any) -> None:
    """The step puts into the session what is on the topic and not there yet."""
    for event in written(api):
        held = [decode(entry.record) async for entry in api.log.history(Session("default", event.session_id))]
        if event not in held:
            await api.write(event.session_id, [event])


async def answered(api: Any, answer: Any, **headers: str) -> str:
    """A session with two questions, answered, and a sibling of the second answer, which cites a chunk."""
    session = str((await api.session(**headers))["session_id"])
    end = answer(session, "q2")[-1]
    cites = (Citation(number=1, chunk_id="a.md#0", document_id="a.md", title="A", source="a.md"),)
    about = {"answer_id": "a-q2.1", "id": "q2.1:done", "text": "Otherwise.", "citations": cites}
    sibling = AnswerCompleted(**end.model_dump(exclude={"citations", *about}), **about)
    await api.write(session, [*answer(session, "q1"), *answer(session, "q2"), sibling])
    return session


async def give(api: Any, session: str, **wanted: Any) -> Any:
    key = wanted.pop("key", None)
    return await api.client.post(f"/v1/sessions/{session}/feedback", json=wanted, headers={"X-API-Key": key} if key else {})


async def take_back(api: Any, session: str, feedback_id: str, key: str | None = None) -> Any:
    return await api.client.delete(f"/v1/sessions/{session}/feedback/{feedback_id}", headers={"X-API-Key": key} if key else {})


async def test_feedback_is_a_record(api: Any, answer: Any) -> None:
    """FeedbackGiven on `feedback`; the answer is the query's first one if it is not named."""
    session = await answered(api, answer)
    reply = await give(api, session, query_id="q1", thumb="down", comment="Wrong.", tags=["fact"])
    (event,) = written(api)

    assert (202, event.feedback_id, "a-q1") == (reply.status_code, reply.json()["feedback_id"], event.answer_id)
    assert ("down", "Wrong.", ("fact",), "anonymous") == (event.thumb, event.comment, event.tags, event.given_by)


async def test_with_no_answer_named_the_last_one_is_meant(api: Any, answer: Any) -> None:
    """Of the session; and an answer's question is found."""
    session = await answered(api, answer)
    await give(api, session, stars=2)
    await give(api, session, answer_id="a-q1", stars=2)

    assert [("q2", "a-q2.1"), ("q1", "a-q1")] == [(event.query_id, event.answer_id) for event in written(api)]


async def test_a_chunk_is_judged_by_its_number(api: Any, answer: Any) -> None:
    """That of the citation, or by its id."""
    session = await answered(api, answer)
    await give(api, session, answer_id="a-q2.1", citation=1, thumb="down")
    await give(api, session, answer_id="a-q2.1", chunk_id="a.md#0", thumb="down")

    assert ["a.md#0"] * 2 == [event.chunk_id for event in written(api)]


async def test_two_answers_are_compared(api: Any, answer: Any) -> None:
    """With the order in which they were shown."""
    session = await answered(api, answer)
    await give(api, session, answer_id="a-q2.1", better_than="a-q2", shown=["a-q2", "a-q2.1"])
    (event,) = written(api)

    assert ("a-q2", ("a-q2", "a-q2.1")) == (event.better_than, event.shown)


@pytest.mark.parametrize(
    ("wanted", "status", "slug"),
    [
        ({"answer_id": "a-none", "thumb": "up"}, 404, "unknown-answer"),
        ({"answer_id": "a-q2", "better_than": "a-none"}, 404, "unknown-answer"),
        ({"answer_id": "a-q2", "better_than": "a-q1"}, 422, "invalid-feedback"),
        ({"answer_id": "a-q2", "better_than": "a-q2"}, 422, "invalid-feedback"),
        ({"answer_id": "a-q2", "query_id": "q1", "thumb": "up"}, 422, "invalid-feedback"),
        ({"answer_id": "a-q2.1", "correction": "Otherwise. "}, 422, "invalid-feedback"),
        ({"answer_id": "a-q2.1", "chunk_id": "b.md#7", "thumb": "up"}, 422, "invalid-feedback"),
        ({"answer_id": "a-q2.1", "citation": 7, "thumb": "up"}, 422, "invalid-feedback"),
    ],
)
async def test_what_does_not_fit_the_answer_is_refused(api: Any, answer: Any, wanted: dict[str, Any], status: int, slug: str) -> None:
    """With a remedy; nothing is written."""
    session = await answered(api, answer)
    reply = await give(api, session, **wanted)

    assert (status, f"urn:roxy:problem:{slug}") == (reply.status_code, reply.json()["type"])
    assert ([], True) == (written(api), bool(reply.json()["remedy"]))


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"query_id": "q1"},
        {"stars": 6},
        {"stars": "5"},
        {"thumb": "sideways"},
        {"correction": "  "},
        {"comment": "x" * 1_000_000},
        {"tags": ["x" * 101]},
        {"thumb": "up", "citation": 1, "chunk_id": "a.md#0"},
    ],
    ids=["empty", "about nothing", "6 stars", "stars as text", "no thumb", "blank correction", "1 MB comment", "long tag", "two chunks"],
)
async def test_feedback_that_says_nothing_or_too_much_is_422(api: Any, answer: Any, wanted: dict[str, Any]) -> None:
    """With what is wrong; nothing is written."""
    session = await answered(api, answer)
    reply = await give(api, session, **wanted)

    assert (422, True, []) == (reply.status_code, bool(reply.json()["errors"]), written(api))


async def test_feedback_on_an_answer_that_is_being_made_is_taken(api: Any, answer: Any) -> None:
    """The pair can wait for the answer's end."""
    session = str((await api.session())["session_id"])
    await api.write(session, [event for event in answer(session) if not isinstance(event, AnswerCompleted)])

    assert 202 == (await give(api, session, thumb="up")).status_code
    assert isinstance(answer(session)[1], GenerationStarted)


async def test_the_same_words_are_one_fact_and_others_another(api: Any, answer: Any) -> None:
    """Under one feedback id: up, up again, down, and up after all. Repeated before the first is in the session, it is known by its event id."""
    session = await answered(api, answer)
    for thumb in ("up", "up"):
        await give(api, session, feedback_id="f" * 150, thumb=thumb)
    at_once = [event.id for event in written(api)]
    for thumb in ("up", "down", "up"):
        await noted(api)
        await give(api, session, feedback_id="f" * 150, thumb=thumb)
    later = [event.thumb for event in written(api)[2:]]

    assert (2, 1) == (len(at_once), len(set(at_once)))
    assert (["down", "up"], 3) == (later, len({event.id for event in written(api)}))


async def test_who_gave_feedback_takes_it_back_once(api: Any, answer: Any) -> None:
    """However often it is asked for; given again, it can be taken back again."""
    session = await answered(api, answer)
    await give(api, session, feedback_id="f1", thumb="up")
    replies = []
    for wanted in ("back", "back", "up", "back"):
        await noted(api)
        replies.append(await take_back(api, session, "f1") if wanted == "back" else await give(api, session, feedback_id="f1", thumb="up"))

    assert [202] * 4 == [reply.status_code for reply in replies]
    kinds: list[type[Feedback]] = [type(event) for event in written(api)]
    assert ["FeedbackGiven", "FeedbackRetracted"] * 2 == [kind.__name__ for kind in kinds]


async def test_nobody_takes_back_what_somebody_else_said(run: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """404, as for an id that nobody has used."""
    monkeypatch.setattr("api.feedback._LOOK_S", 1.0)
    async with run(api_keys=KEYS) as api:
        session = await answered(api, answer, **{"X-API-Key": "ann"})
        await give(api, session, feedback_id="f1", thumb="up", key="ann")
        await noted(api)
        reply = await take_back(api, session, "f1", "bob")

    assert (404, "urn:roxy:problem:unknown-feedback") == (reply.status_code, reply.json()["type"])
    assert [FeedbackGiven] == [type(event) for event in written(api)]
