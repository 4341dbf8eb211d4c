"""In force: the settings as they hold for one session, which feature flags and experiments may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas.settings import Settings


class InForce(NamedTuple):
    """Settings, and the arms of experiments that made them so."""

    settings: Settings
    arms: Mapping[str, str]


class Flags:
    """What FlagChanged has switched, by tenant. A projection of topic `flags`."""


def in_force(settings: Settings, flags: Flags, tenant: str, session_id: str, arms: Mapping[str, str] | None = None) -> InForce:
    """What holds for a session. `arms`: those that it was in when its question was looked up."""
    return InForce(settings, arms or {})
