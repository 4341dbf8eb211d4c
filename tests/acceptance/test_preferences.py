"""Preference pairs from outside: a month of feedback while workers die, and the doors that feedback comes in by."""

from __future__ import annotations

import asyncio
import signal
from base64 import b64decode
from collections.abc import Sequence

import pytest

from connectors.journal import Journal, open_journal
from connectors.session_log import SessionLog, open_session_log
from infra.processes import Child
from schemas.codec import decode
from schemas.events import AnswerCompleted, Feedback, FeedbackGiven, FeedbackRetracted, RecordDeadLettered
from schemas.settings import Settings
from schemas.topics import DEAD_LETTERS, FEEDBACK
from streams.preferences.rebuild import held_pairs
from streams.preferences.replay import bounds_now, replayed_pairs
from streams.replay import history
from tests.acceptance.fleet import Fleet
from tests.acceptance.simulated_month import Month, answers_of, simulated_month
from tests.builders import CONTEXT, events_of

_WEIGHT = 0.1
_SEED = 6
_DONE_S = 90.0


@pytest.mark.timeout(300)  # a minute on two busy cores: three workers are started
async def test_a_month_of_feedback_leaves_the_pairs_that_a_replay_forms(fleet: Fleet) -> None:
    """Over 1,000 records, out of order and some of them twice, while two workers are killed: every pair is as it should be, and there is no other."""
    month = simulated_month(_SEED)
    async with open_journal(fleet.settings) as journal, open_session_log(fleet.settings) as session_log:
        await answer(month, journal, session_log)
        third = len(month.feedback) // 3
        parts = month.feedback[:third], month.feedback[third : 2 * third], month.feedback[2 * third :]
        first, second = await worker(fleet), await worker(fleet)
        await write(journal, parts[0])
        await fleet.signal(first, signal.SIGKILL)
        await worker(fleet)
        await write(journal, parts[1])
        await fleet.signal(second, signal.SIGKILL)
        await write(journal, parts[2])
        await all_done(journal, fleet.settings)

        mine = {session.id for session in month.sessions}
        live = {pair_id: pair for pair_id, pair in (await held_pairs(journal)).items() if pair is None or pair.session_id in mine}
        replayed = await replayed_pairs(journal, await bounds_now(journal), implicit_weight=_WEIGHT)
        letters = await dead_letters(journal, mine)

        assert {pair_id: pair for pair_id, pair in replayed.items() if pair.session_id in mine} == live
        assert (True, True) == (len(month.feedback) >= 1_000, len(live) >= 200), (len(month.feedback), len(live))
        assert month.unsound == len(letters)
        assert await in_sessions(month, session_log) == {event.model_dump_json() for event in month.feedback} - letters


async def worker(fleet: Fleet) -> Child:
    return await fleet.worker(implicit_weight=_WEIGHT, session_timeout_s=6)


async def answer(month: Month, journal: Journal, session_log: SessionLog) -> None:
    """What would have been asked and answered by then."""
    for session in month.sessions:
        await session_log.create(session)
        events = [event for question in answers_of(session) for event in question]
        await session_log.append(session, events, CONTEXT)
        await journal.append_all([event for event in events if isinstance(event, AnswerCompleted)], CONTEXT)


async def write(journal: Journal, feedback: Sequence[Feedback]) -> None:
    """A little at a time, so that a worker is in the middle of it when it dies."""
    for begin in range(0, len(feedback), 50):
        await journal.append_all(feedback[begin : begin + 50], CONTEXT)
        await asyncio.sleep(0.1)


async def all_done(journal: Journal, settings: Settings) -> None:
    """Every record of `feedback` is acknowledged."""
    ends = await journal.ends(FEEDBACK)
    async with asyncio.timeout(_DONE_S):
        while any(done < ends[partition] for partition, done in (await journal.noted(FEEDBACK, settings.consumer_group)).items()):
            await asyncio.sleep(0.5)


async def dead_letters(journal: Journal, sessions: set[str]) -> set[str]:
    """The feedback in them, each once: a record that came to two workers may lie there twice."""
    found = set[str]()
    async for records in history(journal, DEAD_LETTERS, await journal.ends(DEAD_LETTERS)):
        for letter in map(decode, records):
            assert isinstance(letter, RecordDeadLettered)
            if letter.topic == FEEDBACK.name and letter.original_key in sessions:
                assert letter.error in ("unknown-answer", "invalid-feedback"), letter
                found.add(original(letter))
    return found


def original(letter: RecordDeadLettered) -> str:
    return FeedbackGiven.model_validate_json(b64decode(letter.original_value or "")).model_dump_json()


async def in_sessions(month: Month, session_log: SessionLog) -> set[str]:
    """All feedback that the sessions hold."""
    held = [event for session in month.sessions for event in await events_of(session_log, session)]
    return {event.model_dump_json() for event in held if isinstance(event, FeedbackGiven | FeedbackRetracted)}
