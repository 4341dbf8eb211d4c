"""`roxy tune`: searches for settings that retrieve better on a judged collection, and says what they are worth on questions held out."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import orjson
import typer
from rich.console import Console

from infra.environment import resolved_embedder
from infra.evaluation.dataset import Dataset, read_dataset
from infra.evaluation.eval_command import prepared
from infra.evaluation.evaluation import VARIED
from infra.evaluation.measures import depth_of
from infra.evaluation.plot import draw, require_ending
from infra.evaluation.progress import bars
from infra.evaluation.space import Space
from infra.evaluation.trials import Order, Trials
from infra.evaluation.tuning import Outcome, tune
from infra.evaluation.tuning_report import as_dict, show
from schemas.errors import MissingExtra
from schemas.settings import Settings, load_settings

Backend = Literal["optuna", "ray"]


def register(app: typer.Typer) -> None:
    """Add `roxy tune`."""

    @app.command("tune")
    def tune_command(
        dataset: Annotated[Path, typer.Argument(help="Folder in the BEIR layout: corpus.jsonl, queries.jsonl, qrels/.")],
        trials: Annotated[int, typer.Option(min=1, help="Settings to try, with those of earlier runs of the same search.")] = 40,
        timeout: Annotated[float | None, typer.Option(min=1, help="Seconds after which no further trial is begun.")] = None,
        seed: Annotated[int, typer.Option(min=0, help="Decides which questions are held out, and what is tried.")] = 1,
        measure: Annotated[str, typer.Option(help="What is to grow: ndcg@10, recall@100, mrr …")] = "ndcg@10",
        split: Annotated[str, typer.Option(help="Which file of qrels/.")] = "test",
        limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions.")] = None,
        whole: Annotated[bool, typer.Option("--whole", help="Do not cut the documents: vary the search alone.")] = False,
        jobs: Annotated[int, typer.Option(min=1, help="Processes that try settings side by side.")] = 1,
        backend: Annotated[
            Backend, typer.Option(help="optuna, or ray: on a Ray cluster, by its address in RAY_ADDRESS, else on this machine.")
        ] = "optuna",
        study: Annotated[Path | None, typer.Option(help="File of the trials; processes of several machines may share one.")] = None,
        plot: Annotated[Path | None, typer.Option(help="Draw the trials into this file: .svg, .png or .pdf.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Search for settings that retrieve better on a judged collection."""
        _require(backend, plot)
        depth_of(measure)
        own = load_settings()
        settings = prepared(own, chunk=not whole)
        space = Space(cutting=not whole, vectors=resolved_embedder(settings.embedder) != "none")
        read = read_dataset(dataset, split=split, limit=limit)
        order = Order(dataset.resolve(), split, limit, settings, space, measure, seed, trials, timeout, Path())
        order = order._replace(study=study.resolve() if study else own.state_dir / "tuning" / f"{read.name}-{_fingerprint(order, read)}.log")
        outcome = _run(order, read, backend, jobs)
        if plot:
            draw(plot, measure, outcome.tried, outcome.train.as_set, settings)
        if as_json:
            typer.echo(orjson.dumps(as_dict(order, outcome)).decode())
        else:
            show(order, outcome, Console())


def _run(order: Order, dataset: Dataset, backend: Backend, jobs: int) -> Outcome:
    if backend == "ray":
        from infra.evaluation.ray_search import search
    else:
        from infra.evaluation.study import search
    with bars() as report, Trials(order, dataset) as trials:
        done = report("Trials", order.trials)
        return tune(order, trials, partial(search, jobs=jobs, done=done))


def _require(backend: Backend, plot: Path | None) -> None:
    """What is missing is said before the work, not after. Raises MissingExtra, InvalidInput."""
    if find_spec("optuna") is None or (plot and find_spec("matplotlib") is None):
        raise MissingExtra("`roxy tune` needs Optuna and matplotlib, which are not installed.", remedy="Install the extra `tuning` of roxy.")
    if backend == "ray" and find_spec("ray") is None:
        raise MissingExtra("Ray is not installed.", remedy="Install the extra `distributed` of roxy.")
    if plot:
        require_ending(plot)


def _fingerprint(order: Order, dataset: Dataset) -> str:
    """What makes figures comparable: trials of another collection, or of other settings, must not be taken for ours."""
    settings: Settings = order.settings
    known = [settings.vector_index, settings.keyword_index, settings.embedder, *(getattr(settings, name) for name in VARIED)]
    parts = [order.measure, order.seed, order.space, known, [one.id for one in dataset.documents], dataset.questions, dataset.judgements]
    return blake2b(repr(parts).encode(), digest_size=6).hexdigest()
