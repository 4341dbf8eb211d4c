"""A worker dies, or is paused, in the middle of many answers at once, each at another token: each of them ends once, whole, the same."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson
import pytest

from connectors.session_log import open_session_log
from infra.ingest import submit_and_wait
from schemas.events import DocumentSubmitted
from schemas.session_id import Session
from schemas.settings import Settings
from tests.acceptance.fleet import Api, Fleet
from tests.acceptance.held_worker import EVERY
from tests.acceptance.watching import WATCH_S, Watch, ask_watched, assert_one_whole_answer
from tests.builders import as_read, records_of
from tests.reciting_model import NAME

TOKENS = 200
QUESTION = "Where does the walrus colony rest?"
_LATE_S = 3.0  # in which a worker that has woken up writes what it still can


class Kind(NamedTuple):
    """A model that an answer of 200 tokens comes from."""

    name: str
    language_model: str


def scripted(resumes: str, **script: object) -> Kind:
    return Kind(f"scripted-{resumes}", "scripted:" + orjson.dumps({"tokens": TOKENS, "resumes": resumes, **script}).decode())


EXTRACTIVE, OLLAMA = Kind("extractive", "extractive"), Kind("ollama", f"ollama:{NAME}")
RESUMES = ("prefix", "rerun", "restart")


@pytest.fixture
async def kept(settings: Settings) -> AsyncIterator[Fleet]:
    """Processes that give no answer a second time and refuse none: each question is to be answered by the model."""
    fleet = Fleet(settings.model_copy(update={"answer_cache": False, "refusals": False}))
    yield fleet
    await fleet.close()


@pytest.mark.parametrize("kind", [EXTRACTIVE, *map(scripted, RESUMES)], ids=lambda kind: kind.name)
async def test_a_worker_killed_at_every_fifth_token_leaves_whole_answers(kept: Fleet, kind: Kind) -> None:
    """40 answers stand at 5, 10, … 200 tokens when their worker gets SIGKILL; the next one ends them all, as if nothing had been."""
    await killed_at_every_fifth_token(kept, kind)


@pytest.mark.full
@pytest.mark.timeout(400)  # 80 answers of a server that writes few at a time
async def test_a_real_models_worker_killed_at_every_fifth_token_leaves_whole_answers(kept: Fleet, ollama_server: Settings) -> None:
    """The same of a model on a server, which goes on behind what is out."""
    await killed_at_every_fifth_token(kept, OLLAMA, ollama_url=ollama_server.ollama_url, top_k=1)  # it reads a character a token


@pytest.mark.parametrize("resumes", RESUMES)
async def test_a_paused_worker_that_wakes_up_late_changes_nothing(kept: Fleet, resumes: str) -> None:
    """SIGSTOP in the middle of 12 answers, for as long as another takes to finish half of them; then SIGCONT, while it writes the others."""
    model = scripted(resumes, per_token_s=0.05).language_model
    paused, api = await kept.worker(language_model=model), await kept.api()
    watches = await asked_in_turn(api, 12, pause_s=0.5)
    await kept.signal(paused, signal.SIGSTOP, wait=False)
    await kept.worker(language_model=model)
    while sum(watch.task.done() for watch in watches) < len(watches) // 2:
        await asyncio.sleep(0.1)

    await kept.signal(paused, signal.SIGCONT, wait=False)

    await asyncio.gather(*(watch.task for watch in watches))
    await asyncio.sleep(_LATE_S)
    await assert_ended_once(kept.settings, watches, await undisturbed(api))


async def killed_at_every_fifth_token(fleet: Fleet, kind: Kind, **changed: object) -> None:
    held, api = await fleet.worker("tests.acceptance.held_worker", language_model=kind.language_model, **changed), await fleet.api()
    if kind in (EXTRACTIVE, OLLAMA):  # which quote and cite
        await submit_and_wait(fleet.settings, documents())
    watches = await asked_in_turn(api, TOKENS // EVERY)
    await all_stand(watches)
    await fleet.signal(held, signal.SIGKILL)
    await fleet.worker(language_model=kind.language_model, model_concurrency=4, **changed)
    await asyncio.gather(*(watch.task for watch in watches))

    await assert_ended_once(fleet.settings, watches, await undisturbed(api))


async def all_stand(watches: list[Watch]) -> None:
    """Until each answer is where it is held; a citation at the end may be kept back until the next word."""
    places = range(EVERY, TOKENS + 1, EVERY)
    async with asyncio.timeout(WATCH_S):
        while not all(place - 1 <= words <= place for place, words in zip(places, sorted(map(words_out, watches)), strict=True)):
            await asyncio.sleep(0.1)


def words_out(watch: Watch) -> int:
    return len(watch.text.split())


async def assert_ended_once(settings: Settings, watches: list[Watch], text: str) -> None:
    """What the client saw, and the fold of the log behind it, are one and the same."""
    async with open_session_log(settings) as session_log:
        for watch in watches:
            assert_one_whole_answer(watch, text)
            records = await records_of(session_log.history(Session("default", watch.session)))
            folded, ends = as_read(records)

            assert (text, [watch.end]) == (folded, [end.model_dump(mode="json") for end in ends])


async def undisturbed(api: Api) -> str:
    """What the model says by now, when nobody disturbs it."""
    watch = await ask_watched(api, QUESTION)
    await watch.task

    assert TOKENS <= len(watch.text.split())
    return watch.text


def documents() -> list[DocumentSubmitted]:
    """Five long sentences that answer the question, none like another."""
    return [a_document(herd, " ".join(f"{herd}{one}{two}" for one in "aeiou" for two in "klmnprst")) for herd in ("bo", "du", "fe", "gi", "ha")]


def a_document(herd: str, places: str) -> DocumentSubmitted:
    said = f"The walrus colony {herd} rests at {places}."
    about = {"tenant": "default", "document_id": herd, "source": f"{herd}.txt", "title": f"Herd {herd}"}
    return DocumentSubmitted(**about, id=herd, content_type="text/plain", content=said)


async def asked_in_turn(api: Api, count: int, *, pause_s: float = 0.0) -> list[Watch]:
    """So many questions, each in a session of its own, of one placement and the other in turn."""
    watches = list[Watch]()
    for number in range(count):
        watches.append(await ask_watched(api, QUESTION, placement=("topic", "lane")[number % 2]))
        await asyncio.sleep(pause_s)
    return watches
