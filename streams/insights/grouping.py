"""Grouping: answers by tenant, by what one looks at them by, and by windows of time. Pure.

An answer lies in the window of its own time, and so does what was said of it later: a window tells how good the answers of that time were.
It may count under several arms (of several experiments) and documents, so rows by those do not add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from schemas.event import rfc3339
from streams.insights.figures import Figures, figures_of
from streams.insights.gathering import JudgedAnswer

By = Literal["model", "prompt", "arm", "document"]
Window = Literal["5min", "1h", "1d"]

_SECONDS: dict[Window, int] = {"5min": 300, "1h": 3600, "1d": 86400}
_Key = tuple[str, str, str]  # tenant, window, value; empty where there is none


class Row(NamedTuple):
    """Figures of one group."""

    tenant: str
    window: str | None  #: its beginning; null: all of the time
    value: str | None  #: of what was looked at by; null: all answers
    figures: Figures


class Question(NamedTuple):
    """One that the documents did not hold an answer to."""

    tenant: str
    question: str
    times: int  #: how often it was asked, in the same words
    last: str  #: when
    session_id: str  #: where, the last time
    refused: str | None  #: why no model was asked then


def rows_of(judged: Iterable[JudgedAnswer], by: By | None, window: Window | None) -> tuple[Row, ...]:
    """By tenant and window; within one the most corrected first, then the most answers."""
    groups: dict[_Key, list[JudgedAnswer]] = {}
    for one in judged:
        for value, part in _parts(one, by):
            groups.setdefault((one.answer.tenant, _window_of(one.answer.at, window), value), []).append(part)
    rows = [Row(tenant, start or None, value if by else None, figures_of(group)) for (tenant, start, value), group in groups.items()]
    return tuple(sorted(rows, key=_place))


def unanswered(judged: Iterable[JudgedAnswer], most: int) -> tuple[Question, ...]:
    """The newest of them, each once."""
    asked: dict[tuple[str, str], list[JudgedAnswer]] = {}
    for one in judged:
        if not one.answer.answered:
            words = " ".join(one.answer.question.casefold().split())
            asked.setdefault((one.answer.tenant, words), []).append(one)
    questions = [_question(group) for group in asked.values()]
    return tuple(sorted(questions, key=lambda one: (one.last, one.tenant, one.question), reverse=True)[:most])


def _question(group: list[JudgedAnswer]) -> Question:
    last = max((one.answer for one in group), key=lambda row: (row.at, row.session_id, row.answer_id))
    return Question(last.tenant, last.question, len(group), rfc3339(datetime.fromtimestamp(last.at, UTC)), last.session_id, last.refused)


def _parts(one: JudgedAnswer, by: By | None) -> list[tuple[str, JudgedAnswer]]:
    """Under which values it counts, and what of it does."""
    if by is None:
        return [("", one)]
    if by == "arm":
        return [(f"{experiment}/{arm}", one) for experiment, arm in one.answer.arms]
    if by == "document":
        return [(document, _about(one, document)) for document in sorted(one.answer.documents)]
    return [(one.answer.model if by == "model" else one.answer.prompt, one)]


def _about(one: JudgedAnswer, document: str) -> JudgedAnswer:
    """Marks for chunks of other documents say nothing of this one."""
    return one._replace(chunk_marks=tuple(pair for pair in one.chunk_marks if pair[0] == document))


def _window_of(at: float, window: Window | None) -> str:
    """The window's beginning, in UTC."""
    if window is None:
        return ""
    return rfc3339(datetime.fromtimestamp(at - at % _SECONDS[window], UTC))


def _place(row: Row) -> tuple[str, str, int, int, str]:
    return row.tenant, row.window or "", -row.figures.corrections, -row.figures.answers, row.value or ""
