"""Search by Ray Tune: trials side by side on a Ray cluster, drawn by the same Optuna sampler. `roxy tune --backend ray`.

Without RAY_ADDRESS a cluster is started on this machine, and stopped at the end. An actor keeps its model and its indexes from trial to
trial. Every machine needs Roxy installed, and the dataset and the study's folder at the same path.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from infra.evaluation.progress import Advance
from infra.evaluation.trials import Order, Trials, Tried

#: Ray would write a token into the home folder, tell its makers of our use, and draw tables of its own.
_QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_AIR_NEW_OUTPUT": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}
_VALUE = "value"

os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})  # read when Ray is imported

import optuna  # noqa: E402
import ray  # noqa: E402
from ray import tune  # noqa: E402
from ray.tune.search.optuna import OptunaSearch  # noqa: E402

_NOTHING_TO_KEEP = tune.CheckpointConfig(checkpoint_at_end=False)  # of a trial but its figure


def search(order: Order, trials: Trials, *, jobs: int, done: Advance) -> list[Tried]:
    """Run what is missing of the order's trials; returns all."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ray.init(log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR, ignore_reinit_error=True)
    try:
        results = _tuner(order, jobs, done).fit()
    finally:
        ray.shutdown()
    for error in results.errors:
        raise error
    found = [(one.config or {}, one.metrics) for one in results if one.metrics and _VALUE in one.metrics]
    return [Tried(config, metrics[_VALUE]) for config, metrics in sorted(found, key=lambda pair: (pair[1]["timestamp"], pair[1]["trial_id"]))]


def _tuner(order: Order, jobs: int, done: Advance) -> tune.Tuner:
    """A new one, or the one of an earlier run, which goes on where it was interrupted."""
    trainable = tune.with_parameters(_Trial, order=order)
    folder = order.study.with_suffix(".ray").resolve()
    if tune.Tuner.can_restore(str(folder)):
        return tune.Tuner.restore(str(folder), trainable, resume_unfinished=True, restart_errored=True)
    sampler = optuna.samplers.TPESampler(seed=order.seed)
    return tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        tune_config=tune.TuneConfig(
            metric=_VALUE,
            mode="max",
            search_alg=OptunaSearch(order.space.draw, metric=_VALUE, mode="max", sampler=sampler),
            num_samples=order.trials,
            max_concurrent_trials=jobs,
            reuse_actors=True,
            time_budget_s=order.timeout_s,
        ),
        run_config=tune.RunConfig(
            name=folder.name, storage_path=str(folder.parent), verbose=0, callbacks=[_Progress(done)], checkpoint_config=_NOTHING_TO_KEEP
        ),
    )


class _Trial(tune.Trainable):
    """An actor. Each trial is one step of it."""

    def setup(self, config: dict[str, Any], *, order: Order) -> None:
        self._trials = Trials.of(order)
        self._trials.__enter__()

    def step(self) -> dict[str, Any]:
        return {_VALUE: self._trials.run(self.config), "done": True}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        return True

    def cleanup(self) -> None:
        self._trials.__exit__(None, None, None)


class _Progress(tune.Callback):
    """Tells of each trial that is done. Ray keeps it with the search: a bar on a terminal cannot be kept, and is left out."""

    _done: Advance = staticmethod(lambda _: None)

    def __init__(self, done: Advance) -> None:
        self._done = done

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._done(1)
