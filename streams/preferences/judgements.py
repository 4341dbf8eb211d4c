"""Judgements: what of all feedback counts. A fold whose result depends on which events there are, not on their order or how often they come.

Of one feedback id the last words count; of one rater about one target the last judgement, by the events' own times; what was taken back
does not count, and what it had replaced counts again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from schemas.events import Feedback, FeedbackGiven, FeedbackRetracted

_Given = tuple[str, str]  # rater and feedback id: clients choose ids, and two may choose the same


class Target(NamedTuple):
    """What one rater judged: an answer, a chunk that it rests on, or two answers against each other."""

    rater: str
    kind: str  #: "mark", "correction", "comparison", "chunk" or "signal"
    about: tuple[str, ...]  #: ids: the answer; answer and chunk; both answers, sorted; answer and signal


class Judgements:
    """Feedback of one session, in any order, any number of times."""

    def __init__(self, events: Iterable[Feedback] = ()) -> None:
        self._given: dict[_Given, FeedbackGiven] = {}
        self._retracted: dict[_Given, str] = {}  #: when, last
        for event in events:
            self.add(event)

    def add(self, event: Feedback) -> None:
        if isinstance(event, FeedbackRetracted):
            key = (event.retracted_by, event.feedback_id)
            self._retracted[key] = max(event.time, self._retracted.get(key, ""))
            return
        key = (event.given_by, event.feedback_id)
        before = self._given.get(key)
        if before is None or _order(before) < _order(event):
            self._given[key] = event

    def forget(self, before: str) -> None:
        """Let go of what was said, and of what was taken back, before that time."""
        self._given = {key: event for key, event in self._given.items() if event.time >= before}
        self._retracted = {key: time for key, time in self._retracted.items() if time >= before}

    def __len__(self) -> int:
        """How much is kept, with what does not count."""
        return len(self._given) + len(self._retracted)

    def __iter__(self) -> Iterator[FeedbackGiven]:
        """What was said last under each id and not taken back since, oldest first."""
        stands = (event for key, event in self._given.items() if event.time > self._retracted.get(key, ""))
        return iter(sorted(stands, key=_order))

    def last(self) -> dict[Target, FeedbackGiven]:
        """By rater and target, the judgement that counts."""
        return last_of(self)


def last_of(standing: Iterable[FeedbackGiven]) -> dict[Target, FeedbackGiven]:
    """By rater and target, the judgement that counts of these, which come in the order that they were given in."""
    return {target: event for event in standing for target in targets_of(event)}


def targets_of(event: FeedbackGiven) -> list[Target]:
    """All that one FeedbackGiven judges."""
    rater, answer, found = event.given_by, event.answer_id, []
    if _marks(event):
        found.append(Target(rater, "mark", (answer,)) if event.chunk_id is None else Target(rater, "chunk", (answer, event.chunk_id)))
    if event.correction is not None:
        found.append(Target(rater, "correction", (answer,)))
    if event.better_than is not None:
        found.append(Target(rater, "comparison", tuple(sorted((answer, event.better_than)))))
    if event.signal is not None:
        found.append(Target(rater, "signal", (answer, event.signal)))
    return found


def mark_of(event: FeedbackGiven) -> float:
    """Stars, or a thumb where there are none, as 0..1."""
    return (event.stars - 1) / 4 if event.stars is not None else float(event.thumb == "up")


def _marks(event: FeedbackGiven) -> bool:
    return event.stars is not None or event.thumb is not None


def _order(event: FeedbackGiven) -> tuple[str, str, str]:
    """Two of the same millisecond are told apart by their ids, and by what they say where a producer gave both the same."""
    return event.time, event.id, event.model_dump_json()
