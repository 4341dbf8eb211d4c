"""Tuning: search by one half of the questions, judge by the other. Called by `roxy tune`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from infra.evaluation.evaluation import Evaluation
from infra.evaluation.measures import Difference, difference
from infra.evaluation.space import Parameters
from infra.evaluation.trials import Order, Trials, Tried

Search = Callable[[Order, Trials], list[Tried]]


class Half(NamedTuple):
    """The measure over one half of the questions."""

    questions: int
    as_set: float
    best: float
    difference: Difference


class Outcome(NamedTuple):
    """What a search has found."""

    measure: str
    parameters: Parameters  #: of the best trial; empty if none was better than the settings as they are
    train: Half
    held_out: Half  #: whose questions chose nothing
    tried: Sequence[Tried]  #: in the order of the trials


def tune(order: Order, trials: Trials, search: Search) -> Outcome:
    """Search, then ask the questions that were held out, once: with the settings as they are, and with the best. Raises RoxyError."""
    tried = search(order, trials)
    as_set = trials.evaluate({}, trials.split.train)
    first = max(tried, key=lambda one: one.value, default=None)
    best = first.parameters if first and first.value > as_set.mean(order.measure) else {}
    train = _half(order.measure, as_set, trials.evaluate(best, trials.split.train))
    held_out = _half(order.measure, trials.evaluate({}, trials.split.held_out), trials.evaluate(best, trials.split.held_out))
    return Outcome(order.measure, best, train, held_out, tried)


def _half(measure: str, as_set: Evaluation, best: Evaluation) -> Half:
    found = difference(as_set.scores[measure], best.scores[measure])
    return Half(len(as_set.scores[measure]), as_set.mean(measure), best.mean(measure), found)
