"""Projections: what was folded while it happened is what a replay of the log gives. Of each compacted topic whose replay was recorded."""

from __future__ import annotations

from collections.abc import Iterator

from tests.robustness.log import Log
from tests.robustness.validators.violation import Violation

RULE = "projections"


def violations(log: Log) -> Iterator[Violation]:
    for topic, replayed in (log.run.found.replayed or {}).items():
        live = log.last_values(topic)
        for key in sorted(replayed.keys() - live.keys()):
            yield Violation(RULE, f"{topic} {key}", "is missing", (str(replayed[key]),))
        for key in sorted(live.keys() - replayed.keys()):
            yield Violation(RULE, f"{topic} {key}", "is there, and a replay does not give it", (str(live[key]),))
        for key in sorted(live.keys() & replayed.keys()):
            if live[key].event != replayed[key]:
                yield Violation(RULE, f"{topic} {key}", "is other than a replay gives it", (str(live[key].event), str(replayed[key])))
