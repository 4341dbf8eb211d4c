"""MCP's tools `ask` and `search`, by the official package (extra `mcp`). api/protocols/mcp_mount.py is the way to them.

Each call asks a question; what comes back is read from the session's records. `search` is a question too, as the API has no index: it returns
what was retrieved, and cancels the answer, which nobody waits for. A client that goes away cancels nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from api.principal import Principal
from api.protocols.asking import ask_anywhere
from api.protocols.following import wait_for
from api.queries import cancel_in
from api.wiring import Wiring
from schemas.errors import RoxyError
from schemas.events import (
    AnswerCancelled,
    AnswerCompleted,
    AnswerFailed,
    CachedAnswer,
    ChunksRetrieved,
    Citation,
    Event,
    RetrievedChunk,
    TokensGenerated,
)

_NAMED = "A session to ask in, so that a question may lean on those before it; one of its own if left out."
MOST_CHUNKS = 50


class CitedAnswer(BaseModel):
    """What `ask` returns."""

    answer: str
    answered: bool = Field(description="False: the documents do not hold the answer, and the text says so.")
    citations: list[Citation]
    cached: CachedAnswer | None = Field(description="The answer that this was before, to the same question or to one that means the same.")
    session_id: str
    query_id: str


class Found(BaseModel):
    """What `search` returns."""

    chunks: list[RetrievedChunk] = Field(description="Passages of documents, the best first.")
    session_id: str
    query_id: str


class Tools:
    """The tools over these ports."""

    def __init__(self, wired: Wiring) -> None:
        self._wired = wired
        self._server = MCPServer("roxy", instructions="Answers questions over a body of documents, with citations.", subscriptions=False)
        self._server.add_tool(self.ask, description="Ask a question. The answer cites the passages of documents that it was made from.")
        self._server.add_tool(self.search, description="Find passages of documents by a question, without an answer.")
        # Host and Origin are looked at by api/principal.py, which knows whether keys are set.
        safe = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        self._server.streamable_http_app(stateless_http=True, transport_security=safe)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, whose scope's state holds the principal."""
        await self._server.session_manager.handle_request(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._server.session_manager.run():
            yield

    async def ask(
        self, question: str, context: Context[Any, Any], session_id: Annotated[str | None, Field(description=_NAMED)] = None
    ) -> CitedAnswer:
        """Progress is told for each piece of the text, with the piece as its message."""
        ends: list[Event] = []

        async def take(event: Event) -> bool:
            if isinstance(event, TokensGenerated):
                await context.report_progress(event.index + 1, message=event.text)
            ends[:] = [event]
            return False

        try:
            place = await ask_anywhere(self._wired, _asking(context), question, session_id=session_id, key=None)
            await wait_for(self._wired, _asking(context), place, take)
        except RoxyError as error:
            raise ToolError(str(error)) from error
        end = _whole(ends[-1])
        return CitedAnswer(
            answer=end.text,
            answered=end.answered,
            citations=list(end.citations),
            cached=end.cached,
            session_id=place.session.id,
            query_id=place.query_id,
        )

    async def search(self, question: str, context: Context[Any, Any], limit: Annotated[int, Field(ge=1, le=MOST_CHUNKS)] = 10) -> Found:
        """The answer that the question would have had is cancelled."""
        found: list[RetrievedChunk] = []

        async def take(event: Event) -> bool:
            if isinstance(event, ChunksRetrieved):
                found.extend(event.chunks[:limit])
            elif isinstance(event, AnswerFailed):
                raise ToolError(f"{event.detail} {event.remedy}")
            return isinstance(event, ChunksRetrieved)

        principal = _asking(context)
        try:
            place = await ask_anywhere(self._wired, principal, question, session_id=None, key=None)
            await wait_for(self._wired, principal, place, take)
            await cancel_in(self._wired, principal, place.session, place.query_id)
        except RoxyError as error:
            raise ToolError(str(error)) from error
        return Found(chunks=found, session_id=place.session.id, query_id=place.query_id)


def _asking(context: Context[Any, Any]) -> Principal:
    request: Any = context.request_context.request
    return cast(Principal, request.state.principal)


def _whole(end: Event) -> AnswerCompleted:
    """Raises ToolError for an answer that is none."""
    match end:
        case AnswerCompleted():
            return end
        case AnswerFailed():
            raise ToolError(f"{end.detail} {end.remedy}".strip())
        case AnswerCancelled():
            raise ToolError(f"The answer was cancelled by {end.cancelled_by}.")
        case _:
            raise AssertionError(end)
