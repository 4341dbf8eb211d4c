"""Feedback: what was acknowledged is in the log, and each judgement that holds is in the insights and in the exports exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from schemas.topics import FEEDBACK
from tests.robustness.history import Operation
from tests.robustness.log import Entry, Log
from tests.robustness.standing import Standing, standing, whole_answers
from tests.robustness.validators.violation import Violation

RULE = "feedback"
_WORDS = ("answer_id", "thumb", "stars", "correction", "better_than", "comment", "signal", "chunk_id")
_NEUTRAL = 0.5

_Who = tuple[str, str, str, str]  # tenant, session, rater, feedback id


def violations(log: Log) -> Iterator[Violation]:
    yield from _acknowledged(log)
    yield from _said_by_nobody(log)
    found = log.run.found
    if found.insights is not None:
        yield from _in_insights(log, found.insights)
    if found.exported is not None:
        yield from _in_exports(log, found.exported)


def _acknowledged(log: Log) -> Iterator[Violation]:
    """202 means that it is in the log, in these words."""
    events: dict[_Who, list[Entry]] = {}
    for entry in log.events(FEEDBACK.name):
        events.setdefault(_who(entry.event), []).append(entry)
    for one in log.operations("feedback", "retract", outcome="ok"):
        wanted = "FeedbackGiven" if one.kind == "feedback" else "FeedbackRetracted"
        if not any(entry.marks.type == wanted and _fits(entry, one) for entry in events.get(_sent_by(one), [])):
            what = "feedback" if one.kind == "feedback" else "retraction"
            yield Violation(RULE, f"{one.client} in {one.session.id}", f"an acknowledged {what} is not in the log", (str(one),))


def _said_by_nobody(log: Log) -> Iterator[Violation]:
    sent: dict[_Who, list[Operation]] = {}
    for one in log.operations("feedback", "retract"):
        if one.outcome != "refused":
            sent.setdefault(_sent_by(one), []).append(one)
    for entry in log.events(FEEDBACK.name):
        kind = "feedback" if entry.marks.type == "FeedbackGiven" else "retract"
        if not any(one.kind == kind and _fits(entry, one) for one in sent.get(_who(entry.event), [])):
            yield Violation(RULE, str(entry), "is in the log, and nobody has said it")


def _in_insights(log: Log, rows: tuple[dict[str, Any], ...]) -> Iterator[Violation]:
    """By tenant. What holds was counted here from the log, without the product's fold."""
    expected, found = _counted(log), {row["tenant"]: row["figures"] for row in rows}
    for tenant in sorted({*expected, *found}):
        for figure in ("marks", "thumbs_up", "thumbs_down", "corrections", "won", "lost"):
            due, told = expected.get(tenant, Counter())[figure], found.get(tenant, {}).get(figure, 0)
            if due != told:
                yield Violation(RULE, f"insights of {tenant}", f"{figure} is {told}, and {due} hold")


def _counted(log: Log) -> dict[str, Counter[str]]:
    answers, found = whole_answers(log), dict[str, Counter[str]]()
    for one in standing(log).values():
        event, count = one.entry.event, found.setdefault(one.target.tenant, Counter())
        if one.target.kind == "mark":
            count["marks"] += 1
            count[f"thumbs_{event['thumb']}"] += bool(event.get("thumb"))
        elif one.target.kind == "correction":
            count["corrections"] += 1
        else:
            for figure, answer in (("won", event["answer_id"]), ("lost", event["better_than"])):
                count[figure] += (event["tenant"], event["session_id"], answer) in answers
    return found


def _in_exports(log: Log, rows: tuple[dict[str, Any], ...]) -> Iterator[Violation]:
    """One row for each answer that most took for good, or for bad; and in it who says so, each once."""
    expected, found = _labels(log), Counter((row["tenant"], row["session_id"], row["answer_id"]) for row in rows)
    for key in sorted({*expected, *found}):
        if found[key] != (key in expected):
            yield Violation(RULE, "/".join(key), f"is exported {found[key]} times", tuple(str(one.entry) for one in expected.get(key, (True, []))[1]))
    for row in rows:
        key = (row["tenant"], row["session_id"], row["answer_id"])
        label, agreeing = expected.get(key, (row["label"], []))
        told, due = sorted(row["feedback_positions"]), sorted(_first_place(log, one) for one in agreeing)
        if key in expected and (row["label"], told) != (label, due):
            yield Violation(RULE, "/".join(key), f"is exported as {row['label']} of {told}, and {label} of {due} holds")


def _labels(log: Log) -> dict[tuple[str, str, str], tuple[bool, list[Standing]]]:
    """By answer, what most say of it, and who. Where as many say the one as the other, and in the middle, nothing is said."""
    marks: dict[tuple[str, str, str], list[Standing]] = {}
    for one in standing(log).values():
        if one.target.kind == "mark" and one.mark != _NEUTRAL:
            marks.setdefault((one.target.tenant, one.target.session, one.entry.event["answer_id"]), []).append(one)
    found = {}
    for key, said in marks.items():
        good = [one for one in said if one.mark > _NEUTRAL]
        if 2 * len(good) != len(said):
            label = 2 * len(good) > len(said)
            found[key] = (label, good if label else [one for one in said if one not in good])
    return found


def _first_place(log: Log, one: Standing) -> str:
    """An event that lies in the log more than once is known by its first place."""
    return next(str(entry.record.position) for entry in log.events(FEEDBACK.name) if entry.event["id"] == one.entry.event["id"])


def _fits(entry: Entry, one: Operation) -> bool:
    """Whether the record says what was sent, and no more."""
    return one.kind == "retract" or all(entry.event.get(name) == one.request.get(name) for name in _WORDS)


def _who(event: dict[str, Any]) -> _Who:
    return event["tenant"], event["session_id"], event.get("given_by") or event["retracted_by"], event["feedback_id"]


def _sent_by(one: Operation) -> _Who:
    return one.tenant, one.session.id, one.request["given_by"], one.request["feedback_id"]
