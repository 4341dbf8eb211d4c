"""An answer as a message stream of the AI SDK for user interfaces, version 1. A pure fold of the answer's events.

Format: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol. A stream that is resumed is told from its beginning: the SDK puts the answer together
anew. What was retrieved comes as the part `data-chunks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from api.protocols.told_text import ToldText
from schemas.events import (
    AnswerCancelled,
    AnswerCompleted,
    AnswerFailed,
    ChunksRetrieved,
    Citation,
    Event,
    GenerationStarted,
    RetrievedChunk,
    TokensGenerated,
    answer_id_of,
)
from schemas.http_bodies import Problem
from schemas.response_id import AnswerPlace

HEADERS: Mapping[str, str] = MappingProxyType({"x-vercel-ai-ui-message-stream": "v1"})
DONE = b"data: [DONE]\n\n"
_Part = dict[str, Any]


class UiParts:
    """The parts of one answer."""

    def __init__(self, place: AnswerPlace) -> None:
        self._place = place
        self._text = ToldText()
        self._texts = 0  # that were begun: one, unless an attempt said something else
        self._open = False
        self._over = False

    def opening(self) -> bytes:
        about = {"sessionId": self._place.session.id, "queryId": self._place.query_id}
        start = {"type": "start", "messageId": answer_id_of(self._place.query_id), "messageMetadata": about}
        return _frames([start, {"type": "start-step"}])

    def take(self, event: Event) -> bytes:
        if self._over:
            return b""
        parts = _frames(self._told(event))
        return parts + DONE if self._over else parts

    def failed(self, problem: Problem) -> bytes:
        self._over = True
        return _frames([{"type": "error", "errorText": f"{problem.detail} {problem.remedy}".strip()}]) + DONE

    def closing(self) -> bytes:
        return b": the server ends this stream; resume it\n\n"

    def _told(self, event: Event) -> Iterator[_Part]:
        match event:
            case ChunksRetrieved():
                yield {"type": "data-chunks", "id": self._place.query_id, "data": {"chunks": [_chunk(chunk) for chunk in event.chunks]}}
            case GenerationStarted():
                self._text.resume(event.resumes_at)
            case TokensGenerated():
                yield from self._delta(self._text.add(event.text))
            case AnswerCompleted():
                yield from self._delta(self._text.end(event.text))
                yield from self._ended(event)
            case AnswerFailed():
                self._over = True
                yield from self._close()
                yield {"type": "error", "errorText": f"{event.detail} {event.remedy}".strip()}
            case AnswerCancelled():
                self._over = True
                yield from self._close()
                yield {"type": "abort", "reason": f"Cancelled by {event.cancelled_by}."}

    def _delta(self, piece: str | None) -> Iterator[_Part]:
        if piece is None:
            yield from self._begin_again()
            piece = self._text.begin_again()
        if piece:
            if not self._open:
                self._open, self._texts = True, self._texts + 1
                yield {"type": "text-start", "id": self._id}
            yield {"type": "text-delta", "id": self._id, "delta": piece}

    def _begin_again(self) -> Iterator[_Part]:
        """An attempt says something else: a text cannot be taken back, so it is marked as void, and a new step begins."""
        void = self._id
        yield from self._close()
        yield {"type": "data-void", "id": void, "data": {"textId": void}}
        yield {"type": "finish-step"}
        yield {"type": "start-step"}

    def _ended(self, event: AnswerCompleted) -> Iterator[_Part]:
        self._over = True
        yield from self._close()
        yield from (_source(citation) for citation in event.citations)
        cached = event.cached and {"kind": event.cached.kind, "answerId": event.cached.answer_id, "similarity": event.cached.similarity}
        about = {"answered": event.answered, "languageModel": event.model, "usage": event.usage.model_dump(), "cached": cached}
        yield {"type": "finish-step"}
        yield {"type": "finish", "finishReason": event.finish_reason, "messageMetadata": about}

    def _close(self) -> Iterator[_Part]:
        if self._open:
            self._open = False
            yield {"type": "text-end", "id": self._id}

    @property
    def _id(self) -> str:
        return f"{self._place.query_id}-{self._texts}"


def _chunk(chunk: RetrievedChunk) -> _Part:
    """As a page shows it; all of it is in the session's records."""
    return {
        "rank": chunk.rank,
        "chunkId": chunk.chunk_id,
        "documentId": chunk.document_id,
        "title": chunk.title,
        "source": chunk.source,
        "headingPath": chunk.heading_path,
        "text": chunk.text,
        "score": chunk.scores.fused,
    }


def _source(citation: Citation) -> _Part:
    """A link, if the document has one. `number` is the citation's mark in the text."""
    ours = {"roxy": {"number": citation.number, "chunkId": citation.chunk_id, "documentId": citation.document_id}}
    named = {"sourceId": f"{citation.number}", "title": citation.title, "providerMetadata": ours}
    if citation.source.startswith(("http://", "https://")):
        return {"type": "source-url", "url": citation.source, **named}
    return {"type": "source-document", "mediaType": "text/plain", "filename": citation.source, **named}


def _frames(parts: Iterator[_Part] | list[_Part]) -> bytes:
    return b"".join(b"data: %b\n\n" % orjson.dumps(part) for part in parts)
