"""Questions: every accepted question is in the log, and every answer that is due ends once, in its session and in the audit record."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas.events import TERMINAL, answer_id_of
from schemas.session_id import Session
from schemas.topics import ANSWERS, DEAD_LETTERS, QUERIES
from tests.robustness.history import Operation
from tests.robustness.log import Entry, Log, by_answer
from tests.robustness.validators.violation import Violation

RULE = "questions"
_Words = tuple[Session, str, str]  # a question's text, or of which question another answer is asked for


class Due(NamedTuple):
    """An answer that has to come, by what the topic of questions holds."""

    session: Session
    query: str
    answer: str
    asked: Entry

    @property
    def words(self) -> _Words:
        """What somebody must have asked for."""
        event = self.asked.event
        return (self.session, "text", event["text"]) if event["type"] == "QueryAsked" else (self.session, "again", self.query)

    def __str__(self) -> str:
        return f"{self.session.tenant}/{self.session.id} {self.answer}"


def violations(log: Log) -> Iterator[Violation]:
    due = {(one.session, one.answer): one for one in _due(log)}
    yield from _accepted(log, due)
    yield from _asked(log, due)
    for one in due.values():
        yield from _told_of(log, one) if log.losses.forgotten(one.session) else _ended_once(log, one)


def _due(log: Log) -> Iterator[Due]:
    for entry in log.events(QUERIES.name, "QueryAsked", "RegenerationAsked"):
        event = entry.event
        yield Due(Session(event["tenant"], event["session_id"]), event["query_id"], _answer_of(entry), entry)


def _answer_of(asking: Entry) -> str:
    event = asking.event
    return str(event["sibling"]["answer_id"]) if event["type"] == "RegenerationAsked" else answer_id_of(event["query_id"])


def _accepted(log: Log, due: dict[tuple[Session, str], Due]) -> Iterator[Violation]:
    """202 means that it is in the log."""
    for one in log.operations("ask", "regenerate", outcome="ok"):
        if log.uncut(QUERIES.name) and (one.session, one.response["answer_id"]) not in due:
            yield Violation(RULE, f"{one.client} in {one.session.id}", "an accepted question is not in the log", (str(one),))


def _asked(log: Log, due: dict[tuple[Session, str], Due]) -> Iterator[Violation]:
    """A refused question is not in the log; what is there was asked by somebody in these words, and each time once, under whatever id."""
    asked: dict[_Words, set[Any]] = {}
    for one in log.operations("ask", "regenerate"):
        if one.outcome != "refused":
            words = (one.session, "text" if one.kind == "ask" else "again", one.request["text" if one.kind == "ask" else "query_id"])
            asked.setdefault(words, set()).add(one.request.get("key", (one.client, one.start)))
    lying: dict[_Words, list[Due]] = {}
    for each in due.values():
        lying.setdefault(each.words, []).append(each)
    for words, those in lying.items():
        times, evidence = len(asked.get(words, ())), tuple(str(each.asked) for each in those)
        if not times:
            yield from (Violation(RULE, str(each), "is in the log, and nobody has asked it", (str(each.asked),)) for each in those)
        elif len(those) > times:
            yield Violation(RULE, str(those[-1]), f"{len(those)} times in the log, and asked {times} times", evidence)


def _ended_once(log: Log, due: Due) -> Iterator[Violation]:
    session = log.sessions.get(due.session)
    records = by_answer(session.entries if session else ()).get(due.answer, [])
    counted = [entry for entry in log.counted.get(due.session, ()) if entry.event.get("answer_id") == due.answer and entry.marks.type in TERMINAL]
    if not counted:
        if not _may_run(log, due) and not _cut(log, due):
            yield Violation(RULE, str(due), "has not ended", (str(due.asked), *map(str, records[-3:])))
        return
    end = counted[0]
    for entry in records:
        if entry.marks.type in TERMINAL and entry.record.offset > end.record.offset:
            yield from _ended_again(due, end, entry)
    yield from _audited(log, due, end)


def _told_of(log: Log, due: Due) -> Iterator[Violation]:
    """Its session does not tell any more how it ended. The audit record does, or a dead letter: there was no session any more to end it in."""
    if not all(log.uncut(topic.name) for topic in (ANSWERS, DEAD_LETTERS)) or _may_run(log, due):
        return
    audited = any((entry.event["session_id"], entry.event["answer_id"]) == (due.session.id, due.answer) for entry in log.events(ANSWERS.name))
    if not audited and not any(_holds(letter.event, due) for letter in log.events(DEAD_LETTERS.name)):
        yield Violation(RULE, str(due), "has neither an audit record nor a dead letter, and its session is gone", (str(due.asked),))


def _holds(letter: dict[str, Any], due: Due) -> bool:
    """Whether it is about a record of the question, in `queries` or in `retrievals`."""
    correlation = dict(letter["original_headers"]).get("correlation") or ""
    return (letter["tenant"], letter["original_key"]) == due.session and base64.b64decode(correlation).decode() == due.query


def _ended_again(due: Due, end: Entry, again: Entry) -> Iterator[Violation]:
    """An older attempt's worker may have been paused; an attempt's own end may lie there twice."""
    if again.marks.attempt > end.marks.attempt:
        yield Violation(RULE, str(due), "was ended again by a later attempt, which had to see the end", (str(end), str(again)))
    if again.marks.attempt == end.marks.attempt and (again.marks.type, again.event["id"]) != (end.marks.type, end.event["id"]):
        yield Violation(RULE, str(due), "was ended in another way by the same attempt", (str(end), str(again)))


def _audited(log: Log, due: Due, end: Entry) -> Iterator[Violation]:
    """The audit record that counts, the highest attempt's, says what the session says."""
    audits = [
        entry for entry in log.events(ANSWERS.name) if entry.event.get("answer_id") == due.answer and entry.event["session_id"] == due.session.id
    ]
    last = max(audits, key=lambda entry: (entry.event["attempt"], entry.event["time"]), default=None)
    if last is None:
        yield Violation(RULE, str(due), "has no audit record", (str(end),))
    elif last.event != end.event:
        yield Violation(RULE, str(due), "has another audit record than end", (str(end), str(last)))


def _may_run(log: Log, due: Due) -> bool:
    """Whether it was asked so shortly before the end that its time is not up. When all has come to rest, nothing is under way of what lay in the log
    by then, whether or not anybody follows it: settling.py asks what the agents have acknowledged."""
    if log.run.settled and log.at(due.asked.record) < log.run.quiet_at:
        return False
    begun = [one.end for one in log.operations("ask", "regenerate") if _asks_for(one, due)]
    return bool(begun) and log.run.ended_at - max(begun) < log.run.answer_timeout_s


def _asks_for(one: Operation, due: Due) -> bool:
    if one.session != due.session or one.outcome == "refused":
        return False
    if one.outcome == "ok":
        return bool(one.response.get("answer_id") == due.answer)
    return bool(one.request.get("text") == due.asked.event.get("text") if one.kind == "ask" else one.request["query_id"] == due.query)


def _cut(log: Log, due: Due) -> bool:
    """Whether retention may have taken its end, since it was asked for: no end lies before the record that asks for it."""
    session = log.sessions.get(due.session)
    asking = (entry for entry in session.entries if entry.marks.correlation == due.query) if session else ()
    if any(entry.marks.type == "QueryAsked" or (entry.marks.type == "RegenerationAsked" and _answer_of(entry) == due.answer) for entry in asking):
        return False
    return log.losses.may_lack(due.session, log.at(due.asked.record))
