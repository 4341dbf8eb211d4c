"""Insights: read `answers`, `queries`, `feedback` and `dead-letters` from a moment on, and fold them into figures. Called by `roxy insights`.

The log is read from its first record that was written then: what happened after a moment was written after it. Clocks of producers may differ, so
it begins a little earlier, and the events' own times decide what counts.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from connectors.journal.base import CLOCKS_DIFFER_MS, Journal
from schemas.codec import decoded
from schemas.insight_events import By, Window
from schemas.topics import ANSWERS, DEAD_LETTERS, FEEDBACK, QUERIES
from streams.insights.gathering import Gathering
from streams.insights.grouping import Question, Row, rows_of, unanswered
from streams.insights.session_fold import JudgedAnswer
from streams.replay import Advance, history

_TOPICS = (FEEDBACK, QUERIES, ANSWERS, DEAD_LETTERS)  # in this order: an answer that was judged by then is there, too


class Scope(NamedTuple):
    """Of what figures are wanted."""

    since_ms: int = 0  #: milliseconds since 1970
    tenant: str | None = None  #: null: all, each on its own


class Gathered(NamedTuple):
    """What was read."""

    answers: tuple[JudgedAnswer, ...]
    failures: dict[str, int]  #: records that no step could finish, by error
    left_out: int  #: records that cannot be read, and events whose time, or one of whose figures, is none


class Insights(NamedTuple):
    rows: tuple[Row, ...]
    unanswered: tuple[Question, ...]  #: the newest
    failures: dict[str, int]
    left_out: int


def insights_of(gathered: Gathered, by: By | None, window: Window | None, questions: int) -> Insights:
    """Pure."""
    return Insights(rows_of(gathered.answers, by, window), unanswered(gathered.answers, questions), gathered.failures, gathered.left_out)


async def gather(journal: Journal, scope: Scope, *, advance: Advance = lambda _: None) -> Gathered:
    """Raises LogUnavailable."""
    gathering, unreadable = Gathering(scope.since_ms / 1000), 0
    ends = {topic.name: await journal.ends(topic) for topic in _TOPICS}
    for topic in _TOPICS:
        start = await journal.since(topic, max(scope.since_ms - CLOCKS_DIFFER_MS, 0))
        async for records in history(journal, topic, ends[topic.name], start=start, advance=advance):
            for record in records:
                if scope.tenant not in (None, record.header("tenant")):
                    continue
                if (event := decoded(record)) is None:
                    unreadable += 1
                else:
                    gathering.add(event)
    failures = Counter(failure.error for failure in gathering.failures)
    return Gathered(tuple(gathering.answers()), dict(sorted(failures.items())), unreadable + gathering.unusable)
