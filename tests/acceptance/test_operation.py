"""What an operator sees: drains, traces, logs, metrics, the command line."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import orjson

from infra.environment import environment
from tests.acceptance.conftest import Running
from tests.acceptance.fleet import Fleet


async def test_a_drained_api_tells_its_readers_where_to_go_on(fleet: Fleet) -> None:
    """SIGTERM: a `closing` frame with a retry and a cursor that is good at another process; exit 0."""
    one, two = await fleet.api(), await fleet.api()
    session = await one.session()
    async with one.stream(session) as stream:
        stopping = asyncio.create_task(fleet.signal(one.child, signal.SIGTERM))
        frames = [frame async for frame in stream]
        await stopping

    assert ["closing"] == [frame.type for frame in frames]
    assert 200 == (await two.http.get(f"/v1/sessions/{session}/history", params={"after": frames[0].cursor})).status_code


async def test_a_trace_goes_from_the_post_to_the_frame(running: Running) -> None:
    """Spans of the API, both steps and the delivered frames share the trace that the client began."""
    trace = "a1" * 16
    session = await running.one.session()
    accepted = await running.one.ask(session, "What is a tombstone?", traceparent=f"00-{trace}-{'b2' * 8}-01")
    await running.one.answer(session, accepted)

    wanted = {"step.retrieve", "step.generate", "sse.deliver"}
    async with asyncio.timeout(20):
        while not wanted <= spans_of(running.settings.state_dir / "traces", trace):
            await asyncio.sleep(0.2)


def spans_of(folder: Path, trace: str) -> set[str]:
    lines = [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines() if line.endswith("}")]
    return {span["name"] for span in lines if span["context"]["trace_id"].removeprefix("0x") == trace}


async def test_logs_are_json_with_the_correlation_id(running: Running) -> None:
    """By setting; the question itself is in no line."""
    session = await running.one.session()
    accepted = await running.one.ask(session, "Is zanzibarquux in the log?")
    await running.one.answer(session, accepted)
    log = running.one.child.log.read_text() + running.worker.log.read_text()

    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]

    assert any(line.get("correlation") == accepted["query_id"] for line in lines)
    assert "zanzibarquux" not in log


async def test_open_streams_are_counted(running: Running) -> None:
    """`roxy_open_streams` goes up and down."""
    session = await running.two.session()
    async with running.two.stream(session):
        during = (await running.two.http.get("/metrics")).text
    await asyncio.sleep(0.5)
    after = (await running.two.http.get("/metrics")).text

    assert 'roxy_open_streams{tenant="default"} 1.0' in during
    assert 'roxy_open_streams{tenant="default"} 0.0' in after


def roxy(running: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = environment(running.settings, url=running.one.url)
    return subprocess.run([sys.executable, "-m", "infra", *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)


async def test_ask_prints_the_answer_and_its_sources(running: Running) -> None:
    """As text for people, as the terminal record with --json."""
    shown = await asyncio.to_thread(roxy, running, "ask", "What is consumer lag?")
    as_json = await asyncio.to_thread(roxy, running, "ask", "What is consumer lag?", "--json")

    assert (0, 0) == (shown.returncode, as_json.returncode), shown.stderr + as_json.stderr
    end = orjson.loads(as_json.stdout)
    assert "AnswerCompleted" == end["type"]
    assert all(word in shown.stdout for word in end["text"].split())
    assert end["citations"][0]["source"] in shown.stdout


async def test_ingest_takes_every_format_and_tells_of_each_failure(running: Running, tmp_path: Path) -> None:
    """One bad file stops none of the others; exit 1 because of it."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.md").write_text("# Walrus\n\nThe walrus is a large marine mammal with tusks.")
    (folder / "b.html").write_text("<html><body><h1>Okapi</h1><p>The okapi is related to the giraffe.</p></body></html>")
    (folder / "c.jsonl").write_text('{"_id": "x1", "title": "Ibex", "text": "The ibex is a wild goat."}\n')
    (folder / "d.pdf").write_bytes(b"%PDF-1.4 broken")
    (folder / "e.txt").write_bytes(b"")

    done = await asyncio.to_thread(roxy, running, "ingest", str(folder), "--json")

    outcome = orjson.loads(done.stdout)
    assert 1 == done.returncode
    assert {"pages/a.md", "pages/b.html", "x1"} == {one["document_id"] for one in outcome["indexed"]}
    assert ["pages/d.pdf"] == [one["document_id"] for one in outcome["failed"]]
    assert ["pages/e.txt"] == [one["name"] for one in outcome["refused"]]
    session = await running.one.session()
    end = await running.one.answer(session, await running.one.ask(session, "What is the okapi related to?"))
    assert "giraffe" in end["text"]


async def test_an_error_is_one_sentence_with_a_remedy(running: Running) -> None:
    """No traceback."""
    env = environment(running.settings, url="http://127.0.0.1:9")
    argv = [sys.executable, "-m", "infra", "ask", "Anybody?"]
    done = await asyncio.to_thread(subprocess.run, argv, env=env, capture_output=True, text=True, timeout=60, check=False)

    assert 1 == done.returncode
    assert "roxy up" in done.stderr
    assert "Traceback" not in done.stderr
