"""Routing: the first rule that fits decides, and every question has one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.language_model.evidence import confidence
from schemas.answering_settings import RouteRule
from schemas.errors import InvalidSetting
from schemas.events import ChunksRetrieved, Intent, Route, Scores, Understanding
from schemas.settings import Settings
from streams.answering.routing import require_routes, routed
from tests.builders import a_chunk, chunks_retrieved

TIERS = {"small": "extractive", "large": "extractive"}
SURE = ("Consumer lag is the distance between the end of a partition and the position of its group.",)
REST = RouteRule(name="rest", tier="medium")


def found(text: str, chunks: tuple[str, ...] = SURE, intent: Intent = "lookup") -> ChunksRetrieved:
    read = tuple(a_chunk(rank, text=chunk, title="", scores=Scores(fused=1.0)) for rank, chunk in enumerate(chunks, 1))
    return chunks_retrieved(question=text, understanding=Understanding(text=text, intent=intent)).model_copy(update={"chunks": read})


def tier(text: str, *rules: dict[str, Any], **fields: Any) -> str | None:
    routes = tuple(RouteRule(**rule) for rule in rules)
    return routed(found(text, **fields), Settings(tiers=TIERS, routes=(*routes, REST) if routes else ())).tier


@pytest.mark.parametrize(
    ("text", "intent", "expected"),
    [
        ("What is consumer lag?", "lookup", "extractive"),
        ("where does the position of a group lie in its partition", "lookup", "small"),
        ("how do I see the lag of a consumer", "how-to", "medium"),
        ("lag vs position of the consumer", "comparison", "medium"),
        ("Should we alert on lag or on the position of the consumer?", "comparison", "large"),
        ("Why does the lag of my consumer grow although the position of its group moves?", "lookup", "large"),
    ],
)
def test_what_a_question_needs_decides(text: str, intent: Intent, expected: str) -> None:
    """One fact is cheap; steps and comparisons are not; what is to be weighed is dear."""
    assert expected == tier(text, intent=intent)


def test_what_the_chunks_hardly_hold_goes_to_the_largest() -> None:
    """However short the question is."""
    assert "large" == tier("What is a tardigrade?")


def test_without_tiers_one_model_answers_all() -> None:
    """How sure the chunks are is told all the same."""
    route = routed(found("What is consumer lag?"), Settings())

    assert Route(tier=None, rule="", confidence=route.confidence) == route
    assert route.confidence is not None
    assert route.confidence > 0.9


def test_a_question_is_not_routed_where_that_is_switched_off() -> None:
    """ROXY_LANGUAGE_MODEL answers."""
    assert None is routed(found("What is consumer lag?"), Settings(tiers=TIERS, routing=False)).tier


def test_the_first_rule_that_fits_decides_and_is_named() -> None:
    """Of a table of one's own."""
    rules = tuple(RouteRule(name=name, tier="small", most_words=most) for name, most in (("three", 3), ("five", 5), ("nine", 9)))
    route = routed(found("What is consumer lag?"), Settings(tiers=TIERS, routes=(*rules, REST)))

    assert ("five", "small") == (route.rule, route.tier)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({"intents": ("lookup", "how-to")}, True),
        ({"intents": ("comparison",)}, False),
        ({"most_words": 4}, True),
        ({"most_words": 3}, False),
        ({"least_words": 4}, True),
        ({"least_words": 5}, False),
        ({"confident": 0.9}, True),
        ({"unsure": 0.9}, False),
        ({"pattern": "^what .* lag"}, True),
        ({"pattern": "What"}, False),
        ({"most_words": 4, "pattern": "position"}, False),
    ],
)
def test_every_part_of_a_rule_must_hold(rule: dict[str, Any], fits: bool) -> None:
    """A pattern sees lower case."""
    assert ("large" if fits else "medium") == tier("What is   consumer lag?", {"name": "rule", "tier": "large"} | rule)


@given(text=st.text(min_size=1, max_size=300), intent=st.sampled_from(["lookup", "how-to", "comparison", "follow-up"]))
def test_every_question_has_a_route(text: str, intent: Intent) -> None:
    """By the built-in table, whatever it says."""
    route = routed(found(text, intent=intent), Settings(tiers=TIERS))

    assert route.tier is not None
    assert route.confidence == confidence(text, found(text).chunks)


def test_a_table_that_some_question_finds_no_way_through_is_refused() -> None:
    """Before any question is asked."""
    with pytest.raises(InvalidSetting, match="does not fit every question"):
        require_routes(Settings(routes=(RouteRule(name="short", tier="small", most_words=5),)))


@pytest.mark.parametrize("pattern", ["(", "(?=ahead)", r"(a)\1"])
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    """With the rule that has it, and where the syntax is described."""
    with pytest.raises(InvalidSetting, match="the pattern of rule 'odd' cannot be read") as caught:
        require_routes(Settings(routes=(RouteRule(name="odd", tier="small", pattern=pattern), REST)))

    assert "github.com/google/re2" in caught.value.remedy
