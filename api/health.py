"""Health: /health/live (the process runs), /health/ready (it can serve), /metrics. Live and ready need no key, metrics the role operate."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api.metrics import CONTENT_TYPE
from api.principal import Principal, require
from api.problems import refusals
from api.wiring import Wired
from connectors.journal.base import Journal
from schemas.errors import LogUnavailable, ShuttingDown, Unavailable
from schemas.http_bodies import Health
from schemas.topics import INGESTIONS

router = APIRouter(tags=["operation"])
ASK_AGAIN_S = 1.0  # probes come from many sides; Kafka is asked once a second at most
ANSWER_S = 2.0


class KafkaProbe:
    """Whether the log answers, asked when somebody wants to know."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._answered_at = float("-inf")

    async def require(self) -> None:
        """Raises LogUnavailable."""
        if time.monotonic() < self._answered_at + ASK_AGAIN_S:
            return
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._journal.ends(INGESTIONS)
        except TimeoutError as error:
            raise LogUnavailable(f"Kafka did not answer within {ANSWER_S:g} s.") from error
        self._answered_at = time.monotonic()


@router.get("/health/live")
async def live() -> Health:
    """The process runs."""
    return Health(status="live")


@router.get("/health/ready", responses={503: refusals()[503]})
async def ready(request: Request, wired: Wired) -> Health:
    """Kafka answers, and what this process keeps of it is up to date. Not while it drains."""
    if wired.streams.draining:
        raise ShuttingDown
    probe: KafkaProbe = request.app.state.probe
    await probe.require()
    if not wired.ingestions.caught_up:
        raise Unavailable("The documents' statuses are still being read.")
    return Health(status="ready")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **refusals()})
async def metrics(wired: Wired, _: Annotated[Principal, Depends(require("operate"))]) -> Response:
    """What the process counts, in Prometheus' text form."""
    return Response(wired.metrics.text(), media_type=CONTENT_TYPE)
