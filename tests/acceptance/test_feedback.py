"""The three doors of feedback: HTTP, the command line, the topic. What comes in by each is put into the session, and makes pairs."""

from __future__ import annotations

import asyncio

from connectors.journal import open_journal
from schemas.codec import decode
from schemas.events import PreferencePairFormed, RecordDeadLettered, Side
from schemas.topics import DEAD_LETTERS
from streams.preferences.rebuild import held_pairs
from streams.replay import history
from tests.acceptance.conftest import Running
from tests.acceptance.roxy_command import Ran, roxy
from tests.acceptance.test_docs_examples import TOPIC, until
from tests.builders import CONTEXT
from tests.source_tree import python_examples

QUESTION = "What is a dead letter?"


async def test_feedback_comes_in_by_three_doors(running: Running) -> None:
    """Each is another rater, who corrects the answer in other words; the one who takes it back has no pair any more."""
    session = await running.one.session("lane")
    accepted = await running.one.ask(session, QUESTION)
    await running.one.answer(session, accepted)
    url = f"/v1/sessions/{session}/feedback"

    await running.one.post(url, {"query_id": accepted["query_id"], "feedback_id": "http-1", "correction": "By HTTP."})
    told = await on_command_line(running, "correct", session, "By command line.", "--id", "cli-1", "--json")
    await judge(running, session, accepted["query_id"], correction="By topic.")
    both = await until(lambda: pairs(running, session, 2))
    taken_back = await running.two.http.delete(f"{url}/cli-1")
    left = await until(lambda: pairs(running, session, 2, without="By command line."))

    assert (accepted["answer_id"], "cli-1") == (told.json["answer_id"], told.json["feedback_id"])
    assert {"By command line.", "By topic."} == both  # both clients of the API are anonymous, one rater: the later correction counts
    assert (202, {"By HTTP.", "By topic."}) == (taken_back.status_code, left)
    kinds = [frame.type for frame in await running.one.history(session)]
    assert (3, 1) == (kinds.count("FeedbackGiven"), kinds.count("FeedbackRetracted"))


async def test_what_does_not_fit_is_told_at_each_door(running: Running) -> None:
    """404 and 422, an error of one line, a dead letter; each with what to do."""
    session = await running.one.session("lane")
    accepted = await running.one.ask(session, QUESTION)
    text = (await running.one.answer(session, accepted))["text"]

    refused = await running.one.http.post(f"/v1/sessions/{session}/feedback", json={"correction": text})
    told = await on_command_line(running, "thumb", session, "up", "--answer", "a-none")
    await judge(running, session, accepted["query_id"], correction=text)
    await judge(running, session, accepted["query_id"], stars=6)
    letters = await until(lambda: dead_letters(running, session, 2))

    assert (422, "urn:roxy:problem:invalid-feedback") == (refused.status_code, refused.json()["type"])
    assert (1, True) == (told.exit_code, told.stderr.startswith(f"roxy: The session {session} has no answer a-none."))
    assert {"invalid-feedback", "unreadable-record"} == {letter.error for letter in letters}
    assert all(letter.remedy for letter in letters)


async def test_a_pair_that_nothing_stands_behind_is_taken_out(running: Running) -> None:
    """`roxy preferences rebuild`: told of with --dry-run, then mended; other pairs stay."""
    side = Side(text="Some text.")
    about = {"tenant": "default", "session_id": "t-none", "query_id": "q-none", "rater": "nobody", "signal": "correction", "question": "What?"}
    judged = {"chosen": side, "rejected": side, "same_context": True, "feedback": ("f-none",), "judged_at": "2026-11-01T10:00:00.000Z"}
    async with open_journal(running.settings) as journal:
        await journal.append(PreferencePairFormed(**about, **judged, id="p-none:1", pair_id="p-none"), CONTEXT)

    told, done, after = [
        await asyncio.to_thread(roxy, running.settings, "preferences", "rebuild", *options, "--json")
        for options in (["--dry-run"], [], ["--dry-run"])
    ]

    assert (1, False, 0, True) == (told.exit_code, told.json["mended"], done.exit_code, done.json["mended"])
    assert (True, True, False) == tuple("p-none" in ran.json["gone"] for ran in (told, done, after))


async def on_command_line(running: Running, *arguments: str) -> Ran:
    return await asyncio.to_thread(roxy, running.settings, "feedback", *arguments, "--url", running.two.url)


async def judge(running: Running, session: str, query_id: str, **says: object) -> None:
    """As docs/howto/write-questions-to-the-topic.md shows it."""
    await python_examples(TOPIC)["judge"](running.settings.bootstrap, session, query_id, **says)


async def pairs(running: Running, session: str, count: int, without: str = "") -> set[str] | None:
    """The chosen texts of the session's pairs, once there are so many, and that one is not among them."""
    async with open_journal(running.settings) as journal:
        held = [pair for pair in (await held_pairs(journal)).values() if pair is not None and pair.session_id == session]
    texts = {pair.chosen.text for pair in held}
    return texts if len(held) == count and without not in texts else None


async def dead_letters(running: Running, session: str, count: int) -> list[RecordDeadLettered] | None:
    """Those of the session, once there are so many."""
    async with open_journal(running.settings) as journal:
        ends = await journal.ends(DEAD_LETTERS)
        letters = [decode(record) async for records in history(journal, DEAD_LETTERS, ends) for record in records]
    found = [letter for letter in letters if isinstance(letter, RecordDeadLettered) and letter.original_key == session]
    return found if len(found) == count else None
