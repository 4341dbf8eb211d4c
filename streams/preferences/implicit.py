"""Implicit: what a session's own events tell of its answers, beside what was said and done by whoever reads. A pure fold; no record is made of it.

- `regenerated`: another answer to the same question was asked for after this one had ended whole.
- `cut-off`: somebody stopped it after its first token. That nobody reads it any more, and a worker stops it, does not count.
- `asked-again`: it ended whole, and the session's next question has the same words, whatever their order, case and signs.

Insights count them. No pair is formed of them: who asks for another answer may be curious, and who stops one may have read enough. Copied, and
source opened, are not to be seen in the log: clients tell them as `signal` of FeedbackGiven.

Two more are left out, because they cannot be told soundly. A question put in other words: what means the same cannot be told from what looks alike
(docs/adr/0019-answers-given-again.md has the measurement). A session that was left: its log has no end, and who is content leaves as who is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from schemas.events import AnswerCancelled, AnswerCompleted, Event, QueryAsked, RegenerationAsked
from streams.unread import NO_READERS

Told = Literal["regenerated", "cut-off", "asked-again"]
_WORD = re.compile(r"\w+")


def told_by(events: Iterable[Event]) -> Mapping[str, frozenset[Told]]:
    """By answer id, what the events of one session tell. They come in the session's order, those that count; a double changes nothing."""
    told: dict[str, set[Told]] = {}
    whole: dict[str, set[str]] = {}  # by question, its answers that have ended whole
    last: QueryAsked | None = None
    for event in events:
        match event:
            case AnswerCompleted():
                whole.setdefault(event.query_id, set()).add(event.answer_id)
            case AnswerCancelled() if event.tokens_end > 0 and event.cancelled_by != NO_READERS:
                told.setdefault(event.answer_id, set()).add("cut-off")
            case RegenerationAsked():
                _add(told, whole.get(event.query_id, set()) - {event.sibling.answer_id}, "regenerated")
            case QueryAsked() if last is None or last.query_id != event.query_id:
                if last is not None and _words(last) == _words(event):
                    _add(told, whole.get(last.query_id, set()), "asked-again")
                last = event
    return {answer_id: frozenset(signals) for answer_id, signals in told.items()}


def _add(told: dict[str, set[Told]], answer_ids: Iterable[str], signal: Told) -> None:
    for answer_id in answer_ids:
        told.setdefault(answer_id, set()).add(signal)


def _words(query: QueryAsked) -> list[str]:
    return sorted(_WORD.findall(query.text.casefold()))
