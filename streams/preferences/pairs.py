"""Pairs: what judgements make of a session's answers. Pure: the same answers and feedback give the same pairs, bit for bit.

Three things make a pair: a correction (it is preferred to the answer), a comparison, and two marks of one rater for two answers to one question.
A comparison stands above marks. Pairs of answers that were made from different chunks say so: they tell of the retrieval more than of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Literal, NamedTuple

from schemas.events import AnswerCompleted, FeedbackGiven, PreferencePairFormed, Side
from streams.preferences.judgements import Judgements, Target, mark_of
from streams.text_hash import text_hash

Signal = Literal["correction", "comparison", "ratings", "implicit"]
Answers = Mapping[str, AnswerCompleted]  #: of one session, by answer id


class Preferred(NamedTuple):
    """Of two sides one is preferred, and by which feedback."""

    signal: Signal
    rater: str
    chosen: Side
    rejected: AnswerCompleted
    chosen_from: AnswerCompleted  #: what the chosen side was made from: a correction has its answer's
    feedback: tuple[FeedbackGiven, ...]
    rejected_mark: float | None = None
    weight: float = 1.0


def latest(answers: Iterable[AnswerCompleted]) -> dict[str, AnswerCompleted]:
    """By answer id the one that counts: a worker that wakes up late may have written an older attempt's end too."""
    found: dict[str, AnswerCompleted] = {}
    for answer in answers:
        before = found.get(answer.answer_id)
        if before is None or (before.attempt, before.time) < (answer.attempt, answer.time):
            found[answer.answer_id] = answer
    return found


def pairs_of(answers: Answers, judgements: Judgements, *, implicit_weight: float = 0.0) -> dict[str, PreferencePairFormed]:
    """The pairs of a session, by pair id. `implicit_weight`: of what people did instead of saying; 0: it does not count."""
    last = judgements.last()
    found = [*_corrected(answers, last), *_compared(answers, last)]
    said = {_couple(each) for each in found if each.signal == "comparison"}
    found += [each for each in _rated(answers, last) if _couple(each) not in said]
    said |= {_couple(each) for each in found}
    if implicit_weight > 0:
        found += [each for each in _used(answers, last, implicit_weight) if _couple(each) not in said]
    pairs = (_formed(each) for each in found)
    return {pair.pair_id: pair for pair in sorted(pairs, key=lambda pair: pair.pair_id)}


def _corrected(answers: Answers, last: Mapping[Target, FeedbackGiven]) -> Iterator[Preferred]:
    for target, event in last.items():
        answer = answers.get(event.answer_id)
        if target.kind == "correction" and answer is not None and event.correction is not None and event.correction.strip() != answer.text.strip():
            yield Preferred("correction", target.rater, Side(text=event.correction), answer, answer, (event,))


def _compared(answers: Answers, last: Mapping[Target, FeedbackGiven]) -> Iterator[Preferred]:
    for target, event in last.items():
        better, worse = answers.get(event.answer_id), answers.get(event.better_than or "")
        if target.kind == "comparison" and better is not None and worse is not None and _can_be_told_apart(better, worse):
            yield Preferred("comparison", target.rater, _side(better), worse, better, (event,))


def _rated(answers: Answers, last: Mapping[Target, FeedbackGiven]) -> Iterator[Preferred]:
    """Of each rater's marks for answers to one question, each two that differ."""
    marks = [(target.rater, event) for target, event in sorted(last.items()) if target.kind == "mark" and event.answer_id in answers]
    for (rater, one), (other_rater, other) in combinations(marks, 2):
        high, low = (one, other) if mark_of(one) > mark_of(other) else (other, one)
        better, worse = answers[high.answer_id], answers[low.answer_id]
        if rater == other_rater and mark_of(high) > mark_of(low) and _can_be_told_apart(better, worse):
            feedback = tuple(sorted((one, other), key=lambda event: (event.time, event.id)))
            yield Preferred("ratings", rater, _side(better, mark_of(high)), worse, better, feedback, mark_of(low))


def _used(answers: Answers, last: Mapping[Target, FeedbackGiven], weight: float) -> Iterator[Preferred]:
    """An answer that its reader copied, or whose source was opened, before another to the same question of which neither is known."""
    used: dict[tuple[str, str], list[FeedbackGiven]] = {}
    for target, event in sorted(last.items()):
        if target.kind == "signal" and event.answer_id in answers:
            used.setdefault((target.rater, event.answer_id), []).append(event)
    for (rater, answer_id), events in used.items():
        better = answers[answer_id]
        for worse in answers.values():
            if (rater, worse.answer_id) not in used and _can_be_told_apart(better, worse):
                yield Preferred("implicit", rater, _side(better), worse, better, tuple(events), weight=weight)


def _can_be_told_apart(one: AnswerCompleted, other: AnswerCompleted) -> bool:
    return one.query_id == other.query_id and one.answer_id != other.answer_id and one.text.strip() != other.text.strip()


def _couple(each: Preferred) -> tuple[str, frozenset[str]]:
    """Who judged which two."""
    return each.rater, frozenset((each.chosen.answer_id or each.signal, each.rejected.answer_id))


def _side(answer: AnswerCompleted, mark: float | None = None) -> Side:
    return Side(text=answer.text, answer_id=answer.answer_id, model=answer.model, parameters=answer.parameters, arms=answer.arms, mark=mark)


def _formed(each: Preferred) -> PreferencePairFormed:
    """The event. Its id and time come from what it was formed of, so that forming it again gives the same."""
    rejected, context = each.rejected, each.rejected.context
    pair_id = _pair_id(each)
    feedback = tuple(event.id for event in each.feedback)
    last = max(event.time for event in each.feedback)
    return PreferencePairFormed(
        id=f"{pair_id}:{text_hash(*feedback, each.signal, each.chosen.text, rejected.text)}",
        time=last,
        tenant=rejected.tenant,
        pair_id=pair_id,
        session_id=rejected.session_id,
        query_id=rejected.query_id,
        rater=each.rater,
        signal=each.signal,
        question=rejected.asked,
        prompt=rejected.prompt,
        chosen=each.chosen,
        rejected=_side(rejected, each.rejected_mark),
        same_context=_context_of(each.chosen_from) == _context_of(rejected),
        context=context.hash if context else None,
        index=context.index if context else None,
        feedback=feedback,
        weight=each.weight,
        judged_at=last,
    )


def _pair_id(each: Preferred) -> str:
    """Of a rater and two answers there is one pair, whichever is preferred; of a rater and an answer one correction."""
    answer, rater = each.rejected, each.rater
    ids = sorted((each.chosen.answer_id or "correction", answer.answer_id))
    return f"p-{text_hash(answer.tenant, answer.session_id, rater, *ids)}"


def _context_of(answer: AnswerCompleted) -> str | None:
    return answer.context.hash if answer.context else None
