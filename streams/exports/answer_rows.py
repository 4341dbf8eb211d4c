"""Answer rows: single answers, from marks and corrections: good and bad ones (KTO), good ones (SFT), and questions alone. Pure.

KTO's rows come from marks, not from pairs: of two answers of which one is better, both may be good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import fmean

from schemas.events import AnswerCompleted, FeedbackGiven
from streams.exports.agreement import most
from streams.exports.plan import Plan
from streams.exports.pseudonyms import Pseudonyms
from streams.exports.row import Row, in_order, prompt_of
from streams.preferences.judgements import Judgements, mark_of
from streams.preferences.pairs import Signal
from streams.preferences.replay import Judged
from streams.text_hash import text_hash

_NEUTRAL = 0.5  # three stars of five
_WELL_RATED = 0.75  # four

Given = dict[str, list[FeedbackGiven]]  #: by answer id


def kto_rows(judged: Judged, plan: Plan, names: Pseudonyms, dropped: Counter[str]) -> Iterator[Row]:
    """Each marked answer, desirable or not. A mark in the middle says neither."""
    for answer_id, events in _by_answer(judged, "mark").items() if "ratings" in plan.signals else ():
        said = [event for event in events if _label(event, plan) is not None]
        found = most([_label(event, plan) for event in said])
        if found is None:
            dropped["raters disagree" if said else "neither good nor bad"] += 1
            continue
        label, agreement = found
        agreeing = [event for event in said if _label(event, plan) is label]
        yield _row("k", judged, judged.answers[answer_id], agreeing, names, agreement=agreement)._replace(label=bool(label))


def sft_rows(judged: Judged, plan: Plan, names: Pseudonyms, dropped: Counter[str]) -> Iterator[Row]:
    """Corrections; and answers that most took for good, and nobody has corrected."""
    corrections = _by_answer(judged, "correction")
    if "correction" in plan.signals:
        for answer_id, events in corrections.items():
            yield from _corrected(judged, judged.answers[answer_id], events, names)
    for answer_id, events in _by_answer(judged, "mark").items() if "ratings" in plan.signals else ():
        good = [event for event in events if mark_of(event) >= (_WELL_RATED if plan.min_rating is None else plan.min_rating)]
        if answer_id in corrections or 2 * len(good) <= len(events):
            dropped["not well rated"] += 1
        else:
            yield _row("s", judged, judged.answers[answer_id], good, names, agreement=len(good) / len(events))


def prompt_rows(judged: Judged, plan: Plan, names: Pseudonyms, dropped: Counter[str]) -> Iterator[Row]:
    """Each question of which an answer was judged, as the first of these was asked."""
    about: dict[str, list[tuple[AnswerCompleted, FeedbackGiven]]] = {}
    for event in Judgements(judged.feedback).last().values():
        if event.answer_id in judged.answers:
            answer = judged.answers[event.answer_id]
            about.setdefault(answer.query_id, []).append((answer, event))
    for said in about.values():
        first = min((answer for answer, _ in said), key=lambda answer: (answer.time, answer.answer_id))
        yield _row("q", judged, first, [event for _, event in said], names)._replace(texts=(), answers=())


def _corrected(judged: Judged, answer: AnswerCompleted, events: Sequence[FeedbackGiven], names: Pseudonyms) -> Iterator[Row]:
    """Once each text."""
    for text in sorted({event.correction or "" for event in events}):
        if text.strip() != answer.text.strip():
            row = _row("s", judged, answer, [event for event in events if event.correction == text], names, text)
            yield row._replace(texts=(text,), answers=(None,), signal="correction", ratings=())


def _by_answer(judged: Judged, kind: str) -> Given:
    """What counts of that kind, by the answer that it is about."""
    found: Given = {}
    for target, event in Judgements(judged.feedback).last().items():
        if target.kind == kind and event.answer_id in judged.answers:
            found.setdefault(event.answer_id, []).append(event)
    return found


def _label(event: FeedbackGiven, plan: Plan) -> bool | None:
    mark = mark_of(event)
    if mark < _NEUTRAL:
        return False
    return True if mark > _NEUTRAL and mark >= (plan.min_rating or 0) else None


def _row(
    sort: str, judged: Judged, answer: AnswerCompleted, events: Sequence[FeedbackGiven], names: Pseudonyms, *texts: str, agreement: float = 1.0
) -> Row:
    """A row about that answer, from that feedback. `sort` and `texts` tell it from the others about the same answer."""
    marks = [mark_of(event) for event in events if event.stars is not None or event.thumb is not None]
    signal: Signal = "ratings"
    return Row(
        row_id=f"{sort}-{text_hash(answer.tenant, answer.session_id, answer.answer_id, *texts)}",
        prompt=prompt_of(answer),
        texts=(answer.text,),
        answers=(answer,),
        source=answer,
        signal=signal,
        raters=tuple(sorted({names.of(event.tenant, event.given_by) for event in events})),
        agreement=agreement,
        judged_at=max(event.time for event in events),
        answer_positions=(judged.positions[answer.id],),
        feedback_positions=in_order(judged.positions[event.id] for event in events),
        ratings=(fmean(marks),) if marks else (),
    )
