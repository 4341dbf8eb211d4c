"""Workers that stop, die and come; many questions at once."""

from __future__ import annotations

import asyncio
import signal

import orjson
import pytest

from tests.acceptance.fleet import Api, Fleet, Frame, words_of


def scripted(**script: object) -> str:
    return "scripted:" + orjson.dumps(script).decode()


async def asked(api: Api, count: int) -> list[tuple[str, dict]]:
    """So many questions, each in a session of its own, at once."""
    sessions = await asyncio.gather(*(api.session("lane") for _ in range(count)))
    return list(zip(sessions, await asyncio.gather(*(api.ask(session, "What now?") for session in sessions)), strict=True))


async def test_64_questions_at_once_do_not_wait_for_each_other(fleet: Fleet) -> None:
    """Each takes the model 8 s, in which a busy machine begins them all, whatever partitions they hash to. There are more places than questions, for
    the worker, new in its group, is also given what other tests have left open on the broker."""
    await fleet.worker(language_model=scripted(tokens=5, delay_s=8.0), model_concurrency=128, concurrency=256)
    api = await fleet.api()

    ends = await asyncio.gather(*(api.answer(session, accepted) for session, accepted in await asked(api, 64)))

    assert ["AnswerCompleted"] * 64 == [end["type"] for end in ends]
    assert max(end["took_ms"] for end in ends) >= 8_000
    times = sorted(end["time"] for end in ends)
    begun = sorted(
        [frame.event["time"] for session in ends for frame in await api.history(session["session_id"]) if frame.type == "GenerationStarted"]
    )
    assert begun[-1] < times[0], "the last answer was begun before the first had ended: none waited for another"


async def test_a_worker_told_to_stop_finishes_or_hands_over(fleet: Fleet) -> None:
    """SIGTERM in the middle of 12 answers, with a second worker there: every question ends in its whole answer."""
    model = scripted(tokens=40, per_token_s=0.05)
    first = await fleet.worker(language_model=model, drain_s=0.5)
    await fleet.worker(language_model=model)
    api = await fleet.api()
    questions = await asked(api, 12)
    await asyncio.sleep(0.7)

    await fleet.signal(first, signal.SIGTERM)

    await each_ends_once(api, questions)


async def test_a_killed_workers_answers_are_taken_over(fleet: Fleet) -> None:
    """SIGKILL in the middle of 12 answers; a watching reader sees each index once."""
    model = scripted(tokens=60, per_token_s=0.05)
    first = await fleet.worker(language_model=model)
    await fleet.worker(language_model=model)
    api = await fleet.api()
    questions = await asked(api, 12)
    watching = asyncio.gather(*(api.frames(session, after=accepted["cursor"], query=accepted["query_id"]) for session, accepted in questions))
    await asyncio.sleep(1.0)

    await fleet.signal(first, signal.SIGKILL)

    for frames in await watching:
        assert_whole(frames)
    await each_ends_once(api, questions)


async def test_an_answer_goes_on_at_the_next_worker_alone(fleet: Fleet) -> None:
    """No other worker is there when it dies: the one that is started later continues, and nothing is said twice."""
    model = scripted(tokens=60, per_token_s=0.05)
    first, api = await fleet.worker(language_model=model), await fleet.api()
    questions = await asked(api, 3)
    for session, accepted in questions:
        begun = await api.frames(session, after=accepted["cursor"], query=accepted["query_id"], most=6)
        assert "TokensGenerated" in [frame.type for frame in begun]
    await fleet.signal(first, signal.SIGKILL)

    await fleet.worker(language_model=model)

    await each_ends_once(api, questions)
    attempts = {frame.event["attempt"] for frame in await api.history(questions[0][0]) if frame.type == "GenerationStarted"}
    assert len(attempts) == 2


@pytest.mark.parametrize("model_of", ["same", "other"])
async def test_a_cancelled_answer_stops(fleet: Fleet, model_of: str) -> None:
    """Cancelled at an API process that did not take the question; no token follows the terminal record."""
    await fleet.worker(language_model=scripted(tokens=2_000, per_token_s=0.02))
    one, two = await fleet.api(), await fleet.api()
    session = await one.session()
    accepted = await one.ask(session, "Tell me everything.")
    canceller = one if model_of == "same" else two
    async with one.stream(session, after=accepted["cursor"], query=accepted["query_id"]) as stream:
        frames: list[Frame] = []
        async for frame in stream:
            frames.append(frame)
            if len(frames) == 10:
                await canceller.post(f"/v1/sessions/{session}/queries/{accepted['query_id']}/cancel", {})

    assert "AnswerCancelled" == frames[-1].type
    assert frames[-1].event["tokens_end"] < 500
    kinds = [frame.type for frame in await one.history(session)]
    assert "TokensGenerated" not in kinds[kinds.index("AnswerCancelled") :], "what stopped it may be told of before or after"


async def each_ends_once(api: Api, questions: list[tuple[str, dict]]) -> None:
    for session, accepted in questions:
        assert_whole(await api.frames(session, after=accepted["cursor"], query=accepted["query_id"]))


def assert_whole(frames: list[Frame]) -> None:
    """One terminal event, the last; its text is that of the tokens; indexes contiguous from 0."""
    assert "AnswerCompleted" == frames[-1].type, frames
    assert 1 == sum(frame.type.startswith("Answer") for frame in frames)
    assert list(range(frames[-1].event["tokens_end"])) == [frame.event["index"] for frame in frames if frame.type == "TokensGenerated"]
    assert frames[-1].event["text"] == words_of(frames)
