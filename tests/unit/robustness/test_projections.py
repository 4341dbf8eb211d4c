"""tests/robustness/validators/projections.py: what is kept live is what a replay gives."""

from __future__ import annotations

from typing import Any

from schemas.topics import INSIGHTS, PREFERENCES
from tests.unit.robustness.breaking import altered, fields_of, found_by, found_otherwise, is_of, with_topic, without
from tests.unit.robustness.sound import sound

RULE = "projections"


def test_a_pair_that_is_missing_is_found() -> None:
    """The live step has lost it."""
    assert ["is missing"] == found_by(RULE, without(sound(), PREFERENCES.name, is_of(pair_id="p1")))


def test_a_pair_that_is_there_otherwise_is_found() -> None:
    """Its last value counts, not the one before: of two workers, the one that knew less wrote last."""
    assert ["is other than a replay gives it"] == found_by(RULE, altered(sound(), PREFERENCES.name, is_of(weight=1.0), weight=0.5))
    assert [] == found_by(RULE, altered(sound(), PREFERENCES.name, is_of(weight=0.5), weight=0.7))


def test_a_pair_that_should_be_gone_is_found() -> None:
    """What it rested on was taken back."""
    assert ["is there, and a replay does not give it"] == found_by(RULE, found_otherwise(sound(), replayed={"preferences": {}}))


def test_a_pair_that_was_taken_back_is_not_there() -> None:
    """Its last record has no value."""
    replayed = (sound().run.found.replayed or {})["preferences"]
    also_gone = found_otherwise(sound(), replayed={"preferences": {**replayed, "p-gone": replayed["p1"]}})

    assert ["is missing"] == found_by(RULE, also_gone)


def test_of_a_session_that_was_forgotten_no_pair_is_asked_for() -> None:
    """Who judged while it went was told later that there is no such session; `feedback` and `answers` keep what they hold."""
    missing = without(sound(), PREFERENCES.name, is_of(pair_id="p1"))
    pair = (sound().run.found.replayed or {})["preferences"]["p1"]
    forgotten = missing.operations[0]._replace(kind="forget", outcome="ok", tenant=pair["tenant"], request={"session": pair["session_id"]})
    missing = missing._replace(operations=(*missing.operations, forgotten))

    assert [] == found_by(RULE, missing)


def test_a_row_of_insights_that_stands_otherwise_than_the_log_says_is_found() -> None:
    """Missing, with other figures, or of answers that there are none of."""
    first = is_of(row_id=_rows()[0]["row_id"])
    figures = {**_rows()[0]["figures"], "answers": 99}

    assert ["is missing"] == found_by(RULE, without(sound(), INSIGHTS.name, first))
    assert ["is other than a replay gives it"] == found_by(RULE, altered(sound(), INSIGHTS.name, first, figures=figures))
    assert ["is there, and a replay does not give it"] * len(_rows()) == found_by(
        RULE, with_topic(with_topic(with_topic(sound(), "answers", []), "feedback", []), "queries", [])
    )


def _rows() -> list[dict[str, Any]]:
    return [fields_of(record) for record in sound().topics[INSIGHTS.name]]


def test_what_was_not_replayed_is_not_judged() -> None:
    """A run may end without."""
    assert [] == found_by(RULE, found_otherwise(sound(), replayed=None))
