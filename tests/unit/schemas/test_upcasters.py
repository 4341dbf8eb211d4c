"""Upcasters: an old version becomes today's, one step at a time."""

from __future__ import annotations

from schemas.events import EVENTS
from schemas.json_schemas import version_of
from schemas.upcasters import UPCASTERS, Fields, Upcaster, upcast


def _renamed(fields: Fields) -> Fields:
    return {name.replace("question", "text"): value for name, value in fields.items()}


def _with_asker(fields: Fields) -> Fields:
    return {**fields, "asked_by": "anonymous"}


CHAIN: dict[tuple[str, int], Upcaster] = {("QueryAsked", 1): _renamed, ("QueryAsked", 2): _with_asker}


def test_an_old_event_takes_every_step_to_today() -> None:
    """Version 1 to 2 to 3; the version is raised for the upcaster."""
    old = {"type": "QueryAsked", "version": 1, "question": "Why?"}

    assert upcast(old, CHAIN) == {"type": "QueryAsked", "version": 3, "text": "Why?", "asked_by": "anonymous"}


def test_an_event_begins_at_its_own_version() -> None:
    """Steps behind it are not taken again."""
    assert upcast({"type": "QueryAsked", "version": 2, "text": "Why?"}, CHAIN) == {
        "type": "QueryAsked", "version": 3, "text": "Why?", "asked_by": "anonymous",
    }  # fmt: skip


def test_other_events_and_todays_version_stay_as_they_are() -> None:
    """Nothing fits, nothing is done, and what was given is not changed."""
    for fields in ({"type": "QueryAsked", "version": 3, "text": "Why?"}, {"type": "FeedbackGiven", "version": 1}):
        assert upcast(dict(fields), CHAIN) == fields


def test_the_given_fields_are_left_alone() -> None:
    """The dead letters need them as they came."""
    old = {"type": "QueryAsked", "version": 1, "question": "Why?"}
    upcast(old, CHAIN)

    assert old == {"type": "QueryAsked", "version": 1, "question": "Why?"}


def test_every_older_version_has_its_step() -> None:
    """From 1 up to the one before today's, for each event, and no step for what never was."""
    older = {(name, version) for name, event in EVENTS.items() for version in range(1, version_of(event))}

    assert set(UPCASTERS) == older
