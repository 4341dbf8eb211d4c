"""Forming: feedback to preference pairs, as it comes. The step of topic `feedback`.

What a judgement changes is told from the session's own log: the pairs with it, less those without it. So a record that comes twice, or again
after its worker died, leads to the same pairs, and a replay of `feedback` and `answers` (replay.py) to the same ones once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

from connectors.session_log.base import SessionLog
from schemas.errors import UnknownAnswer
from schemas.events import FeedbackGiven, PreferencePairFormed
from schemas.session_id import Session
from schemas.topics import PREFERENCES
from streams.outlet import Output, Tombstones
from streams.preferences.judged_session import JudgedSession, judged_session
from streams.preferences.judgements import Feedback, Judgements
from streams.preferences.pairs import pairs_of

_LOOK_S = 1.0  # between two looks at an answer that is still being made: who judges it already can wait for the pair


class Changes(NamedTuple):
    """What a judgement leads to."""

    formed: tuple[PreferencePairFormed, ...]
    gone: tuple[str, ...]  #: ids of pairs that hold no more


async def form(
    event: Feedback, session_log: SessionLog, untimed: AbstractContextManager[None], *, implicit_weight: float
) -> AsyncGenerator[Output, None]:
    """The judgement into its session, once; then the pairs that it forms and those that it takes back.

    Raises UnknownAnswer for feedback about an answer that the session does not have, UnknownSession.
    """
    session = Session(event.tenant, event.session_id)
    with untimed:
        judged = await _once_answered(event, session_log, session)
    if event.id not in {each.id for each in judged.feedback}:
        yield event
    changes = changes_of(event, judged, implicit_weight)
    if changes.formed:
        yield changes.formed
    if changes.gone:
        yield Tombstones(PREFERENCES, changes.gone)


def changes_of(event: Feedback, judged: JudgedSession, implicit_weight: float) -> Changes:
    """The pairs with the judgement that are new or other than without it, and those that are there only without it. Pure."""
    others = [each for each in judged.feedback if each.id != event.id]
    before = pairs_of(judged.answers, Judgements(others), implicit_weight=implicit_weight)
    after = pairs_of(judged.answers, Judgements([*others, event]), implicit_weight=implicit_weight)
    return Changes(tuple(_fresh(before, after)), tuple(sorted(before.keys() - after.keys())))


def _fresh(before: Mapping[str, PreferencePairFormed], after: Mapping[str, PreferencePairFormed]) -> list[PreferencePairFormed]:
    return [pair for pair_id, pair in after.items() if before.get(pair_id) != pair]


async def _once_answered(event: Feedback, session_log: SessionLog, session: Session) -> JudgedSession:
    """The session, when no answer that is judged is still being made."""
    while True:
        judged = await judged_session(session_log, session)
        about = {event.answer_id, event.better_than} - {None} if isinstance(event, FeedbackGiven) else set()
        if unknown := about - judged.begun:
            raise UnknownAnswer(f"The session {session.id} has no answer {', '.join(sorted(map(str, unknown)))}.")
        if not about & judged.open:
            return judged
        await asyncio.sleep(_LOOK_S)
