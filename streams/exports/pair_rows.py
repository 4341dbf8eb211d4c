"""Pair rows: of two answers to a question, which one is preferred. For DPO and reward models. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from streams.exports.agreement import Majority, majorities
from streams.exports.plan import SIGNALS, Plan
from streams.exports.pseudonyms import Pseudonyms
from streams.exports.row import Row, in_order, prompt_of
from streams.preferences.replay import Judged


def pair_rows(judged: Judged, plan: Plan, names: Pseudonyms, dropped: Counter[str]) -> Iterator[Row]:
    """One of each two answers that raters do not disagree on half and half."""
    wanted = [pair for pair in judged.pairs(plan.implicit_weight).values() if pair.signal in plan.signals]
    for majority in majorities(wanted):
        if majority is None:
            dropped["raters disagree"] += 1
        else:
            yield _row(majority, judged, names)


def _row(majority: Majority, judged: Judged, names: Pseudonyms) -> Row:
    """Told by the one of the pairs that says most: a correction more than a comparison, marks more than what was done."""
    pair = min(majority.pairs, key=lambda pair: (SIGNALS.index(pair.signal), pair.pair_id))
    chosen = judged.answers[pair.chosen.answer_id] if pair.chosen.answer_id else None
    rejected = judged.answers[pair.rejected.answer_id or ""]
    return Row(
        row_id=pair.pair_id,
        prompt=prompt_of(rejected),
        texts=(pair.chosen.text, pair.rejected.text),
        answers=(chosen, rejected),
        source=rejected,
        signal=pair.signal,
        raters=tuple(sorted({names.of(each.tenant, each.rater) for each in majority.pairs})),
        agreement=majority.agreement,
        judged_at=max(each.judged_at for each in majority.pairs),
        answer_positions=tuple(judged.positions[answer.id] for answer in (chosen, rejected) if answer),
        feedback_positions=in_order(judged.positions[event_id] for each in majority.pairs for event_id in each.feedback),
        ratings=(pair.chosen.mark, pair.rejected.mark),
        same_context=pair.same_context,
        weight=max(each.weight for each in majority.pairs),
    )
