"""Evaluation: one dataset, some settings → figures. Called by `roxy eval` for each set of settings, by `roxy tune` for each trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from infra.evaluation.asking import Reply, ask_all, evaluated
from infra.evaluation.dataset import Dataset
from infra.evaluation.indexing import CUTTING, Indexed, Indexes
from infra.evaluation.measures import Scores, depth_of, mean, measured
from infra.evaluation.progress import Report, quietly
from schemas.errors import InvalidSetting
from schemas.settings import Settings
from streams.search.plan import Plan

VARIED = (*CUTTING, *Plan._fields)  #: settings that an evaluation can compare

_PATIENCE_S = 60.0  # a figure must not depend on what else the machine does


class Evaluation(NamedTuple):
    """What one set of settings is worth on a dataset."""

    settings: Settings
    plan: Plan  #: as it was evaluated
    indexed: Indexed
    scores: Scores
    skipped: Mapping[str, int]  #: intent → questions for which nothing was looked up
    degraded: int  #: questions that a part of the index did not answer
    cached: int  #: questions whose embedding was kept from another time: their times lack it
    took_ms: tuple[float, ...]  #: of each question with the plan that users get; empty if nobody asked for it

    def mean(self, measure: str) -> float:
        return mean(self.scores[measure])

    def latency_ms(self, quantile: int) -> float:
        return float(np.percentile(self.took_ms, quantile))


def for_evaluation(settings: Settings, *, chunk: bool) -> Settings:
    """No answers, no results of an earlier question; documents whole unless they are to be cut.

    Vectors of collections that are only measured are kept with what can be downloaded again, not with what the workers know.
    """
    fixed: dict[str, Any] = {
        "language_model": "scripted",
        "result_cache_s": 0.0,
        "search_timeout_s": _PATIENCE_S,
        "step_timeout_s": _PATIENCE_S * 60,
        "state_dir": settings.cache_dir / "evaluation",
    }
    return settings.model_copy(update=fixed if chunk else {**fixed, "chunker": "whole"})


def changed(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """The settings with changes, checked as the environment's are. Raises InvalidSetting."""
    unknown = sorted(set(changes) - set(VARIED))
    if unknown:
        raise InvalidSetting(f"{', '.join(unknown)} cannot be compared here.", remedy=f"Name one of: {', '.join(VARIED)}.")
    try:
        checked = Settings(**{name: getattr(settings, name) for name in settings.model_fields_set} | dict(changes))
    except ValidationError as error:
        problem = error.errors()[0]
        raise InvalidSetting(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}.") from error
    return settings.model_copy(update={name: getattr(checked, name) for name in changes})


def changes_of(text: str) -> dict[str, str]:
    """`fusion=rrf,top_k=10` as a mapping. Raises InvalidSetting."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and sign and value.strip() for name, sign, value in pairs):
        raise InvalidSetting(f"{text!r} is no change.", remedy="Write it as name=value[,name=value…], such as fusion=rrf.")
    return {name.strip(): value.strip() for name, _, value in pairs}


async def evaluate(
    dataset: Dataset, indexes: Indexes, settings: Settings, measures: Sequence[str], report: Report = quietly, *, timed: bool = False
) -> Evaluation:
    """Index what is not indexed yet, ask every question, and judge what was found. Raises RoxyError.

    `timed`: ask them before with the plan as it is set, since a longer list takes longer.
    """
    indexed = await indexes.of(settings, report)
    own, questions = Plan.of(settings), dataset.questions
    plan = evaluated(own, max(map(depth_of, measures)), indexed.most_chunks)
    clocked = await ask_all(indexed.ports, questions, own, report("Timing", len(questions))) if timed else []
    replies = await ask_all(indexed.ports, questions, plan, report("Asking", len(questions)))
    rankings = {reply.question.id: [dataset.names[document] for document in reply.documents] for reply in replies}
    return Evaluation(
        settings=settings,
        plan=plan,
        indexed=indexed,
        scores=measured(measures, rankings, dataset.judgements),
        skipped=_skipped(replies),
        degraded=sum(bool(reply.degraded) for reply in replies),
        cached=sum("embedding" in reply.cached for reply in clocked),
        took_ms=tuple(reply.took_ms for reply in clocked),
    )


def _skipped(replies: Sequence[Reply]) -> Mapping[str, int]:
    return Counter(reply.skipped for reply in replies if reply.skipped)
