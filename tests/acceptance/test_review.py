"""A correction on its way into the documents, and the session's history that tells of it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from tests.acceptance.conftest import Running
from tests.acceptance.roxy_command import Ran, roxy
from tests.acceptance.test_docs_examples import until

QUESTION = "How long does a zorble keep its frumps?"
CORRECTION = "A zorble keeps its frumps for 42 days, and then they are washed."


async def test_an_approved_correction_answers_the_next_question(running: Running) -> None:
    """Corrected, listed, approved, taken in, cited; and to reject it then is refused."""
    session = await running.one.session()
    accepted = await running.one.ask(session, QUESTION)
    before = await running.one.answer(session, accepted)
    await running.one.post(f"/v1/sessions/{session}/feedback", {"feedback_id": "f-1", "correction": CORRECTION})
    proposal = await until(lambda: waiting(running, session))

    approved = await on_command_line(running, "review", "approve", proposal, "--reason", "So it is.", "--json", *_at(running))
    await until(lambda: indexed(running, approved.json["document_id"]))
    rejected = await on_command_line(running, "review", "reject", proposal, *_at(running))
    other = await running.two.session()
    after = await running.two.answer(other, await running.two.ask(other, QUESTION))

    assert "42 days" not in before["text"]
    assert "42 days" in after["text"]
    assert f"correction:{session}/{accepted['answer_id']}" == after["citations"][0]["source"]
    assert (1, f"roxy: anonymous has approved the correction {proposal}.") == (rejected.exit_code, rejected.stderr.partition(" An approved")[0])


async def test_a_session_is_told_as_it_was(running: Running) -> None:
    """For people, and as its records; another tenant has no such session."""
    session = await running.one.session("lane")
    accepted = await running.one.ask(session, "What is a dead letter?")
    answer = await running.one.answer(session, accepted)
    await running.one.post(f"/v1/sessions/{session}/feedback", {"feedback_id": "f-2", "thumb": "up"})
    await until(lambda: judged(running, session))

    shown, records = [await on_command_line(running, "history", session, *options) for options in ([], ["--json"])]
    strange = await on_command_line(running, "history", session, "--tenant", "acme")
    unknown = await on_command_line(running, "history", "t-unknown")

    assert all(words in shown.stdout for words in ("What is a dead letter?", "6 chunks in", f"begins {accepted['answer_id']}", "thumb up"))
    assert "".join(answer["text"].split()) in "".join(shown.stdout.split())
    told = [orjson.loads(line) for line in records.stdout.splitlines()]
    assert [frame.event for frame in await running.one.history(session)] == [line["event"] for line in told if line["counts"]]
    assert (1, f"roxy: The tenant acme has no session {session}.") == (strange.exit_code, strange.stderr.partition(" Check")[0])
    assert (1, True) == (unknown.exit_code, "The tenant default has no session t-unknown." in unknown.stderr)


async def on_command_line(running: Running, *arguments: str) -> Ran:
    return await asyncio.to_thread(roxy, running.settings, *arguments)


def _at(running: Running) -> tuple[str, str]:
    return "--url", running.two.url


async def waiting(running: Running, session: str) -> str | None:
    """The session's proposal, once it waits."""
    listed = await on_command_line(running, "review", "list", "--limit", "200", "--json", *_at(running))
    found: list[dict[str, Any]] = [each for each in listed.json["proposals"] if each["session_id"] == session]
    return str(found[0]["proposal_id"]) if found else None


async def indexed(running: Running, document_id: str) -> bool | None:
    """Both processes know by then what became of it; the worker's index has it before."""
    status = await running.one.http.get(f"/v1/documents/{document_id}")
    return (status.is_success and status.json()["status"] == "indexed") or None


async def judged(running: Running, session: str) -> bool | None:
    return any(frame.type == "FeedbackGiven" for frame in await running.one.history(session)) or None
