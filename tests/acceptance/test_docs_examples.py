"""What the documents show is run against real processes: the blocks of Python, the script for curl, the browser's code."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from aiokafka import AIOKafkaProducer

from infra.environment import PROJECT
from tests.acceptance.conftest import Running
from tests.source_tree import python_examples

API = "docs/howto/talk-to-the-api.md"
TOPIC = "docs/howto/write-questions-to-the-topic.md"
PROTOCOLS = "docs/howto/speak-other-protocols.md"
DOCUMENTS = "docs/howto/take-documents-in.md"
QUESTION = "What is a dead letter?"
_PATIENCE_S = 60.0

#: The page runs in a browser, at the API's own origin. Node has both functions, but no origin.
_BROWSER = """
const base = process.argv[2];
const { fetch: realFetch, EventSource: RealEventSource } = globalThis;
globalThis.fetch = (path, options) => realFetch(base + path, options);
globalThis.EventSource = class extends RealEventSource { constructor(path) { super(base + path); } };
"""

T = TypeVar("T")


def block(page: str, language: str) -> str:
    """The page's first block in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (PROJECT / page).read_text(), re.MULTILINE | re.DOTALL)[0]


async def until(look: Callable[[], Awaitable[T | None]]) -> T:
    """The first thing that is seen."""
    async with asyncio.timeout(_PATIENCE_S):
        while (seen := await look()) is None:
            await asyncio.sleep(0.2)
    return seen


async def made(running: Running, session: str) -> bool | None:
    return (await running.one.http.get(f"/v1/sessions/{session}/history")).is_success or None


async def test_the_python_client_puts_the_answer_together(running: Running) -> None:
    """The text of AnswerCompleted."""
    session = await running.one.session()
    expected = (await running.one.answer(session, await running.one.ask(session, QUESTION)))["text"]

    answer = python_examples(API)["answer"]

    assert expected == await asyncio.to_thread(answer, running.two.url, QUESTION)


async def test_the_python_client_goes_on_where_it_was_cut(running: Running) -> None:
    """Left after each third record, and begun anew behind the last cursor at the other API process: the history."""
    records = python_examples(API)["records"]
    session = await running.one.session()
    accepted = await running.one.ask(session, QUESTION)
    received: list[tuple[str, str, dict]] = []

    def three_more(url: str) -> int:
        reading = records(url, session, accepted["query_id"], received[-1][0] if received else accepted["cursor"])
        before = len(received)
        received.extend(one for _, one in zip(range(3), reading, strict=False))
        reading.close()
        return len(received) - before

    while await asyncio.to_thread(three_more, (running.one if len(received) % 2 else running.two).url):
        pass

    assert [frame.id for frame in await running.one.history(session)] == [event["id"] for _, _, event in received]


async def test_the_clients_of_other_protocols_get_the_answer(running: Running) -> None:
    """Each example gives the same text; a session that is named goes on."""
    examples, urls = python_examples(PROTOCOLS), [running.one.url, running.two.url]

    answer, session = await asyncio.to_thread(examples["chat"], urls[0], QUESTION)
    _, again = await asyncio.to_thread(examples["chat"], urls[1], QUESTION, session)
    titles = await examples["search"](urls[0], QUESTION)

    assert answer == await asyncio.to_thread(examples["respond"], urls, QUESTION)
    assert session == again
    assert titles


async def test_a_producer_asks_without_the_api(running: Running) -> None:
    """In a session of its own naming; the answer is read from Kafka, and is there at the API too."""
    examples = python_examples(TOPIC)
    session = f"tnightly-{uuid.uuid4().hex[:8]}"
    query = await examples["ask"](running.settings.bootstrap, session, QUESTION)
    await until(lambda: made(running, session))

    end = await asyncio.wait_for(examples["read_answer"](running.settings.bootstrap, session, query), _PATIENCE_S)

    assert ("AnswerCompleted", query) == (end["type"], end["query_id"])
    assert end == (await running.two.frames(session, query=query))[-1].event


async def test_a_document_is_put_changed_and_taken_away(running: Running) -> None:
    """Each time its state says what came of it."""
    examples, name = python_examples(DOCUMENTS), f"guide-{uuid.uuid4().hex[:8]}.md"

    def told(call: str, *arguments: str) -> dict:
        examples[call](running.one.url, name, *arguments)
        return dict(examples["finished"](running.one.url, name))

    put = await asyncio.to_thread(told, "put", "# Guide\n\nTurn left at the lighthouse.")
    changed = await asyncio.to_thread(told, "put", "# Guide\n\nTurn right at the lighthouse.")
    gone = await asyncio.to_thread(told, "take_away")

    assert [("indexed", 1), ("indexed", 1)] == [(state["status"], state["embedded"]) for state in (put, changed)]
    assert ("removed", 1) == (gone["status"], gone["removed"])


async def test_a_dead_letter_is_read_mended_and_sent_again(running: Running) -> None:
    """As the runbook says; the question is answered in the end."""
    examples, bootstrap = python_examples("docs/runbooks/dead-letters.md"), running.settings.bootstrap
    session, broken = f"tbroken-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex.encode()
    mended = (
        f'{{"type": "QueryAsked", "version": 1, "id": "{session}:asked", "tenant": "default", "session_id": "{session}", '
        f'"query_id": "q-{session}", "text": "{QUESTION}"}}'
    )
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait("queries", broken, key=session.encode(), headers=[("tenant", b"default")])

    async def its_letter() -> dict | None:
        return next((letter for letter in await examples["dead_letters"](bootstrap) if examples["original"](letter) == broken), None)

    letter = await until(its_letter)
    await examples["send_again"](bootstrap, letter, mended=mended.encode())
    await until(lambda: made(running, session))

    assert ("queries", "unreadable-record", session) == (letter["topic"], letter["error"], letter["original_key"])
    assert "AnswerCompleted" == (await running.one.frames(session, query=f"q-{session}"))[-1].type


async def test_the_lag_of_a_group_that_is_done_is_nothing(running: Running) -> None:
    """What the runbook's function says once all is acknowledged."""
    lag = python_examples("docs/runbooks/worker-stuck.md")["lag"]

    async def none_left() -> bool | None:
        return True if await lag(running.settings.bootstrap, running.settings.consumer_group) == {} else None

    assert await until(none_left)


@pytest.mark.full
async def test_the_script_for_curl_runs_to_its_end(running: Running, tmp_path: Path) -> None:
    """Every request succeeds, and what comes behind the third record is the stream without its first three."""
    script = block(API, "sh").replace("ROXY=http://127.0.0.1:8000", f"ROXY={running.one.url}")
    assert running.one.url in script

    done = await asyncio.to_thread(subprocess.run, ["sh", "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    whole, rest = (re.findall(r"^event: .*\n(data: .*)$", (tmp_path / name).read_text(), re.MULTILINE) for name in ("stream.txt", "rest.txt"))
    assert len(whole) > 5
    assert whole[3:] == rest


@pytest.mark.full
async def test_the_browsers_code_puts_the_answer_together(running: Running, tmp_path: Path) -> None:
    """In Node, with its own EventSource."""
    call = f'let shown; ask("{QUESTION}", (text) => (shown = text)).then((end) => console.log(shown === end.text, end.type));'
    file = tmp_path / "page.js"
    file.write_text(f"{_BROWSER}\n{block(API, 'js')}\n{call}\n")
    argv = ["node", "--experimental-eventsource", str(file), running.one.url]
    env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}

    done = await asyncio.to_thread(subprocess.run, argv, env=env, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)

    assert done.stdout.strip() == "true AnswerCompleted", done.stderr
