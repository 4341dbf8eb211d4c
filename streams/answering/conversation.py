"""Conversation: what of its session a model is told beside the question, read from the log.

Never from the client: what somebody says that was said is no record. The last turns are told as they were, older ones in a line each. Told
is a turn whose answer is whole. Not told are courtesies; what failed, was cancelled, or was still under way, because a question without an
answer is no turn of a chat; what was refused or found fault with, because nobody is to speak of it; and that the documents do not hold an
answer, because a model that is told so once says so again. Citations are taken out: the numbers were those of other chunks.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors.language_model import base
from connectors.language_model.extractive import NO_ANSWER
from connectors.session_log.base import SessionLog
from schemas.events import ChunksRetrieved
from schemas.session_id import Session
from schemas.settings import Settings
from streams.answering.citations import without_citations
from streams.answering.summary import line_of
from streams.turns import Turn, Turns, far


class Told(NamedTuple):
    """What a model may be told; both oldest first, by query id."""

    verbatim: tuple[tuple[str, base.Turn], ...] = ()
    older: tuple[tuple[str, str], ...] = ()  #: a line each


class Conversations:
    """What was said in sessions."""

    def __init__(self, session_log: SessionLog) -> None:
        self.turns = Turns(session_log)

    async def before(self, found: ChunksRetrieved, settings: Settings) -> Told:
        """What was said in the session before this question."""
        if not settings.history_turns:
            return Told()
        session = Session(found.tenant, found.session_id)
        return told_of(await self.turns.before(session, found.query_id, found.session_offset, reach=(far(session),)), settings.history_turns)


def told_of(turns: tuple[Turn, ...], verbatim: int) -> Told:
    """The last turns as they were, those before in a line each."""
    said = [(turn.query_id, base.Turn(turn.text, without_citations(turn.answer).strip())) for turn in turns if not turn.withheld]
    telling = [(query_id, turn) for query_id, turn in said if turn.answer not in ("", NO_ANSWER)]
    older, last = telling[:-verbatim], telling[-verbatim:]
    return Told(tuple(last), tuple((query_id, line_of(turn)) for query_id, turn in older))
