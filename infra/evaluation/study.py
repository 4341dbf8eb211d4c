"""Study: the search by Optuna. Its trials lie in a file, so that an interrupted search goes on, and several processes share one."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from connectors.observability import configure
from infra.evaluation.progress import Advance
from infra.evaluation.trials import Order, Trials, Tried

_NAME = "roxy"
_LOOK_S = 1.0


def search(order: Order, trials: Trials, *, jobs: int, done: Advance) -> list[Tried]:
    """Run what is missing of the order's trials; returns all."""
    study = _opened(order)
    done(len(_complete(study)))
    if jobs > 1:
        _together(order, study, jobs, done)
    else:
        _optimise(order, trials, 0, done)
    return [Tried(trial.params, trial.value) for trial in _complete(study) if trial.value is not None]


def _together(order: Order, study: optuna.Study, jobs: int, done: Advance) -> None:
    """Processes of their own, each with its own model and indexes. Fresh ones: a forked one would inherit locks that are held."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_process, order, number) for number in range(jobs)}
        known = len(_complete(study))
        while waiting:
            ended, waiting = wait(waiting, timeout=_LOOK_S)
            done(-known + (known := len(_complete(study))))
            for one in ended:
                one.result()


def _process(order: Order, number: int) -> None:
    configure(order.settings.model_copy(update={"log_level": "error"}), "tune")
    with Trials.of(order) as trials:
        _optimise(order, trials, number, lambda _: None)


def _optimise(order: Order, trials: Trials, number: int, done: Advance) -> None:
    study = _opened(order, number)

    def one(trial: optuna.Trial) -> float:
        order.space.draw(trial)
        same = next((before for before in _complete(study) if before.params == trial.params), None)
        return same.value if same is not None and same.value is not None else trials.run(trial.params)

    def stop_if_enough(study: optuna.Study, _: Any) -> None:
        done(1)
        if len(_complete(study)) >= order.trials:
            study.stop()

    missing = order.trials - len(_complete(study))
    if missing > 0:
        study.optimize(one, n_trials=missing, timeout=order.timeout_s, callbacks=[stop_if_enough])


def _opened(order: Order, number: int = 0) -> optuna.Study:
    """The study of the order's file. A run that goes on, and each process, draws anew: else it would draw what was drawn."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    order.study.parent.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(order.study)))
    study = optuna.create_study(study_name=_NAME, storage=storage, direction="maximize", load_if_exists=True)
    study.sampler = optuna.samplers.TPESampler(seed=order.seed + 1_000 * len(study.trials) + number)
    return study


def _complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
