"""Implicit: what a session's own events tell of its answers, beside what was said and done by whoever reads. A pure fold; no record is made of it.

- `regenerated`: another answer to the same question was asked for after this one had ended whole.
- `asked-again`: the first question that was asked after it had ended whole has the same words, whatever their order, case and signs.
- `cut-off` is told by an answer's own end (streams/insights/answer_row.py): somebody stopped it after its first token. That nobody reads it any
  more, and a worker stops it, does not count.

Insights count them. No pair is formed of them: who asks for another answer may be curious, and who stops one may have read enough. Copied, and
source opened, are not to be seen in the log: clients tell them as `signal` of FeedbackGiven.

Two more are left out, because they cannot be told soundly. A question put in other words: what means the same cannot be told from what looks alike
(docs/adr/0019-answers-given-again.md has the measurement). A session that was left: its log has no end, and who is content leaves as who is not.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from hashlib import blake2b
from operator import itemgetter
from typing import Literal, NamedTuple

from schemas.events import QueryAsked, RegenerationAsked

Told = Literal["regenerated", "asked-again"]
Wish = QueryAsked | RegenerationAsked
_WORD = re.compile(r"\w+")


class Ended(NamedTuple):
    """An answer that ended whole."""

    query_id: str
    answer_id: str
    at: float  #: seconds since 1970
    words: str  #: of its question, hashed


class Wishes:
    """What was asked for in one session, in any order, any number of times. Times, in seconds since 1970, decide what came after what."""

    def __init__(self) -> None:
        self._questions: dict[str, tuple[float, str]] = {}  #: by query id, when first, and its words
        self._others: dict[str, dict[str, float]] = {}  #: by query id, and the other answer's, when last

    def add(self, wish: Wish, at: float) -> None:
        if isinstance(wish, QueryAsked):
            question = (at, hash_of_words(wish.text))
            self._questions[wish.query_id] = min(question, self._questions.get(wish.query_id, question))
        else:
            others = self._others.setdefault(wish.query_id, {})
            others[wish.sibling.answer_id] = max(at, others.get(wish.sibling.answer_id, at))

    def in_order(self) -> WishesInOrder:
        """As they stand now."""
        return WishesInOrder(self._questions, self._others)

    def forget(self, before: float) -> None:
        """What was asked for until then says nothing of answers that ended later."""
        self._questions = {query_id: when for query_id, when in self._questions.items() if when[0] >= before}
        kept = {query_id: {other: at for other, at in others.items() if at >= before} for query_id, others in self._others.items()}
        self._others = {query_id: others for query_id, others in kept.items() if others}

    def __len__(self) -> int:
        return len(self._questions) + sum(map(len, self._others.values()))


class WishesInOrder:
    """The same, by their times: of a session with thousands of answers, what they say of each is found in a few steps."""

    def __init__(self, questions: Mapping[str, tuple[float, str]], others: Mapping[str, Mapping[str, float]]) -> None:
        self._questions = sorted((*when, query_id) for query_id, when in questions.items())
        # Two, for one of them may be the wish for the answer itself.
        self._last = {query_id: sorted(((at, other) for other, at in of.items()), reverse=True)[:2] for query_id, of in others.items()}

    def told_of(self, answer: Ended) -> tuple[Told, ...]:
        """What they say of an answer of the session."""
        told: list[Told] = []
        if self._words_after(answer) == answer.words:
            told.append("asked-again")
        if any(at > answer.at and other != answer.answer_id for at, other in self._last.get(answer.query_id, ())):
            told.append("regenerated")
        return tuple(told)

    def _words_after(self, answer: Ended) -> str | None:
        """Of the first question after it; its own may lie there too, by clocks that differ."""
        begin = bisect_right(self._questions, answer.at, key=itemgetter(0))
        return next((words for _, words, query_id in self._questions[begin : begin + 2] if query_id != answer.query_id), None)


def hash_of_words(text: str) -> str:
    """The same for texts of the same words."""
    return blake2b(" ".join(sorted(_WORD.findall(text.casefold()))).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
