"""Upcasters: functions that turn a version of an event that was shipped once into the next one.

None yet: every event is at version 1. To add one, raise the event's version and put here, under (type, old version), a function
from the old JSON object to the new one; tests/history keeps a golden record of the old version for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Fields = dict[str, Any]
Upcaster = Callable[[Fields], Fields]

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}


def upcast(fields: Fields, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> Fields:
    """Apply upcasters, each raising `version` by one, until none fits."""
    while (step := upcasters.get((fields["type"], fields["version"]))) is not None:
        fields = {**step(fields), "version": fields["version"] + 1}
    return fields
