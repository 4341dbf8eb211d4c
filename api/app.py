"""The API as an ASGI app: `create_app(settings, journal, session_log)`. The ports come opened; api/server.py closes them after it."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import answers, documents, events, feedback, flags, health, history, insights, problems, queries, review, sessions, usage
from api.admission import Admission
from api.delivery_spans import DeliverySpans
from api.front import Front
from api.health import KafkaProbe
from api.ingestions import Ingestions
from api.insight_rows import InsightRows
from api.loop_lag import LoopLag
from api.metrics import Metrics
from api.open_streams import OpenStreams
from api.posted_keys import PostedKeys
from api.presence import Presence
from api.principal import Principals
from api.protocols import mcp_mount, openai_chat, openai_models, openai_responses, ui_chat
from api.unanswered import Unanswered
from api.wiring import Wiring
from connectors.journal.base import Journal
from connectors.session_log.base import SessionLog
from schemas.cursor import CursorSigner
from schemas.http_bodies import DocumentWanted, Problem, RecordsPolled
from schemas.openai_bodies import OpenAiProblem
from schemas.settings import Settings

ROUTERS = (
    sessions,
    queries,
    answers,
    events,
    history,
    usage,
    feedback,
    review,
    documents,
    flags,
    insights,
    health,
    openai_models,
    openai_chat,
    openai_responses,
    ui_chat,
)


def create_app(*, settings: Settings, journal: Journal, session_log: SessionLog) -> FastAPI:
    """The app over these ports."""
    app = FastAPI(
        title="Roxy",
        version="1",
        description="Ask questions over your documents; every question, passage, token and judgement is a record that can be read again.",
        lifespan=_lifespan,
        redirect_slashes=False,
        redoc_url=None,
        # A span per request; not one per dependency and serializer, which would cost more than the request (libraries.md: 792 us against 555).
        telemetry={"operation_spans": False, "metrics": False, "logs": False},
    )
    wiring = _wire(settings, journal, session_log)
    app.state.wiring = wiring
    app.state.principals = Principals(settings.api_keys)
    app.state.probe = KafkaProbe(journal)
    app.state.delivery_spans = DeliverySpans(wanted=settings.traces != "none")
    app.add_middleware(Front, settings=settings, metrics=wiring.metrics)
    problems.install(app)
    for module in ROUTERS:
        app.include_router(module.router)
    app.state.tools = mcp_mount.mount(app, wiring)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    wiring: Wiring = app.state.wiring
    async with (
        wiring.ingestions.followed(),
        wiring.insights.followed(),
        wiring.presence.told(),
        wiring.admission.watched(),
        mcp_mount.running(app.state.tools),
    ):
        yield


def _wire(settings: Settings, journal: Journal, session_log: SessionLog) -> Wiring:
    metrics, presence = Metrics(), Presence(journal, settings.unread_cancel_min * 60)
    admission = Admission(settings, metrics, Unanswered(journal, time.monotonic), LoopLag())
    return Wiring(
        settings=settings,
        journal=journal,
        session_log=session_log,
        signer=CursorSigner(_cursor_secret(settings)),
        streams=OpenStreams(most=settings.sse_max_per_principal, metrics=metrics, presence=presence, admission=admission),
        presence=presence,
        admission=admission,
        ingestions=Ingestions(journal),
        insights=InsightRows(journal, settings.insights_days),
        posted=PostedKeys(time.monotonic),
        asked_again=PostedKeys(time.monotonic),
        metrics=metrics,
    )


def _cursor_secret(settings: Settings) -> bytes:
    if settings.cursor_secret is not None:
        return settings.cursor_secret.get_secret_value().encode()
    structlog.get_logger(__name__).warning(
        "cursor_secret_unset", effect="cursors are refused by other API processes and after a restart", remedy="Set ROXY_CURSOR_SECRET."
    )
    return os.urandom(32)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, with the bodies that routes name by reference."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        known = document["components"]["schemas"]
        for body in (Problem, RecordsPolled, DocumentWanted, OpenAiProblem):
            schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
            known |= {**schema.pop("$defs", {}), body.__name__: schema}
        app.openapi_schema = document
    return app.openapi_schema
