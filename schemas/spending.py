"""Spending: tokens and cost of many answers, by model. A fold that counts an answer once, however often its record is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.events import AnswerCompleted


class Spent(NamedTuple):
    """Of one model. `cost` by currency."""

    model: str
    answers: int
    prompt_tokens: int
    completion_tokens: int
    cost: dict[str, float]


class Spending:
    """Answers by id: of two attempts' ends the higher counts."""

    def __init__(self, answers: Iterable[AnswerCompleted] = ()) -> None:
        self._answers: dict[tuple[str, str, str], AnswerCompleted] = {}
        for answer in answers:
            self.add(answer)

    def add(self, answer: AnswerCompleted) -> None:
        key = (answer.tenant, answer.session_id, answer.answer_id)
        before = self._answers.get(key)
        if before is None or before.attempt < answer.attempt:
            self._answers[key] = answer

    def by_model(self) -> list[Spent]:
        """In order of the models' names."""
        models: dict[str, list[AnswerCompleted]] = {}
        for answer in self._answers.values():
            models.setdefault(answer.model, []).append(answer)
        return [_spent(model, models[model]) for model in sorted(models)]


def _spent(model: str, answers: list[AnswerCompleted]) -> Spent:
    cost: dict[str, float] = {}
    for each in answers:
        if each.cost is not None:
            cost[each.cost.currency] = cost.get(each.cost.currency, 0.0) + each.cost.amount
    read, written = sum(each.usage.prompt_tokens for each in answers), sum(each.usage.completion_tokens for each in answers)
    return Spent(model, len(answers), read, written, {currency: round(amount, 9) for currency, amount in sorted(cost.items())})
