"""An answer as OpenAI's Responses stream: a pure fold of the answer's events into numbered ones of theirs.

`sequence_number` counts what the fold gives from the answer's first record on, and the fold starts there at every process: so number N is the
same event everywhere, and a reader that has N goes on with N+1 wherever it comes back.
Format: https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import orjson

from api.protocols.response_object import Status, annotations_of, response_object, said, text_part
from api.protocols.told_text import ToldText
from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, Event, GenerationStarted, TokensGenerated
from schemas.http_bodies import Problem
from schemas.response_id import AnswerPlace

_Ended = Literal["completed", "incomplete"]
_Told = Iterator[tuple[str, dict[str, Any]]]  # type of an event of theirs, and its fields


class ResponseEvents:
    """The events of one answer, behind number `after`."""

    def __init__(self, response_id: str, place: AnswerPlace, *, after: int = -1) -> None:
        self._id, self._place, self._after = response_id, place, after
        self._number = -1
        self._text = ToldText()
        self._parts = 0  # texts that were begun: one, unless an attempt said something else
        self._open = False  # whether the last of them has no end yet
        self._over = False
        self._object = self._as("queued")

    @property
    def object(self) -> dict[str, Any]:
        """The response as far as it is."""
        return self._object if self._over or not self._open else self._as("in_progress", [self._said("in_progress", self._text.text)])

    def opening(self) -> bytes:
        return self._frames(self._opened())

    def take(self, event: Event) -> bytes:
        if self._over:
            return b""
        return self._frames(self._told(event))

    def failed(self, problem: Problem) -> bytes:
        """Without a number: it is no part of the answer, which can be read on from the last number."""
        self._over = True
        error = {"type": "error", "code": problem.type.rpartition(":")[2], "message": f"{problem.detail} {problem.remedy}", "param": None}
        return _frame("error", {**error, "sequence_number": self._number})

    def closing(self) -> bytes:
        return b": the server ends this stream; go on with starting_after\n\n"

    def _opened(self) -> _Told:
        yield "response.created", {"response": self._object}
        yield "response.queued", {"response": self._object}

    def _told(self, event: Event) -> _Told:
        if self._object["status"] == "queued":
            self._object = self._as("in_progress")
            yield "response.in_progress", {"response": self._object}
        match event:
            case GenerationStarted():
                self._text.resume(event.resumes_at)
            case TokensGenerated():
                yield from self._delta(self._text.add(event.text))
            case AnswerCompleted():
                yield from self._delta(self._text.end(event.text))
                yield from self._completed(event)
            case AnswerFailed():
                yield from self._ended("response.failed", "failed", self._partial(), event)
            case AnswerCancelled():  # the protocol has a status for it, but no event
                yield from self._ended("response.incomplete", "cancelled", self._partial())

    def _delta(self, piece: str | None) -> _Told:
        if piece is None:
            yield from self._begin_again()
            piece = self._text.begin_again()
        if piece:
            yield from self._begin()
            yield "response.output_text.delta", {**self._where(), "delta": piece, "logprobs": []}

    def _begin(self) -> _Told:
        if not self._open:
            self._open, self._parts = True, self._parts + 1
            part = text_part("")
            yield "response.output_item.added", {"output_index": self._parts - 1, "item": said(self._said_id, "in_progress", [])}
            yield "response.content_part.added", {**self._where(), "part": part}

    def _begin_again(self) -> _Told:
        """An attempt says something else: the text so far stays unfinished, and another one begins."""
        if self._open:
            yield "response.output_item.done", {"output_index": self._parts - 1, "item": self._said("incomplete", self._text.told)}
            self._open = False

    def _completed(self, event: AnswerCompleted) -> _Told:
        yield from self._begin()
        annotations = annotations_of(event)
        for index, annotation in enumerate(annotations):
            yield "response.output_text.annotation.added", {**self._where(), "annotation_index": index, "annotation": annotation}
        status: _Ended = "completed" if event.finish_reason == "stop" else "incomplete"
        whole = self._said(status, event.text, annotations)
        yield "response.output_text.done", {**self._where(), "text": event.text, "logprobs": []}
        yield "response.content_part.done", {**self._where(), "part": whole["content"][0]}
        yield "response.output_item.done", {"output_index": self._parts - 1, "item": whole}
        yield from self._ended(f"response.{status}", status, [whole], event)

    def _ended(self, kind: str, status: Status, output: list[dict[str, Any]], end: AnswerCompleted | AnswerFailed | None = None) -> _Told:
        self._over = True
        self._object = self._as(status, output, end)
        yield kind, {"response": self._object}

    def _partial(self) -> list[dict[str, Any]]:
        return [self._said("incomplete", self._text.text)] if self._open else []

    def _said(self, status: Literal["in_progress"] | _Ended, text: str, annotations: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        return said(self._said_id, status, [text_part(text, annotations)])

    def _as(self, status: Status, output: list[dict[str, Any]] | None = None, end: AnswerCompleted | AnswerFailed | None = None) -> dict[str, Any]:
        return response_object(self._id, self._place, status, output or [], end)

    @property
    def _said_id(self) -> str:
        return f"msg_{self._place.query_id}_{self._parts}"

    def _where(self) -> dict[str, Any]:
        return {"item_id": self._said_id, "output_index": self._parts - 1, "content_index": 0}

    def _frames(self, told: _Told) -> bytes:
        return b"".join(self._numbered(kind, fields) for kind, fields in told)

    def _numbered(self, kind: str, fields: dict[str, Any]) -> bytes:
        self._number += 1
        return _frame(kind, {"type": kind, "sequence_number": self._number, **fields}) if self._number > self._after else b""


def _frame(kind: str, fields: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps(fields))
