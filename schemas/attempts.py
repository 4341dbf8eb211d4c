"""The fold that makes one answer of many attempts: of the records of an answer, which count.

Highest attempt wins, indexes are contiguous, doubles are dropped, nothing counts after a terminal record (design rule "answers
survive their worker"). It looks at headers only. Readers use it live; a step uses it when it reads back what is already out.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from schemas.cursor import OpenAnswer
from schemas.events import TERMINAL
from schemas.record import Headers

_CLOSED = -1  # next_index of an answer whose terminal record was seen
_MOST_DIGITS = 18  # what a cursor's 64 bits hold, whatever a foreign record says
_CLOSED_KEPT = 2  # a stale record comes soon after the terminal one, so only the last answers of a session matter


class Marks(NamedTuple):
    """What a session's record says of itself in its headers."""

    type: str
    correlation: str  #: query id
    answer: bytes | None  #: answer id
    attempt: int
    token_index: int  #: of TokensGenerated; of GenerationStarted, where it resumes

    @classmethod
    def of(cls, headers: Headers) -> Marks:
        """Of a foreign record's headers, whatever they hold: it must not break a reader's stream."""
        fields = {name: value for name, value in headers if value is not None}
        return cls(
            fields.get("ce_type", b"").decode("utf-8", "replace"),
            fields.get("correlation", b"").decode("utf-8", "replace"),
            fields.get("answer"),
            _number(fields.get("attempt")),
            _number(fields.get("index")),
        )


class AttemptFilter:
    """Says of each of a session's records, in order, whether it counts. Its state fits into a cursor."""

    def __init__(self, open_answers: Iterable[OpenAnswer] = ()) -> None:
        self._answers = {state.answer: state for state in open_answers}

    @property
    def open_answers(self) -> tuple[OpenAnswer, ...]:
        """The state: the answers under way, and the last ones that ended."""
        return tuple(self._answers.values())

    def admits(self, marks: Marks) -> bool:
        """True if the record counts; False if it is stale or a double."""
        if marks.answer is None:
            return True
        key = answer_key(marks.answer)
        before = self._answers.get(key)
        after = _next_state(before, marks, key)
        if after is None:
            return False
        self._answers.pop(key, None)  # in the order of what happened last: whoever ended first is forgotten first
        self._answers[key] = after
        if after.next_index == _CLOSED:
            self._forget_old_answers()
        return True

    def _forget_old_answers(self) -> None:
        closed = [key for key, state in self._answers.items() if state.next_index == _CLOSED]
        for key in closed[:-_CLOSED_KEPT]:
            del self._answers[key]


def answer_key(answer_id: bytes) -> bytes:
    """8 bytes that stand for an answer in a cursor."""
    return blake2b(answer_id, digest_size=8).digest()


def _number(digits: bytes | None) -> int:
    return int(digits) if digits and len(digits) <= _MOST_DIGITS and digits.isdigit() else 0


def _next_state(before: OpenAnswer | None, marks: Marks, key: bytes) -> OpenAnswer | None:
    """The answer's state after the record; None if the record does not count. A reader may begin in the middle of an answer."""
    if before is not None and (before.next_index == _CLOSED or marks.attempt < before.attempt):
        return None
    if marks.type in TERMINAL:
        return OpenAnswer(key, marks.attempt, _CLOSED)
    known = before is not None and marks.attempt == before.attempt
    if marks.type == "GenerationStarted":
        # An attempt between may have made void what this one had seen when it began; it finds out and writes those pieces again.
        reached = marks.token_index if before is None else min(marks.token_index, before.next_index)
        return None if known else OpenAnswer(key, marks.attempt, reached)
    if known and before is not None and marks.token_index < before.next_index:
        return None
    return OpenAnswer(key, marks.attempt, marks.token_index + 1)
