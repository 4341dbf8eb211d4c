"""Session ids: sort by time, and a lane's id answers for its tenant."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.errors import InvalidSessionId
from schemas.events import TENANT
from schemas.session_id import Session, created_ms, new_session_id, new_ulid, placement_of, require_placement
from schemas.settings import Placement

TENANTS = st.from_regex(TENANT, fullmatch=True)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
MILLISECONDS = st.integers(0, 2**48 - 1)


def _made_at(milliseconds: int, chance: bytes = bytes(10)) -> str:
    """A lane's session id, made at that time with those random bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("schemas.session_id.time.time_ns", lambda: milliseconds * 1_000_000 + 999_999)
        patch.setattr("schemas.session_id.os.urandom", lambda size: chance[:size])
        return new_session_id("default", "lane")


@given(TENANTS, st.sampled_from(["topic", "lane"]))
def test_a_new_id_says_where_the_session_lives(tenant: str, placement: Placement) -> None:
    """For its own tenant, whichever it is; and it is short and safe enough for a topic's name and a URL."""
    made = new_session_id(tenant, placement)

    assert placement_of(made, tenant) == require_placement(made, tenant) == Session(tenant, made).placement == placement
    assert re.fullmatch(r"[tl][0-9a-z]{26,36}", made)


@given(TENANTS, TENANTS)
def test_a_lane_id_is_refused_to_another_tenant(tenant: str, other: str) -> None:
    """A lane holds many tenants' sessions: the id's check is of the tenant."""
    assume(tenant != other)
    made = new_session_id(tenant, "lane")

    assert placement_of(made, other) is None
    with pytest.raises(InvalidSessionId):
        require_placement(made, other)


@given(st.builds(_made_at, MILLISECONDS, st.binary(min_size=10, max_size=10)), st.data())
def test_a_lane_id_with_a_typing_error_is_refused(made: str, data: st.DataObject) -> None:
    """One wrong character, one left out, two swapped, capitals."""
    place = data.draw(st.integers(1, len(made) - 2))
    other = data.draw(st.sampled_from(_ALPHABET + "iloU-").filter(lambda character: character != made[place]))
    swapped = made[:place] + made[place + 1] + made[place] + made[place + 2 :]
    wrong = [made[:place] + other + made[place + 1 :], made[:place] + made[place + 1 :], made + other, made.upper()]

    for text in wrong + [swapped] * (swapped != made):
        assert placement_of(text, "default") is None


@pytest.mark.parametrize("text", ["", "t", "l", "x123", "t" * 102, "ta/b", "ta.b", "ta b", "tä", "t1\n", "../etc/passwd"])
def test_what_is_no_session_id_is_refused(text: str) -> None:
    """Nothing that could name another topic gets through."""
    with pytest.raises(InvalidSessionId) as caught:
        require_placement(text, "default")

    assert caught.value.detail == f"{text!r} is no session id of tenant 'default'."


@given(st.text(max_size=120), TENANTS)
def test_any_text_is_a_place_or_none(text: str, tenant: str) -> None:
    """No text makes the check itself fail."""
    assert placement_of(text, tenant) in ("topic", "lane", None)


@given(MILLISECONDS, MILLISECONDS)
def test_ids_sort_by_the_time_they_were_made(earlier: int, later: int) -> None:
    """As text, without being decoded."""
    assume(earlier < later)

    assert _made_at(earlier)[:27] < _made_at(later)[:27]


@given(MILLISECONDS)
def test_a_lane_id_knows_when_it_was_made(milliseconds: int) -> None:
    """To the millisecond: a bounded read of a lane starts there."""
    assert created_ms(_made_at(milliseconds)) == milliseconds


def test_ids_do_not_repeat() -> None:
    """80 random bits within one millisecond."""
    assert len({new_ulid() for _ in range(10_000)}) == 10_000
