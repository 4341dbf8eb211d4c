"""What becomes of a question when its model's server fails in every way that servers fail: the table of docs/howto/when-a-model-fails.md.

Real worker, real API, a watching client; a server that behaves as each question tells it to. All questions are asked at once.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from infra.environment import PROJECT
from infra.ports import free_block
from schemas.events import TERMINAL
from schemas.settings import Settings
from tests.acceptance.fleet import Api, Fleet
from tests.acceptance.watching import Watch, ask_watched
from tests.contract.model_servers import OLLAMA, Behaviour, Reply, Server, serving

PAGE = PROJECT / "docs/howto/when-a-model-fails.md"
SAID = ("Lag", " is", " how", " far", " a", " reader", " is", " behind.")
OTHER = "The next model says so."
FALLBACK = f'scripted:{{"text": "{OTHER}"}}'
TRIES = 4
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


async def works(reply: Reply) -> None:
    """It goes on behind what it is told that it has said, as Ollama does."""
    last = reply.body["messages"][-1]
    begun = last["content"] if last["role"] == "assistant" else ""
    await reply.say("".join(SAID).removeprefix(begun))
    await reply.end()


async def is_silent(reply: Reply) -> None:
    await asyncio.Event().wait()


async def falls_silent(reply: Reply) -> None:
    await reply.say(*SAID[:2])
    await is_silent(reply)


async def breaks_off(reply: Reply) -> None:
    await reply.say(*SAID[:3])


async def sends_garbage(reply: Reply) -> None:
    await reply.say()
    await reply.send(b"<html>Bad gateway</html>\n")
    await reply.close()


def refuses(status: int, **headers: str) -> Behaviour:
    return lambda reply: reply.refuse(status, **headers)


#: By the word in the question: the row of the table, and what the server does, time after time, the last of it for ever.
FAULTS: dict[str, tuple[str, tuple[Behaviour, ...]]] = {
    "nobody": ("nobody is there", ()),
    "wrong": ("refuses the request, HTTP 400", (refuses(400),)),
    "waiting": ("silent before its first token", (is_silent,)),
    "stuck": ("silent between two tokens", (falls_silent,)),
    "cut": ("breaks off", (breaks_off,)),
    "once": ("breaks off once", (breaks_off, works)),
    "strange": ("sends what is no answer", (sends_garbage,)),
    "busy": ("HTTP 429 with `Retry-After`, once", (refuses(429, Retry_After="1"), works)),
    "ill": ("HTTP 500 three times", (refuses(500), refuses(500), refuses(500), works)),
    "broken": ("HTTP 500 for good", (refuses(500),)),
}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Behaves as the question says."""
    asked: Counter[str] = Counter()

    async def behave(reply: Reply) -> None:
        question = next(turn["content"] for turn in reversed(reply.body["messages"]) if turn["role"] == "user")
        fault = next(word for word in FAULTS if f"case {word} " in question)
        behaviours = FAULTS[fault][1]
        asked[fault] += 1
        await behaviours[min(asked[fault], len(behaviours)) - 1](reply)

    async with serving(OLLAMA, behave) as server:
        yield server


@pytest.fixture
async def asking(settings: Settings, server: Server) -> AsyncIterator[Fleet]:
    """Processes that ask that server, and for one word in a question a server that is not there."""
    routes = [{"name": "absent", "tier": "large", "pattern": "case nobody"}, {"name": "all", "tier": "small"}]
    changed = {
        "ollama_url": f"http://127.0.0.1:{server.port}",
        "openai_url": f"http://127.0.0.1:{free_block(1)}/v1",
        "tiers": {"small": "ollama:small", "large": "openai:absent"},
        "routes": routes,
        **{"model_connect_s": 1, "model_first_token_s": 1, "model_between_tokens_s": 1, "model_total_s": 5},
        **{"step_tries": TRIES, "breaker_failures": 1_000, "refusals": False, "answer_cache": False},
    }
    fleet = Fleet(Settings.model_validate({**settings.model_dump(), **changed}))
    yield fleet
    await fleet.close()


def documented(column: int) -> dict[str, str]:
    """A column of the table."""
    rows = _ROW.findall(PAGE.read_text())
    named = {name for name, _ in FAULTS.values()}
    return {row[0].strip(): row[column].strip() for row in rows if row[0].strip() in named}


async def ask(api: Api, word: str) -> Watch:
    watch = await ask_watched(api, f"What is told of the case {word} in the books?")
    await watch.task
    return watch


async def outcome(watch: Watch) -> str:
    """In the table's words."""
    starts = [frame for frame in await watch.api.history(watch.session) if frame.type == "GenerationStarted"]
    tries = sum(frame.event["route"]["instead_of"] is None for frame in starts)
    if watch.end["type"] == "AnswerCompleted":
        instead = watch.end["route"]["instead_of"]
        return f"answered by the next model at try {tries}" if instead else f"answered at try {tries}"
    return f"`{watch.end['error']}` at try {tries}, {'may be asked again' if watch.end['retryable'] else 'for good'}"


async def assert_one_answer(watch: Watch) -> None:
    """One end, no token doubled or missing, the text that is told in the end is the one that was seen."""
    ends = [frame for frame in await watch.api.history(watch.session) if frame.type in TERMINAL]

    assert ([], 1, 1) == (watch.wrong, len(watch.ends), len(ends))
    if watch.end["type"] == "AnswerCompleted":
        expected = OTHER if watch.end["route"]["instead_of"] else "".join(SAID)
        assert expected == watch.text.removesuffix(" [1]") == watch.end["text"].removesuffix(" [1]")


@pytest.mark.parametrize(("column", "fallback"), [(1, ()), (2, (FALLBACK,))], ids=["alone", "with a next model"])
async def test_every_fault_ends_as_the_table_says(asking: Fleet, column: int, fallback: tuple[str, ...]) -> None:
    """Never in a stream that hangs, and never in a doubled token."""
    await asking.worker(fallback_models=fallback)
    api = await asking.api()

    watches = dict(zip(FAULTS, await asyncio.gather(*(ask(api, word) for word in FAULTS)), strict=True))

    assert documented(column) == {FAULTS[word][0]: await outcome(watch) for word, watch in watches.items()}
    for watch in watches.values():
        await assert_one_answer(watch)


async def test_the_last_try_waits_until_a_model_that_is_left_alone_may_be_tried(asking: Fleet, server: Server) -> None:
    """With the breaker as it is set by default, a server that fails three times and then works has answered at the fourth."""
    await asking.worker(breaker_failures=Settings().breaker_failures, breaker_reset_s=1)
    api = await asking.api()

    watch = await ask(api, "ill")

    assert ("answered at try 4", TRIES) == (await outcome(watch), server.requests("the case ill in"))


async def test_a_model_that_failed_is_left_alone_while_the_next_one_answers(asking: Fleet, server: Server) -> None:
    """No question waits for it; the ones behind are told whom they are answered for."""
    await asking.worker(fallback_models=(FALLBACK,), breaker_failures=1, breaker_reset_s=600)
    api = await asking.api()

    answers = [await ask(api, "waiting") for _ in range(3)]

    assert 1 == server.requests("the case waiting in")
    assert [("scripted", "ollama:small")] * 3 == [(watch.end["model"], watch.end["route"]["instead_of"]) for watch in answers]
