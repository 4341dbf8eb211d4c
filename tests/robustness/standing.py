"""Standing: which marks, corrections and comparisons of people hold, by topic `feedback`. Pure, and written down once more without the product's
fold (streams/preferences/judgements.py), so that the one is held against the other.

Of one rater's feedback id the last words hold, unless they were taken back since; of one rater about one target the last judgement. Times decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas.topics import ANSWERS, FEEDBACK
from tests.robustness.log import Entry, Log

_Event = dict[str, Any]


class Target(NamedTuple):
    """What one rater judged in one session."""

    tenant: str
    session: str
    rater: str
    kind: str  #: "mark", "correction" or "comparison"
    about: tuple[str, ...]


class Standing(NamedTuple):
    """A judgement that holds."""

    entry: Entry
    target: Target

    @property
    def mark(self) -> float:
        """0..1; stars say more than a thumb."""
        event = self.entry.event
        return (event["stars"] - 1) / 4 if event.get("stars") else float(event.get("thumb") == "up")


def standing(log: Log) -> dict[Target, Standing]:
    """All that hold, about answers that became whole."""
    answers = whole_answers(log)
    found: dict[Target, Standing] = {}
    for entry in sorted(_said(log), key=_order):
        for target in _targets(entry.event):
            if target.kind == "comparison" or (target.tenant, target.session, entry.event["answer_id"]) in answers:
                found[target] = Standing(entry, target)
    return {target: one for target, one in found.items() if _differs(one, answers)}


def whole_answers(log: Log) -> dict[tuple[str, str, str], _Event]:
    """By tenant, session and answer id, the audit record of each answer that became whole: the highest attempt's."""
    ends: dict[tuple[str, str, str], _Event] = {}
    for entry in log.events(ANSWERS.name):
        event = entry.event
        key = (event["tenant"], event["session_id"], event["answer_id"])
        if key not in ends or (ends[key]["attempt"], ends[key]["time"]) < (event["attempt"], event["time"]):
            ends[key] = event
    return {key: event for key, event in ends.items() if event["type"] == "AnswerCompleted"}


def _said(log: Log) -> Iterator[Entry]:
    """What was said last under each id, and not taken back since."""
    given: dict[tuple[str, ...], Entry] = {}
    taken_back: dict[tuple[str, ...], str] = {}
    for entry in log.events(FEEDBACK.name):
        event = entry.event
        who = (event["tenant"], event["session_id"], event.get("given_by") or event["retracted_by"], event["feedback_id"])
        if event["type"] == "FeedbackRetracted":
            taken_back[who] = max(event["time"], taken_back.get(who, ""))
        elif who not in given or _order(given[who]) < _order(entry):
            given[who] = entry
    return (entry for who, entry in given.items() if entry.event["time"] > taken_back.get(who, ""))


def _targets(event: _Event) -> Iterator[Target]:
    about = (event["tenant"], event["session_id"], event["given_by"])
    if (event.get("stars") or event.get("thumb")) and not event.get("chunk_id"):
        yield Target(*about, "mark", (event["answer_id"],))
    if event.get("correction"):
        yield Target(*about, "correction", (event["answer_id"],))
    if event.get("better_than"):
        yield Target(*about, "comparison", tuple(sorted((event["answer_id"], event["better_than"]))))


def _differs(one: Standing, answers: dict[tuple[str, str, str], _Event]) -> bool:
    """A correction that says what the answer says is none."""
    if one.target.kind != "correction":
        return True
    event = one.entry.event
    answer = answers[one.target.tenant, one.target.session, event["answer_id"]]
    return bool(event["correction"].strip() != answer["text"].strip())


def _order(entry: Entry) -> tuple[str, str, bytes]:
    """Two of the same time are told apart by their ids, and by what they say where a producer gave both the same."""
    return entry.event["time"], entry.event["id"], entry.record.value or b""
