"""What an evaluation says: one object whose figures have the names of the measures, or a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.bench.report import machine
from infra.evaluation.dataset import Dataset
from infra.evaluation.evaluation import VARIED, Evaluation
from infra.evaluation.measures import Difference, difference

_CHANCE = 0.05  # a p-value above it is no news
_QUANTILES = (50, 95)


class Compared(NamedTuple):
    """A second evaluation beside the first."""

    change: str  #: as it was asked for
    evaluation: Evaluation
    differences: Mapping[str, Difference]  #: by measure: the second minus the first


def compared(change: str, first: Evaluation, second: Evaluation) -> Compared:
    """Question by question."""
    return Compared(change, second, {name: difference(scores, second.scores[name]) for name, scores in first.scores.items()})


def as_dict(dataset: Dataset, first: Evaluation, others: Sequence[Compared]) -> dict[str, Any]:
    """The object of `--json`."""
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "documents": len(dataset.documents) - len(first.indexed.failed),
        "empty": dataset.empty,
        "failed": len(first.indexed.failed),
        "queries": len(dataset.questions),
        **_figures(first),
        **{f"latency_p{quantile}_ms": round(first.latency_ms(quantile), 3) for quantile in _QUANTILES},
        "cached": first.cached,
        "compared": [_compared_as_dict(one) for one in others],
        "machine": machine(),
    }


def _compared_as_dict(one: Compared) -> dict[str, Any]:
    differences = {name: {"difference": round(found.mean, 5), "p": found.p} for name, found in one.differences.items()}
    return {"change": one.change, **_figures(one.evaluation), "differences": differences}


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    return {
        **{name: round(evaluation.mean(name), 5) for name in evaluation.scores},
        "skipped": dict(evaluation.skipped),
        "degraded": evaluation.degraded,
        "chunks": evaluation.indexed.chunks,
        "embed_s": round(evaluation.indexed.embed_s, 3),
        "index_s": round(evaluation.indexed.index_s, 3),
        "embedder": embedder_of(evaluation),
        "plan": evaluation.plan.fingerprint,
        "settings": {name: getattr(evaluation.plan, name, getattr(evaluation.settings, name)) for name in VARIED},
    }


def embedder_of(evaluation: Evaluation) -> str:
    embedder = evaluation.indexed.ports.embedder
    return embedder.name if embedder else "none"


def show(dataset: Dataset, first: Evaluation, others: Sequence[Compared], console: Console) -> None:
    """The table, what else there is to know of the run, and the plan."""
    table = Table("", "as set", *(escape(one.change) for one in others), title=f"roxy eval {escape(dataset.name)}", title_justify="left")
    for name in first.scores:
        table.add_row(name, f"{first.mean(name):.4f}", *(_beside(one, name) for one in others))
    for quantile in _QUANTILES:
        table.add_row(f"latency p{quantile}", f"{first.latency_ms(quantile):.1f} ms")
    console.print(table)
    if others:
        console.print(f"In brackets: the difference to `as set`; [bold]bold[/] where chance alone makes as much in less than {_CHANCE:.0%} of cases.")
    for line in (*_lines(dataset, first), _plan(first)):
        console.print(line, style="dim", highlight=False, soft_wrap=True)


def _beside(one: Compared, name: str) -> str:
    found = one.differences[name]
    words = f"{found.mean:+.4f}" + ("" if found.p is None else f", p {found.p:.3f}")
    return f"{one.evaluation.mean(name):.4f} ({f'[bold]{words}[/]' if found.p is not None and found.p < _CHANCE else words})"


def _lines(dataset: Dataset, first: Evaluation) -> list[str]:
    indexed = first.indexed
    documents = len(dataset.documents) - len(indexed.failed)
    lines = [
        f"{documents} documents, {indexed.chunks} chunks, {len(dataset.questions)} questions of split {dataset.split}.",
        f"Indexed in {indexed.index_s:.1f} s, {indexed.embed_s:.1f} s of them embedding with {embedder_of(first)}.",
    ]
    if dataset.empty:
        lines.append(f"{dataset.empty} documents without text were left out.")
    lines += [f"failed {failed.document_id}: {failed.detail}" for failed in indexed.failed]
    lines += [
        f"{count} questions were taken for {intent} and nothing was looked up for them: they count as 0." for intent, count in first.skipped.items()
    ]
    if first.degraded:
        lines.append(f"{first.degraded} questions were answered by one part of the index only.")
    if first.cached:
        lines.append(f"{first.cached} questions had been embedded before: their times lack that.")
    return [escape(line) for line in lines]


def _plan(evaluation: Evaluation) -> str:
    """What was evaluated, in full: a figure without it cannot be had again."""
    settings = ", ".join(f"{name} {getattr(evaluation.plan, name, getattr(evaluation.settings, name))}" for name in VARIED)
    return escape(f"Plan {evaluation.plan.fingerprint}: {settings}. What only cuts or shapes an answer's context is off.")
