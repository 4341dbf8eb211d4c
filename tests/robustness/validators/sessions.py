"""Sessions: questions lie in a session in the order of `queries`, and there in the order in which they were acknowledged; a session's topic holds
nothing of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from schemas.session_id import Session
from schemas.topics import QUERIES, SESSION_TOPIC_PREFIX, session_topic
from tests.robustness.log import Entry, Log
from tests.robustness.validators.violation import Violation

RULE = "sessions"


def violations(log: Log) -> Iterator[Violation]:
    asked = _asked(log)
    for session, queries in asked.items():
        yield from _as_acknowledged(log, session, queries)
    for session, one in log.sessions.items():
        if not log.losses.made_anew(session):  # what was delivered once more lies there behind what came first
            yield from _as_asked(log, session, asked.get(session, []))
        for entry in one.entries:
            yield from _at_home(session, entry)


def _asked(log: Log) -> dict[Session, list[str]]:
    """By session its questions, in the order of `queries`, each where it lies first."""
    found: dict[Session, dict[str, None]] = {}
    for entry in log.events(QUERIES.name, "QueryAsked"):
        found.setdefault(Session(entry.event["tenant"], entry.event["session_id"]), {})[entry.event["query_id"]] = None
    return {session: list(queries) for session, queries in found.items()}


def _as_acknowledged(log: Log, session: Session, queries: list[str]) -> Iterator[Violation]:
    """One that was sent several times, under its key, may lie there since the first."""
    asks = [one for one in log.operations("ask") if one.session == session]
    begun = {one.request.get("key", one.start): one.start for one in reversed(asks)}
    placed = [one for one in asks if one.outcome == "ok" and one.response["query_id"] in queries]
    for before, after in permutations(placed, 2):
        first, second = (queries.index(one.response["query_id"]) for one in (before, after))
        if before.end <= begun[after.request.get("key", after.start)] and first > second:
            yield Violation(RULE, f"{session.tenant}/{session.id}", "a later question lies before an earlier one", (str(before), str(after)))


def _as_asked(log: Log, session: Session, queries: list[str]) -> Iterator[Violation]:
    """Of those that both hold: retention may have cut either."""
    lying = dict.fromkeys(entry.event["query_id"] for entry in log.sessions[session].entries if entry.marks.type == "QueryAsked")
    expected, found = [query for query in queries if query in lying], [query for query in lying if query in queries]
    for query in lying:
        if query not in queries and log.uncut(QUERIES.name):
            yield Violation(RULE, f"{session.tenant}/{session.id}", f"holds the question {query}, which `queries` does not")
    if expected != found:
        evidence = (f"in queries: {', '.join(expected)}", f"in the session: {', '.join(found)}")
        yield Violation(RULE, f"{session.tenant}/{session.id}", "its questions lie in another order than they were asked in", evidence)


def _at_home(session: Session, entry: Entry) -> Iterator[Violation]:
    event, topic = entry.event, entry.record.topic
    inside = Session(str(event.get("tenant")), str(event.get("session_id")))
    if event and inside != session:
        yield Violation(RULE, f"{session.tenant}/{session.id}", f"holds a record of {inside.tenant}/{inside.id}", (str(entry),))
    if topic.startswith(SESSION_TOPIC_PREFIX) and topic != session_topic(session.tenant, session.id):
        yield Violation(RULE, topic, f"holds a record of {session.tenant}/{session.id}", (str(entry),))
