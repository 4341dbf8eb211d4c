"""tests/robustness/traffic: what clients do is written down as it was."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2

from tests.builders import a_query, a_record
from tests.robustness.findings import words_to_look_up
from tests.robustness.history_files import load
from tests.robustness.recorder import Recorder
from tests.robustness.traffic.client import Client
from tests.robustness.traffic.reader import PATIENT, Reader
from tests.robustness.traffic.world import World
from tests.unit.robustness.test_recorder import NOWHERE


async def test_a_reader_that_is_stopped_in_the_middle_has_hung(tmp_path: Path) -> None:
    """It was given up, at the end of the run: it had not left."""
    recorder, shown = Recorder(tmp_path), asyncio.Event()
    client = Client("acme-ann", "acme", addresses=["http://api"], recorder=recorder, seed=1)
    client.http = httpx2.AsyncClient(transport=httpx2.MockTransport(_hanging))
    reader = Reader(client, "t1", only={"query": "q1"}, habit=PATIENT)
    reader.seen = lambda frame: shown.set()
    following = asyncio.create_task(reader.follow(World()))
    await shown.wait()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    recorder.run(NOWHERE)

    (connection,) = load(tmp_path).connections

    assert ("hung", 1) == (connection.ended, len(connection.frames))


def test_the_last_word_of_each_document_is_looked_up() -> None:
    """Also of one that was deleted since, and however many there are; of the others some, by chance."""
    world = World()
    world.acknowledged["acme"] = {f"d{number}": f"last{number}" for number in range(30)}
    world.words["acme"] = [f"{kind}{number}" for kind in ("first", "last") for number in range(30)]
    few = World()
    few.acknowledged["acme"] = {"d1": "last"}
    few.words["acme"] = ["first", "last", "unknown"]

    assert {f"last{number}" for number in range(30)} == {*words_to_look_up(random.Random(1), world, "acme")}
    assert ["first", "last", "unknown"] == sorted(words_to_look_up(random.Random(1), few, "acme"))


def _hanging(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, content=_one_frame())


async def _one_frame() -> AsyncIterator[bytes]:
    """And then nothing."""
    yield b"id: c1\nevent: QueryAsked\ndata: " + (a_record(a_query()).value or b"") + b"\n\n"
    await asyncio.Event().wait()
