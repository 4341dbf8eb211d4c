"""What a session's log already holds of one answer: the fold that a redelivered record begins with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from connectors.language_model.base import LanguageModel
from connectors.session_log.base import Gap, SessionLog, SessionRecord
from schemas.attempts import AttemptFilter
from schemas.codec import decode, decoded
from schemas.cursor import Cursor
from schemas.events import (
    TERMINAL,
    ChunksRetrieved,
    Event,
    GenerationStarted,
    QueryAsked,
    QueryCancelled,
    RegenerationAsked,
    TokensGenerated,
    answer_id_of,
)
from schemas.session_id import Session


class AnswerSoFar(NamedTuple):
    """The fold of an answer's records."""

    asked_at: int | None = None  #: offset of the QueryAsked, or RegenerationAsked, that asks for it
    query: QueryAsked | None = None  #: of a question's first answer
    found: ChunksRetrieved | None = None
    cancelled_by: str | None = None
    begun: GenerationStarted | None = None  #: tells who has said what is out
    texts: tuple[str, ...] = ()  #: by index of TokensGenerated
    end: Event | None = None  #: for the audit, should it be missing there

    @property
    def ended(self) -> bool:
        return self.end is not None

    @property
    def audit(self) -> Sequence[Event]:
        """The session holds the end of the answer; whether the audit record came out too, before its worker died, nobody knows: once more."""
        return (self.end,) if self.end is not None else ()

    @property
    def ended_before_found(self) -> bool:
        """It ended before its chunks were in the session: most likely the step on `queries` has ended it, and sees to its audit record."""
        return self.ended and self.found is None

    @property
    def asked(self) -> bool:
        return self.asked_at is not None

    def said_by(self, model: LanguageModel) -> bool:
        """Whether what is out is this model's, set as it is now: it alone can go on behind it."""
        return self.begun is not None and (self.begun.model, self.begun.parameters) == (model.name, model.parameters)

    @property
    def text(self) -> str:
        return "".join(self.texts)


async def fold(records: AsyncIterator[SessionRecord | Gap], query_id: str, answer_id: str | None = None) -> AnswerSoFar:
    """What counts of an answer's records, in order; those of other answers are passed over. None: the query's first answer."""
    so_far, counts, wanted = AnswerSoFar(), AttemptFilter(), answer_id or answer_id_of(query_id)
    async for record in records:
        if not isinstance(record, SessionRecord) or record.marks.correlation != query_id:
            continue
        if record.marks.answer in (None, wanted.encode()) and counts.admits(record.marks):
            so_far = _apply(so_far, record, wanted)
    return so_far


async def read_back(session_log: SessionLog, session: Session, query_id: str, first_offset: int | None, answer_id: str | None = None) -> AnswerSoFar:
    """Read what is out, from the offset of the session's QueryAsked on if it is known."""
    after: Cursor | None = None
    if first_offset is not None:
        after = (await session_log.end(session))._replace(offset=first_offset)
    return await fold(session_log.history(session, after), query_id, answer_id)


async def holds(session_log: SessionLog, event: QueryCancelled) -> bool:
    """Whether the event is in its session's log."""
    async for record in session_log.history(Session(event.tenant, event.session_id), tokens=False):
        if isinstance(record, SessionRecord) and record.marks.type == event.type:
            there = decoded(record.record)
            if there is not None and there.id == event.id:
                return True
    return False


def _apply(so_far: AnswerSoFar, record: SessionRecord, answer_id: str) -> AnswerSoFar:
    event = decode(record.record)
    if getattr(event, "answer_id", None) not in (None, answer_id):  # a question asks for its first answer
        return so_far
    if event.type in TERMINAL:
        return so_far._replace(end=event)
    match event:
        case QueryAsked() if not so_far.asked:
            return so_far._replace(asked_at=record.record.offset, query=event)
        case RegenerationAsked() if not so_far.asked:  # what was cancelled before does not mean it
            return so_far._replace(asked_at=record.record.offset, cancelled_by=None)
        case ChunksRetrieved():
            return so_far._replace(found=event)
        case QueryCancelled():
            return so_far._replace(cancelled_by=event.cancelled_by)
        case GenerationStarted():
            texts = so_far.texts[: event.resumes_at]
            return so_far._replace(texts=texts, begun=so_far.begun if texts else event)
        case TokensGenerated() if event.index <= len(so_far.texts):  # behind a hole nothing counts
            return so_far._replace(texts=(*so_far.texts[: event.index], event.text))
    return so_far
