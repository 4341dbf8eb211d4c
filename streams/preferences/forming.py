"""Forming: feedback to preference pairs, as it comes. The step of topic `feedback`.

What a judgement changes is told from the session's own log: the pairs with it, less those without it. So a record that comes twice, or again
after its worker died, leads to the same pairs, and a replay of `feedback` and `answers` (replay.py) to the same ones once more. A worker that
was paused meanwhile finds what was judged since when it has written, and mends what it wrote too late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from connectors.session_log.base import SessionLog
from connectors.session_log.judged_session import JudgedSession, judged_session
from schemas.cursor import Cursor
from schemas.errors import UnknownAnswer
from schemas.events import Feedback, FeedbackGiven, PreferencePairFormed
from schemas.feedback_check import require_sound
from schemas.session_id import Session
from schemas.topics import PREFERENCES
from streams.outlet import Output, Tombstones
from streams.preferences.judgements import Judgements
from streams.preferences.pairs import pairs_of

_LOOK_S = 1.0  # between two looks at an answer that is still being made: who judges it already can wait for the pair
_LOOKS = 600  # ten minutes: an answer that nobody ends by then must not hold up its partition


class Changes(NamedTuple):
    """What a judgement leads to."""

    formed: tuple[PreferencePairFormed, ...]
    gone: tuple[str, ...]  #: ids of pairs that hold no more

    @property
    def pair_ids(self) -> set[str]:
        return {pair.pair_id for pair in self.formed} | {*self.gone}


async def form(
    event: Feedback, session_log: SessionLog, untimed: AbstractContextManager[None], *, implicit_weight: float
) -> AsyncGenerator[Output, None]:
    """The judgement into its session, once; then the pairs that it forms and those that it takes back.

    Raises UnknownAnswer and InvalidFeedback for what the session's answers do not bear out, UnknownSession.
    """
    session = Session(event.tenant, event.session_id)
    with untimed:
        judged, read_from = await _once_answered(event, session_log, session)
    require_sound(event, judged.answers, under_way=judged.under_way, failed=judged.failed)
    if event not in judged.feedback:
        yield event
    changes = changes_of(event, judged, implicit_weight)
    while changes.pair_ids:
        for output in _outputs(changes):
            yield output
        later = await _later(event, session_log, session, read_from, judged)
        if later == judged:
            return
        judged, changes = later, mended(changes, event, later, implicit_weight)


def changes_of(event: Feedback, judged: JudgedSession, implicit_weight: float) -> Changes:
    """The pairs with the judgement that are new or other than without it, and those that are there only without it. Pure."""
    others = [each for each in judged.feedback if each != event]
    before = pairs_of(judged.answers, Judgements(others), implicit_weight=implicit_weight)
    after = pairs_of(judged.answers, Judgements([*others, event]), implicit_weight=implicit_weight)
    formed = tuple(pair for pair_id, pair in after.items() if before.get(pair_id) != pair)
    return Changes(formed, tuple(sorted(before.keys() - after.keys())))


def mended(written: Changes, event: Feedback, judged: JudgedSession, implicit_weight: float) -> Changes:
    """What was written, as it stands with what was judged meanwhile. Pure."""
    pairs = pairs_of(judged.answers, Judgements([*judged.feedback, event]), implicit_weight=implicit_weight)
    wrong = [pair for pair in written.formed if pairs.get(pair.pair_id) != pair]
    stale = {pair.pair_id for pair in wrong} | {pair_id for pair_id in written.gone if pair_id in pairs}
    return Changes(tuple(pairs[pair_id] for pair_id in sorted(stale & pairs.keys())), tuple(sorted(stale - pairs.keys())))


def _outputs(changes: Changes) -> Iterator[Output]:
    if changes.formed:
        yield changes.formed
    if changes.gone:
        yield Tombstones(PREFERENCES, changes.gone)


async def _later(event: Feedback, session_log: SessionLog, session: Session, after: Cursor, judged: JudgedSession) -> JudgedSession:
    """With what another worker has put into the session since it was read; of one session, only one that took over does so."""
    since = (await judged_session(session_log, session, after)).feedback
    fresh = tuple(each for each in since if each != event and each not in judged.feedback)
    return judged._replace(feedback=judged.feedback + fresh)


async def _once_answered(event: Feedback, session_log: SessionLog, session: Session) -> tuple[JudgedSession, Cursor]:
    """The session, when no answer that is judged is still being made; and a cursor behind which all lies that it does not know."""
    about = {event.answer_id, event.better_than} - {None} if isinstance(event, FeedbackGiven) else set()
    for _ in range(_LOOKS):
        end = await session_log.end(session)
        judged = await judged_session(session_log, session)
        if not about & judged.under_way:
            return judged, end
        await asyncio.sleep(_LOOK_S)
    raise UnknownAnswer(f"The answer {', '.join(sorted(map(str, about)))} was not ended within {_LOOKS * _LOOK_S:g} s.")
