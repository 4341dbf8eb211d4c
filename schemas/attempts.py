"""The fold that makes one answer of many attempts: of the records of an answer, which count.

Highest attempt wins, indexes are contiguous, doubles are dropped, nothing counts after a terminal record (design rule "answers
survive their worker"). It looks at headers only. Readers use it live; a step uses it when it reads back what is already out.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

from schemas.cursor import OpenAnswer
from schemas.events import EVENTS, TERMINAL, answer_id_of

_CLOSED = -1  # next_index of an answer whose terminal record was seen
_SHORT = 200  # bytes of an id whose key is remembered: a foreign producer may write megabytes
_TYPES: dict[bytes | None, str] = {name.encode(): name for name in EVENTS}
_MOST_DIGITS = 18  # what a cursor's 64 bits hold, whatever a foreign record says
_KEPT = 1_000  # answers of one session that ended, and as many that were asked for and have not begun
_HANDED_ON = (
    2  # of either, that a cursor names: a stale record mostly comes soon after the end, a question's double soon after it; a cursor stays short
)
ASKED = -2  # attempt of an answer that was asked for and has not begun. -1 is that of one which is only waited for: api/reading.py
#: What asks for an answer counts once. Of two workers, each may have written it: the older one's was still on its way.
_ASKING = frozenset({"QueryAsked", "RegenerationAsked"})
#: Of an answer, and of none of its attempts: they count, whenever they come.
_BESIDE = frozenset({"ChunksRetrieved", "QueryCancelled"})
_OPENING = frozenset({"GenerationStarted", "AnswerFailed"})  # with these an answer may begin for a reader who has seen all before


class Marks(NamedTuple):
    """What a session's record says of itself in its headers."""

    type: str
    correlation: str  #: query id
    answer: bytes | None  #: answer id; of what asks for an answer, or was found for it, only if that is not the question's first one
    attempt: int
    token_index: int  #: of TokensGenerated; of GenerationStarted, where it resumes
    traceparent: bytes | None = None  #: W3C trace context of the span that wrote it

    @classmethod
    def of(cls, headers: Iterable[tuple[str, bytes]]) -> Marks:
        """Of a foreign record's headers, whatever they hold: it must not break a reader's stream."""
        known = dict(headers).get
        return cls(
            _TYPES.get(known("ce_type")) or _text(known("ce_type")),
            _text(known("correlation")),
            known("answer"),
            _number(known("attempt")),
            _number(known("index")),
            known("traceparent"),
        )


class AttemptFilter:
    """Says of each of a session's records, in order, whether it counts. What it has to know of those before fits into a cursor.

    `whole`: nothing of the session lies before but what the state tells. Then a piece, or an end, of an answer that is unknown is
    that of one which ended long ago: its worker was paused meanwhile.
    """

    def __init__(self, open_answers: Iterable[OpenAnswer] = (), *, whole: bool = False) -> None:
        self._open: dict[bytes, OpenAnswer] = {}
        self._closed: dict[bytes, OpenAnswer] = {}  # whoever ended first is forgotten first
        self._asked: dict[bytes, OpenAnswer] = {}
        self._beside: tuple[OpenAnswer, ...] = ()  # what a cursor names beside the open ones: it changes seldom, and is told with every token
        self.whole = whole
        for state in open_answers:
            self._note(state)

    @property
    def open_answers(self) -> tuple[OpenAnswer, ...]:
        """What another reader has to know who goes on from here: the last answers that ended, the last asked for, and those under way."""
        return (*self._beside, *self._open.values())

    def admits(self, marks: Marks) -> bool:
        """True if the record counts; False if it is stale or a double."""
        if marks.type in _ASKING and marks.correlation:
            return self._admits_wish(answer_key(marks.answer or answer_id_of(marks.correlation).encode()))
        if marks.answer is None or marks.type in _BESIDE:
            return True
        key = answer_key(marks.answer)
        before = self._open.get(key) or self._closed.get(key)
        after = _next_state(before, marks, key)
        if after is None or (before is None and self.whole and marks.type not in _OPENING):
            return False
        self._note(after)
        return True

    def _admits_wish(self, key: bytes) -> bool:
        before = self._open.get(key) or self._closed.get(key)
        if key in self._asked or (before is not None and before.attempt >= 0):
            return False
        self._note(OpenAnswer(key, ASKED, 0))
        return True

    def _note(self, state: OpenAnswer) -> None:
        if state.attempt == ASKED:
            _keep(self._asked, state)
        elif state.next_index != _CLOSED:
            self._open[state.answer] = state
            if state.answer not in self._asked or state.attempt < 0:
                return
            del self._asked[state.answer]
        else:
            self._close(state)
        self._beside = (*_last(self._closed, _HANDED_ON), *_last(self._asked, _HANDED_ON))

    def _close(self, state: OpenAnswer) -> None:
        self._open.pop(state.answer, None)
        self._asked.pop(state.answer, None)
        _keep(self._closed, state)


def _keep(states: dict[bytes, OpenAnswer], state: OpenAnswer) -> None:
    states[state.answer] = state
    if len(states) > _KEPT:
        del states[next(iter(states))]


def _last(states: dict[bytes, OpenAnswer], most: int) -> list[OpenAnswer]:
    return list(islice(reversed(states.values()), most))[::-1]


def answer_key(answer_id: bytes) -> bytes:
    """8 bytes that stand for an answer in a cursor."""
    return _key_once(answer_id) if len(answer_id) <= _SHORT else _key_of(answer_id)


def _key_of(answer_id: bytes) -> bytes:
    return blake2b(answer_id, digest_size=8).digest()


_key_once = lru_cache(maxsize=10_000)(_key_of)  # of each token's record anew it would be 1 us of some 20


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")  # Kafka's may be null


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
