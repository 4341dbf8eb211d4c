"""Flags: settings that may be switched while everything runs, and the fold that says which way they stand. Pure.

Workers, the API and the command line read the same records by it, so that what one of them shows is what the others do.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.errors import UnknownFlag
from schemas.events import FlagChanged
from schemas.session_id import new_ulid

#: Settings that are asked for anew for every question. Each is a setting of that name: what stands there holds where no flag was switched.
FLAG_NAMES: tuple[str, ...] = (
    "answer_cache",
    "experimenting",
    "refusals",
    "routing",
    "screening",
    "self_check",
    "semantic_cache",
)

Switched = tuple[tuple[str, bool], ...]  #: flags that were switched, by name


class Standing(NamedTuple):
    """How one flag stands for one tenant."""

    flag: str
    value: bool | None  #: None: as the settings say
    changed: FlagChanged | None  #: the change that made it so


class Flags:
    """A fold of topic `flags`. The last change of a tenant's flag holds; a tenant's own stands above what holds everywhere.

    A change that is read again, because it was written twice or lies on both sides of a reconnection, changes nothing: else it would undo
    what came after it.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str | None, str], FlagChanged] = {}
        self._seen: set[str] = set()

    def fold(self, event: FlagChanged) -> None:
        if event.id not in self._seen:
            self._seen.add(event.id)
            self._last[None if event.everywhere else event.tenant, event.flag] = event

    def standing(self, flag: str, tenant: str) -> Standing:
        """How a flag stands for a tenant, and since which change."""
        for whose in (tenant, None):
            change = self._last.get((whose, flag))
            if change is not None and change.value is not None:
                return Standing(flag, change.value, change)
        return Standing(flag, None, None)

    def switched(self, tenant: str) -> Switched:
        """The flags that stand above the settings for a tenant. One that this process does not know is none."""
        if not self._last:
            return ()
        standings = (self.standing(flag, tenant) for flag in FLAG_NAMES)
        return tuple((one.flag, one.value) for one in standings if one.value is not None)


def flag_changed(flag: str, value: bool | None, *, tenant: str, everywhere: bool, changed_by: str, reason: str) -> FlagChanged:
    """The record that both doors write, the API and the command line. Raises UnknownFlag."""
    require_flag(flag)
    return FlagChanged(id=f"{flag}:{new_ulid()}", tenant=tenant, flag=flag, value=value, everywhere=everywhere, changed_by=changed_by, reason=reason)


def require_flag(flag: str) -> None:
    """Raises UnknownFlag."""
    if flag not in FLAG_NAMES:
        raise UnknownFlag(f"There is no flag {flag}.", remedy=f"There are {', '.join(FLAG_NAMES)}.")
