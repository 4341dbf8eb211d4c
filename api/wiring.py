"""What the routes work with, put together once by api/app.py and handed to them as a dependency."""

from __future__ import annotations

from typing import Annotated, NamedTuple, cast

from fastapi import Depends
from opentelemetry import trace
from starlette.requests import Request

from api.admission import Admission
from api.ingestions import Ingestions
from api.insight_rows import InsightRows
from api.metrics import Metrics
from api.open_streams import OpenStreams
from api.posted_keys import PostedKeys
from api.presence import Presence
from connectors.journal.base import Journal
from connectors.observability import traceparent_of
from connectors.session_log.base import SessionLog
from schemas.answer_bodies import AnswerAccepted
from schemas.codec import Context
from schemas.cursor import Cursor, CursorSigner
from schemas.http_bodies import QueryAccepted
from schemas.session_id import Session
from schemas.settings import Settings

SOURCE = "/roxy/api"


class Wiring(NamedTuple):
    """The ports and what this process keeps in memory."""

    settings: Settings
    journal: Journal
    session_log: SessionLog
    signer: CursorSigner
    streams: OpenStreams
    presence: Presence
    admission: Admission
    ingestions: Ingestions
    insights: InsightRows
    posted: PostedKeys[QueryAccepted]
    asked_again: PostedKeys[AnswerAccepted]
    metrics: Metrics

    def sign(self, cursor: Cursor, session: Session) -> str:
        return self.signer.sign(cursor, tenant=session.tenant, session_id=session.id)


def context() -> Context:
    """What a record written now says of where it came from: this request's span."""
    return Context(SOURCE, traceparent_of(trace.get_current_span()))


def _wiring(request: Request) -> Wiring:
    return cast(Wiring, request.app.state.wiring)


Wired = Annotated[Wiring, Depends(_wiring)]
