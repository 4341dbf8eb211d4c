"""Experiments: sessions shared out among arms, each of which is answered with settings of its own. Pure.

Which arm a session is in follows from the names of the experiment, the tenant and the session, and from nothing else: every worker says the
same, today and tomorrow, and nothing has to be remembered. What the arm was stands in the question's records all the same, so that an
experiment may be changed while questions are under way.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import product
from typing import Any

import orjson

from schemas.answering_settings import Arm, Experiment
from schemas.changed_settings import CHANGEABLE, value_of
from schemas.errors import InvalidSetting

_OF_MODELS = ("language_model", "tiers", "fallback_models", "model_", "prompt")
_EVERYBODY = "*"


class Experiments:
    """The experiments of ROXY_EXPERIMENTS, their arms' settings read."""

    def __init__(self, experiments: Sequence[Experiment] = ()) -> None:
        _require_distinct(experiments)
        self._experiments = tuple(experiments)
        self._settings = {(one.name, arm.name): _read(one, arm) for one in experiments for arm in one.arms}

    def arms(self, tenant: str, session_id: str) -> dict[str, str]:
        """By experiment, the arm that a session is in."""
        chosen = (one for one in self._experiments if _EVERYBODY in one.tenants or tenant in one.tenants)
        return {one.name: _chosen(one, share(one.name, tenant, session_id)).name for one in chosen}

    def known(self, arms: Mapping[str, str]) -> dict[str, str]:
        """Those arms that there still are."""
        return {name: arm for name, arm in arms.items() if (name, arm) in self._settings}

    def settings(self, arms: Mapping[str, str]) -> dict[str, Any]:
        """What these arms change."""
        return {name: value for arm in arms.items() for name, value in self._settings[arm].items()}

    def each(self) -> Iterator[Mapping[str, Any]]:
        """What each arm changes, so that it can be tried at the start; arms that together make a model of their own, together too."""
        yield from self._settings.values()
        of_models = [[{}, *filter(_concerns_a_model, self._changes(one))] for one in self._experiments]
        for together in product(*(changes for changes in of_models if len(changes) > 1)):
            if sum(map(bool, together)) > 1:
                yield dict(ChainMap(*together))

    def _changes(self, experiment: Experiment) -> Iterator[dict[str, Any]]:
        return (self._settings[experiment.name, arm.name] for arm in experiment.arms)


def share(experiment: str, tenant: str, session_id: str) -> float:
    """Where a session stands in an experiment, 0..1: evenly spread, and in each experiment elsewhere."""
    named = orjson.dumps((experiment, tenant, session_id))
    return int.from_bytes(blake2b(named, digest_size=8, person=b"roxy.experiment").digest()) / 2**64


def _chosen(experiment: Experiment, share: float) -> Arm:
    """The arm whose part of the line from 0 to 1 the share lies in."""
    left = share * sum(arm.weight for arm in experiment.arms)
    for arm in experiment.arms[:-1]:
        if left < arm.weight:
            return arm
        left -= arm.weight
    return experiment.arms[-1]


def _read(experiment: Experiment, arm: Arm) -> dict[str, Any]:
    """The arm's settings as the process has them. Raises InvalidSetting."""
    return {name: _value(f"experiment {experiment.name!r}, arm {arm.name!r}", name, value) for name, value in arm.settings.items()}


def _value(where: str, name: str, value: Any) -> Any:
    if name not in CHANGEABLE:
        raise InvalidSetting(f"ROXY_EXPERIMENTS, {where}: {name} cannot be changed by an arm.", remedy=f"There are {', '.join(CHANGEABLE)}.")
    try:
        return value_of(name, value)
    except InvalidSetting as error:
        raise InvalidSetting(f"ROXY_EXPERIMENTS, {where}: {error.detail}", remedy=error.remedy) from error


def _require_distinct(experiments: Sequence[Experiment]) -> None:
    """Raises InvalidSetting where it would not be known which arm made a difference."""
    _require_once("two experiments have the name", [one.name for one in experiments])
    for one in experiments:
        _require_once(f"experiment {one.name!r} has two arms named", [arm.name for arm in one.arms])
    for number, one in enumerate(experiments):
        for other in experiments[:number]:
            both = _changed_by(one) & _changed_by(other)
            if both and _share_tenants(one, other):
                raise InvalidSetting(
                    f"ROXY_EXPERIMENTS: {one.name!r} and {other.name!r} change {', '.join(sorted(both))} of the same tenants.",
                    remedy="Run one after the other, for different tenants, or as one experiment with an arm for each combination.",
                )


def _require_once(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidSetting(f"ROXY_EXPERIMENTS: {what} {twice[0]!r}.", remedy="Give each a name of its own: answers are counted by it.")


def _concerns_a_model(changed: Mapping[str, Any]) -> bool:
    return any(name.startswith(_OF_MODELS) for name in changed)


def _changed_by(experiment: Experiment) -> set[str]:
    return {name for arm in experiment.arms for name in arm.settings}


def _share_tenants(one: Experiment, other: Experiment) -> bool:
    return _EVERYBODY in {*one.tenants, *other.tenants} or not set(one.tenants).isdisjoint(other.tenants)
