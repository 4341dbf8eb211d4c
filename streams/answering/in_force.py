"""In force: the settings as they hold for one session: what flags switch stands above the settings, what an arm changes above both; and for
another answer to a question what was asked for with it, above all.

Asked twice for each question, when it is looked up and when it is answered. There are few combinations, so each one's settings are made once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from cachetools import LRUCache

from schemas.changed_settings import for_a_sibling
from schemas.events import Sibling
from schemas.flags import Flags, Switched
from schemas.settings import Settings
from streams.answering.experiments import Experiments
from streams.search.plan import Plan

_COMBINATIONS = 1_024  # some KB each
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class InForce(NamedTuple):
    """Settings, and the arms of experiments that made them so."""

    settings: Settings
    plan: Plan
    arms: Mapping[str, str]


class Steering:
    """What holds for whom."""

    def __init__(self, settings: Settings, flags: Flags) -> None:
        """Raises InvalidSetting for experiments that cannot be run."""
        self.experiments = Experiments(settings.experiments)
        self._settings, self._flags = settings, flags
        self._known: LRUCache[tuple[Switched, tuple[tuple[str, str], ...], bytes], InForce] = LRUCache(_COMBINATIONS)

    def of(self, tenant: str, session_id: str, arms: Mapping[str, str] | None = None, sibling: Sibling | None = None) -> InForce:
        """What holds for a session. `arms`: those that it was in when its question was looked up, which it is answered with too.

        Of these, an arm that there is no more is left out: nobody knows its settings. An answer of which the sibling changes something is no
        arm's. Raises InvalidRegeneration for a sibling that changes what it may not.
        """
        switched = self._flags.switched(tenant)
        if arms is None:
            experimenting = dict(switched).get("experimenting", self._settings.experimenting)
            arms = self.experiments.arms(tenant, session_id) if experimenting else {}
        changed = sibling.settings if sibling else _NOTHING
        key = switched, tuple(sorted(self.experiments.known(arms).items())), orjson.dumps(dict(changed), option=orjson.OPT_SORT_KEYS)
        if key not in self._known:
            self._known[key] = self._made(*key[:2], changed)
        return self._known[key]

    def each(self) -> list[Settings]:
        """The settings of each arm alone, and those without any, so that what they name can be opened at the start."""
        return [self._settings, *(self._settings.model_copy(update=dict(changed)) for changed in self.experiments.each())]

    def _made(self, switched: Switched, arms: tuple[tuple[str, str], ...], changed: Mapping[str, Any]) -> InForce:
        above = for_a_sibling(changed, self._settings)
        settings = self._settings.model_copy(update={**dict(switched), **self.experiments.settings(dict(arms)), **above})
        return InForce(settings, Plan.of(settings), {} if above else dict(arms))
