"""Other protocols' own clients while processes die: what they have is gone on with elsewhere.

Apart from test_protocols.py, whose worker would answer too.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.environment import PROJECT
from tests.acceptance.fleet import Api, Fleet
from tests.acceptance.test_protocols import events_of, openai_at

SCRIPT = "scripted:" + orjson.dumps({"tokens": 60, "per_token_s": 0.05}).decode()
_PATIENCE_S = 90.0
_NODE = PROJECT / "tests/acceptance/ai_sdk"


def text_in(events: list[Any]) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


async def test_a_response_survives_its_api_process_and_its_worker(fleet: Fleet) -> None:
    """SIGKILL for both, in the middle: the client goes on behind its last number, and has every piece once."""
    worker = await fleet.worker(language_model=SCRIPT)
    one, two = await fleet.api(), await fleet.api()
    async with openai_at(one) as first, openai_at(two) as second:
        begun = await events_of(await first.responses.create(model="roxy", input="What now?", stream=True), most=15)
        await fleet.signal(one.child, signal.SIGKILL)
        await fleet.signal(worker, signal.SIGKILL)
        await fleet.worker(language_model=SCRIPT)
        stream = await second.responses.retrieve(begun[0].response.id, stream=True, starting_after=begun[-1].sequence_number)
        events = begun + await events_of(stream)

    assert list(range(len(events))) == [event.sequence_number for event in events]
    assert ("response.completed", "completed") == (events[-1].type, events[-1].response.status)
    assert text_in(events) == events[-1].response.output_text
    assert 60 == len(text_in(events).split())


async def test_a_response_is_cancelled_at_another_process(fleet: Fleet) -> None:
    """And is the same, stopped, at both."""
    await fleet.worker(language_model=SCRIPT)
    one, two = await fleet.api(), await fleet.api()
    async with openai_at(one) as first, openai_at(two) as second:
        begun = await events_of(await first.responses.create(model="roxy", input="What now?", stream=True), most=10)
        stopped = await second.responses.cancel(begun[0].response.id)
        there = await first.responses.retrieve(begun[0].response.id)

    assert "cancelled" == stopped.status
    assert stopped.model_dump() == there.model_dump()
    assert stopped.output_text.startswith(text_in(begun))


@pytest.mark.full
async def test_the_ai_sdks_client_reads_and_resumes(fleet: Fleet, tmp_path: Path) -> None:
    """Its default transport asks at one process and goes away; at another it puts the whole answer together; then nothing is active."""
    client = await _installed(tmp_path)
    await fleet.worker(language_model=SCRIPT)
    one, two = await fleet.api(), await fleet.api()
    chat = f"chat-{tmp_path.name}"[:90].replace("_", "-")

    left = await _said(client, one, "ask", chat, "What now?", "20")
    resumed = await _said(client, two, "resume", chat)
    nothing = await _said(client, two, "resume", chat)
    end = next(frame.event for frame in await two.history(f"t{chat}") if frame.type == "AnswerCompleted")

    assert left["id"] == resumed["id"] == end["answer_id"]
    assert end["text"].startswith(left["text"])
    assert len(left["text"]) < len(end["text"])
    assert end["text"] == resumed["text"]
    assert ["step-start", "data-chunks", "text"] == [part for part in resumed["parts"] if not part.startswith("source-")]
    assert {"sessionId", "queryId", "answered"} <= set(resumed["metadata"])
    assert nothing is None


async def _said(client: Path, api: Api, *arguments: str) -> Any:
    """What the client has printed."""
    argv = ["node", str(client), api.url, *arguments]
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return orjson.loads(done.stdout)


async def _installed(folder: Path) -> Path:
    """The client, with the packages of its lock file, in a folder that is gone after the test."""
    copied = Path(shutil.copytree(_NODE, folder / "ai_sdk"))
    argv = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = await asyncio.to_thread(subprocess.run, argv, cwd=copied, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return copied / "client.mjs"
