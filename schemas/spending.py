"""Spending: tokens and cost of many answers, by model. A fold that counts an answer once, however often its record is written.

What was paid for counts, whatever became of it: a model that failed, or was stopped, had read its prompt and written some of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, Paid

End = AnswerCompleted | AnswerFailed | AnswerCancelled


class Spent(NamedTuple):
    """Of one model. `cost` by currency."""

    model: str
    answers: int  #: that were completed
    prompt_tokens: int
    completion_tokens: int
    cost: dict[str, float]


class Spending:
    """Answers by id: of two attempts' ends the higher counts."""

    def __init__(self, answers: Iterable[End] = ()) -> None:
        self._answers: dict[tuple[str, str, str], End] = {}
        for answer in answers:
            self.add(answer)

    def add(self, answer: End) -> None:
        key = (answer.tenant, answer.session_id, answer.answer_id)
        before = self._answers.get(key)
        if before is None or before.attempt < answer.attempt:
            self._answers[key] = answer

    def by_model(self) -> list[Spent]:
        """In order of the models' names."""
        models: dict[str, list[Paid]] = {}
        for answer in self._answers.values():
            for paid in paid_of(answer):
                models.setdefault(paid.model, []).append(paid)
        completed = [answer.model for answer in self._answers.values() if isinstance(answer, AnswerCompleted)]
        return [_spent(model, completed.count(model), models[model]) for model in sorted(models)]


def paid_of(answer: End) -> tuple[Paid, ...]:
    """All that it took."""
    own = (Paid(model=answer.model, usage=answer.usage, cost=answer.cost),) if isinstance(answer, AnswerCompleted) else ()
    return *own, *answer.in_vain


def _spent(model: str, answers: int, paid: list[Paid]) -> Spent:
    cost: dict[str, float] = {}
    for each in paid:
        if each.cost is not None:
            cost[each.cost.currency] = cost.get(each.cost.currency, 0.0) + each.cost.amount
    read, written = sum(each.usage.prompt_tokens for each in paid), sum(each.usage.completion_tokens for each in paid)
    return Spent(model, answers, read, written, {currency: round(amount, 9) for currency, amount in sorted(cost.items())})
