"""`roxy eval`: how good retrieval is on a judged collection, with the settings as they are, and beside others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from connectors.observability import configure
from infra.evaluation.dataset import Dataset, read_dataset
from infra.evaluation.evaluation import Evaluation, changed, changes_of, evaluate, for_evaluation
from infra.evaluation.indexing import Indexes
from infra.evaluation.measures import names_of, require_measures
from infra.evaluation.progress import Report, bars
from infra.evaluation.report import Compared, as_dict, compared, show
from schemas.errors import InvalidInput
from schemas.settings import Settings, load_settings

_DEPTHS = "10,100"
_DEEPEST = 1_000


def register(app: typer.Typer) -> None:
    """Add `roxy eval`."""

    @app.command("eval")
    def eval_command(
        dataset: Annotated[Path, typer.Argument(help="Folder in the BEIR layout: corpus.jsonl, queries.jsonl, qrels/.")],
        split: Annotated[str, typer.Option(help="Which file of qrels/.")] = "test",
        k: Annotated[str, typer.Option("--k", help="Depths of nDCG and recall, with commas.")] = _DEPTHS,
        chunk: Annotated[bool, typer.Option("--chunk", help="Cut the documents as ROXY_CHUNKER says; else each is one chunk.")] = False,
        limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions.")] = None,
        compare: Annotated[
            list[str] | None, typer.Option(help="Other settings to set beside, such as fusion=rrf or top_k=3,diversity=0.3; may be repeated.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Measure retrieval on a judged collection."""
        settings = prepared(load_settings(), chunk=chunk)
        depths = depths_of(k)
        asked = [(change, changed(settings, changes_of(change))) for change in compare or ()]
        read = read_dataset(dataset, split=split, limit=limit)
        with bars() as report:
            first, others = asyncio.run(_evaluate(read, settings, asked, depths, report))
        if as_json:
            typer.echo(orjson.dumps(as_dict(read, first, others)).decode())
        else:
            show(read, first, others, Console())


def prepared(settings: Settings, *, chunk: bool) -> Settings:
    """The settings of an evaluation; log lines are for what goes wrong. Raises MissingExtra."""
    require_measures()
    ready = for_evaluation(settings, chunk=chunk)
    configure(ready.model_copy(update={"log_level": "error"}), "eval")
    return ready


def depths_of(text: str) -> tuple[int, ...]:
    """`10,100` → 10, 100. Raises InvalidInput."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= _DEEPEST for part in parts):
        raise InvalidInput(f"--k {text!r} names no depths.", remedy=f"Give numbers from 1 to {_DEEPEST} with commas, such as {_DEPTHS}.")
    return tuple(dict.fromkeys(map(int, parts)))


async def _evaluate(
    dataset: Dataset, settings: Settings, others: Sequence[tuple[str, Settings]], depths: Sequence[int], report: Report
) -> tuple[Evaluation, list[Compared]]:
    indexes, measures = Indexes(dataset.documents, settings), names_of(depths)
    first = await evaluate(dataset, indexes, settings, measures, report, timed=True)
    return first, [compared(change, first, await evaluate(dataset, indexes, other, measures, report)) for change, other in others]
