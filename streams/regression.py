"""Regression: all past questions asked again, as one table. Pure; `roxy replay all` prints it. What cannot be compared is counted, not hidden."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from schemas.events import SHORTCUTS
from streams.replay_question import Replayed

_WORST = 20


class Line(NamedTuple):
    """One question."""

    query_id: str
    tenant: str
    question: str
    overlap_at_10: float
    rank_correlation: float
    same: bool
    answer_changed: bool | None
    citations_lost: tuple[str, ...]


class Table(NamedTuple):
    """Figures over the questions that documents were looked up for."""

    questions: int
    without_lookup: int  #: greetings and the like: nothing was looked up for them
    failed: int  #: could not be asked again
    degraded_then: int  #: a part of the index did not answer then
    other_settings_then: int  #: were asked with other settings than these
    compared: int
    same: int
    overlap_at_10: float
    rank_correlation: float  #: rank-biased overlap, p = 0.9
    without_answer: int  #: no AnswerCompleted is kept
    answers_rerun: int  #: by the extractive model
    answers_changed: int  #: of them
    citations_lost: int  #: answers that cite a chunk that is not found now
    lines: tuple[Line, ...]  #: the worst first

    @property
    def worst(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if not line.same or line.answer_changed or line.citations_lost)[:_WORST]


def table(replays: Sequence[Replayed], failed: int, plan: str) -> Table:
    """`plan`: fingerprint of the settings that they were asked again with."""
    looked_up = [one for one in replays if one.past.found.understanding.intent not in SHORTCUTS]
    lines = sorted((_line(one) for one in looked_up), key=_badness)
    reruns = [line for line in lines if line.answer_changed is not None]
    return Table(
        questions=len(replays) + failed,
        without_lookup=len(replays) - len(looked_up),
        failed=failed,
        degraded_then=sum(bool(one.past.found.degraded) for one in looked_up),
        other_settings_then=sum(one.past.found.plan != plan for one in looked_up),
        compared=len(lines),
        same=sum(line.same for line in lines),
        overlap_at_10=_mean([line.overlap_at_10 for line in lines]),
        rank_correlation=_mean([line.rank_correlation for line in lines]),
        without_answer=sum(one.past.answer is None for one in looked_up),
        answers_rerun=len(reruns),
        answers_changed=sum(line.answer_changed is True for line in reruns),
        citations_lost=sum(bool(line.citations_lost) for line in lines),
        lines=tuple(lines),
    )


def _line(one: Replayed) -> Line:
    found, difference = one.past.found, one.difference
    return Line(
        query_id=found.query_id,
        tenant=found.tenant,
        question=found.question,
        overlap_at_10=round(difference.overlap, 4),
        rank_correlation=round(difference.correlation, 4),
        same=difference.same,
        answer_changed=one.answer_changed,
        citations_lost=one.citations_lost,
    )


def _badness(line: Line) -> tuple[float, float, bool, str]:
    return line.overlap_at_10, line.rank_correlation, not line.answer_changed, line.query_id


def _mean(values: Sequence[float]) -> float:
    return round(fmean(values), 4) if values else 1.0
