"""Result cache: what was found stands for as long as the index does."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from schemas.events import Filters, IndexPosition
from streams.search.lookup import Found, Lookup
from streams.search.plan import Plan
from streams.search.result_cache import ResultCache

LOOKUP, PLAN, HERE = Lookup("acme", "what is lag?"), Plan(), IndexPosition(index="words", offsets={"0": 7})
FOUND = Found((), HERE)


def kept(found: Found = FOUND, now: IndexPosition = HERE, seconds: float = 60.0) -> ResultCache:
    cache = ResultCache(seconds)
    cache.put(LOOKUP, PLAN, found, now)
    return cache


def test_the_same_question_at_the_same_position_is_found() -> None:
    """And counted."""
    before = REGISTRY.get_sample_value("roxy_search_cache_total", {"outcome": "hit"}) or 0.0

    assert FOUND == kept().get(LOOKUP, PLAN, HERE)
    assert before + 1 == REGISTRY.get_sample_value("roxy_search_cache_total", {"outcome": "hit"})


@pytest.mark.parametrize(
    ("lookup", "plan", "position"),
    [
        (LOOKUP._replace(tenant="other"), PLAN, HERE),
        (LOOKUP._replace(text="what is a lag?"), PLAN, HERE),
        (LOOKUP._replace(expansions=("distance",)), PLAN, HERE),
        (LOOKUP._replace(filters=Filters(tags=("new",))), PLAN, HERE),
        (LOOKUP, PLAN._replace(top_k=7), HERE),
        (LOOKUP, PLAN, HERE.model_copy(update={"offsets": {"0": 8}})),
        (LOOKUP, PLAN, HERE.model_copy(update={"offsets": {"1": 7}})),
        (LOOKUP, PLAN, HERE.model_copy(update={"generation": 1})),
        (LOOKUP, PLAN, HERE.model_copy(update={"index": "other"})),
    ],
)
def test_whatever_is_different_is_another_question(lookup: Lookup, plan: Plan, position: IndexPosition) -> None:
    """A tenant never sees another's; a chunk that came or went moves the position."""
    assert kept().get(lookup, plan, position) is None


def test_what_is_degraded_is_not_kept() -> None:
    """The part may be back at the next question."""
    assert kept(FOUND._replace(degraded=("vector",))).get(LOOKUP, PLAN, HERE) is None


def test_what_was_found_while_the_index_went_on_is_not_kept() -> None:
    """Half of it may be of the position before."""
    assert kept(now=HERE.model_copy(update={"offsets": {"0": 8}})).get(LOOKUP, PLAN, HERE) is None


def test_it_is_forgotten_after_its_time() -> None:
    """0 seconds: at once."""
    assert kept(seconds=0).get(LOOKUP, PLAN, HERE) is None
