"""Measures: rankings against judgements, by ir-measures (the figures are trec_eval's), and whether a difference is more than chance."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from schemas.errors import InvalidInput, MissingExtra

Scores = dict[str, dict[str, float]]  #: measure → question → figure
_NAME = re.compile(r"(ndcg|recall)@([1-9]\d{0,3})|mrr")
_RESAMPLES = 9_999
_SEED = 1  # so that the same two runs always say the same


class Difference(NamedTuple):
    """Of one measure, between two runs over the same questions."""

    mean: float
    p: float | None  #: how often chance alone does as much; None: no question differs, or there is only one


def names_of(depths: Sequence[int]) -> tuple[str, ...]:
    """The measures of a report: nDCG and recall at each depth, and the mean reciprocal rank."""
    return (*(f"{kind}@{depth}" for kind in ("ndcg", "recall") for depth in depths), "mrr")


def depth_of(name: str) -> int:
    """How many documents a measure looks at. Raises InvalidInput for a name that is none."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidInput(f"{name!r} is no measure.", remedy="Use ndcg@10, recall@100, mrr, or another depth.")
    return int(match[2] or 100)


def measured(names: Sequence[str], rankings: Mapping[str, Sequence[str]], judgements: Mapping[str, Mapping[str, int]]) -> Scores:
    """Each measure of each judged question. A question that nothing was found for has 0. `rankings`: documents, best first."""
    require_measures()
    import ir_measures

    asked = {str(_measure(name)): name for name in names}
    judged = [ir_measures.Qrel(query, document, score) for query, rows in judgements.items() for document, score in rows.items()]
    run = [
        ir_measures.ScoredDoc(query, document, float(-place))  # equal scores would be put in order by document id
        for query, documents in rankings.items()
        for place, document in enumerate(documents)
    ]
    scores: Scores = {name: dict.fromkeys(judgements, 0.0) for name in names}
    for one in ir_measures.iter_calc([_measure(name) for name in names], judged, run):
        scores[asked[str(one.measure)]][one.query_id] = float(one.value)
    return scores


def mean(scores: Mapping[str, float]) -> float:
    """Over all questions."""
    return float(np.mean(list(scores.values()))) if scores else 0.0


def difference(ours: Mapping[str, float], other: Mapping[str, float]) -> Difference:
    """Other minus ours, with the p-value of a paired permutation test (two-sided): it asks nothing of how the figures are distributed."""
    gaps = np.array([other[query] - score for query, score in ours.items()])
    if len(gaps) < 2 or not gaps.any():
        return Difference(float(gaps.mean()) if len(gaps) else 0.0, None)
    from scipy.stats import permutation_test

    def paired(sample: Any, axis: int) -> Any:
        return sample.mean(axis=axis)

    statistic: Callable[..., Any] = paired
    tested = permutation_test((gaps,), statistic, permutation_type="samples", n_resamples=_RESAMPLES, rng=_SEED, vectorized=True)
    return Difference(float(gaps.mean()), float(tested.pvalue))


def require_measures() -> None:
    """Raises MissingExtra."""
    if find_spec("ir_measures") is None:
        raise MissingExtra("`roxy eval` needs ir-measures, which is not installed.", remedy="Install the extra `evaluation` of roxy.")


def _measure(name: str) -> Any:
    from ir_measures import RR, R, nDCG

    depth = depth_of(name)
    kind = name.partition("@")[0]
    return RR if kind == "mrr" else (nDCG if kind == "ndcg" else R) @ depth
