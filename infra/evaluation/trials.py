"""Trials: what a search for settings is told, and one trial of it. Whoever searches (study.py, ray_search.py) runs these."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from infra.evaluation.dataset import Dataset, read_dataset
from infra.evaluation.evaluation import Evaluation, changed, evaluate
from infra.evaluation.indexing import Indexes
from infra.evaluation.progress import Report, quietly
from infra.evaluation.space import Parameters, Space, changes
from infra.evaluation.split import split
from schemas.settings import Settings


class Order(NamedTuple):
    """Everything that a search needs to know; any process that has it can take part."""

    folder: Path
    split: str
    limit: int | None
    settings: Settings  #: those that are to be bettered
    space: Space
    measure: str
    seed: int
    trials: int  #: in all, with those of earlier runs
    timeout_s: float | None
    study: Path  #: file of the trials that are done


class Tried(NamedTuple):
    """One trial."""

    parameters: Parameters
    value: float  #: the measure, on the questions that are trained on


class Trials:
    """Runs trials one after the other, with the indexes that it has made. To be used in a `with`."""

    def __init__(self, order: Order, dataset: Dataset, report: Report = quietly) -> None:
        self._order, self._report = order, report
        self.split = split(dataset, order.seed)
        self._indexes = Indexes(dataset.documents, order.settings)
        self._runner = asyncio.Runner()  # one loop: the indexes belong to it

    @classmethod
    def of(cls, order: Order) -> Self:
        """Those of a process that is only told the order."""
        return cls(order, read_dataset(order.folder, split=order.split, limit=order.limit))

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._runner.__exit__(kind, error, trace)

    def run(self, parameters: Parameters) -> float:
        """The measure with these parameters on the questions that are trained on."""
        return self.evaluate(parameters, self.split.train).mean(self._order.measure)

    def evaluate(self, parameters: Parameters, dataset: Dataset) -> Evaluation:
        """The settings with these parameters, over some of the questions. Raises RoxyError."""
        settings = changed(self._order.settings, changes(parameters))
        return self._runner.run(evaluate(dataset, self._indexes, settings, (self._order.measure,), self._report))
