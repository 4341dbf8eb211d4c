"""tests/robustness/validators/liveness.py: a run in which nobody was served proves nothing."""

from __future__ import annotations

import pytest

from tests.robustness.history import Connection, Ending, Search
from tests.unit.robustness.breaking import found_by, found_otherwise
from tests.unit.robustness.sound import sound

RULE = "liveness"


def test_a_system_that_does_not_come_to_rest_is_found() -> None:
    """Something is under way that nobody sees."""
    assert ["was not quiet in time, after all faults had ended"] == found_by(RULE, sound()._replace(run=sound().run._replace(settled=False)))


def test_clients_that_had_to_be_stopped_are_found() -> None:
    """Whatever they were waiting for."""
    assert ["2 clients' doings were still under way, long after all was quiet"] == found_by(RULE, sound()._replace(run=sound().run._replace(left=2)))


@pytest.mark.parametrize(("ended", "status"), [("hung", 200), ("broke", 200), ("broke", None), ("closing", 200), ("refused", 503), ("refused", 429)])
def test_a_reader_that_never_sees_the_end_is_found(ended: Ending, status: int | None) -> None:
    """Its stream stands still, breaks again and again, or is refused for ever."""
    first, *others = sound().connections[::-1]
    broken = sound()._replace(connections=(*others, first._replace(ended=ended, status=status)))

    assert [f"its last connection ended as: {ended}"] == found_by(RULE, broken)


def test_a_reader_that_was_refused_for_good_gives_up() -> None:
    """Whether that was in order, another rule says."""
    first, *others = sound().connections[::-1]

    assert [] == found_by(RULE, sound()._replace(connections=(*others, first._replace(ended="refused", status=404))))


def test_a_question_that_is_not_answered_after_healing_is_found() -> None:
    """Of each tenant some are asked then."""
    nothing = found_otherwise(sound(), searches=(Search("default", "walrus", None), Search("default", "narwhal", ("replaced",))))

    assert [
        "was asked nothing after all faults had ended",
        "was asked for after all faults had ended, and not answered",
    ] == found_by(RULE, nothing)


def test_a_tenant_that_nobody_has_read_for_is_found() -> None:
    """Every connection is refused, as by a server that is too busy for ever."""
    refused = sound()._replace(connections=tuple(map(_refused, sound().connections)))

    assert 2 == found_by(RULE, refused).count("no reader has come to the end of anything")


def _refused(one: Connection) -> Connection:
    return one._replace(ended="refused", status=503, frames=())
