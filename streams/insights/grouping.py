"""Grouping: answers by tenant, by what one looks at them by, and by windows of time. Pure.

An answer lies in the window of its own time, and so does what was said of it later: a window tells how good the answers of that time were.
It may count under several arms (of several experiments) and documents, so rows by those do not add up to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from schemas.event import rfc3339
from schemas.insight_events import SECONDS, By, Figures, Window
from streams.insights.figures import figures_of
from streams.insights.session_fold import JudgedAnswer

_LONGEST = 200  # characters of a value: a record's field has an end
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
        for value, part in parts(one, by):
            groups.setdefault((one.answer.tenant, time_of(start_of(one.answer.at, window)) if window else "", value), []).append(part)
    rows = [Row(tenant, start or None, value if by else None, figures_of(group)) for (tenant, start, value), group in groups.items()]
    return tuple(sorted(rows, key=_place))


def unanswered(judged: Iterable[JudgedAnswer], most: int) -> tuple[Question, ...]:
    """The newest of them, each once."""
    asked: dict[tuple[str, str], list[JudgedAnswer]] = {}
    for one in judged:
        if one.answer.whole and not one.answer.answered:
            words = " ".join(one.answer.question.casefold().split())
            asked.setdefault((one.answer.tenant, words), []).append(one)
    questions = [_question(group) for group in asked.values()]
    return tuple(sorted(questions, key=lambda one: (one.last, one.tenant, one.question), reverse=True)[:most])


def _question(group: list[JudgedAnswer]) -> Question:
    last = max((one.answer for one in group), key=lambda row: (row.at, row.session_id, row.answer_id))
    return Question(last.tenant, last.question, len(group), time_of(last.at), last.session_id, last.refused)


def parts(one: JudgedAnswer, by: By | None) -> list[tuple[str, JudgedAnswer]]:
    """Under which values it counts, and what of it does."""
    row = one.answer
    match by:
        case None:
            return [("", one)]
        case "model":
            return [(model[:_LONGEST], one) for model in row.models]
        case "prompt":
            return [] if row.prompt is None else [(row.prompt[:_LONGEST], one)]
        case "arm":
            return [(f"{experiment}/{arm}"[:_LONGEST], one) for experiment, arm in row.arms]
        case "document":
            return [(document, _about(one, document)) for document in sorted(row.documents)]


def _about(one: JudgedAnswer, document: str) -> JudgedAnswer:
    """Marks for chunks of other documents say nothing of this one."""
    if all(of == document for of, _ in one.chunk_marks):
        return one
    return one._replace(chunk_marks=tuple(pair for pair in one.chunk_marks if pair[0] == document))


def start_of(at: float, window: Window) -> int:
    """The window's beginning. Both in seconds since 1970."""
    return int(at // SECONDS[window]) * SECONDS[window]


def time_of(seconds: float) -> str:
    """As RFC 3339, in UTC."""
    return rfc3339(datetime.fromtimestamp(seconds, UTC))


def _place(row: Row) -> tuple[str, str, int, int, str]:
    return row.tenant, row.window or "", -row.figures.corrections, -row.figures.answers, row.value or ""
