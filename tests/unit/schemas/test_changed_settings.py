"""Which settings another answer may be made with."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.answering_settings import Arm, Experiment
from schemas.changed_settings import CHANGEABLE, OF_A_SIBLING, SEARCHING, for_a_sibling, models_of
from schemas.errors import InvalidRegeneration
from schemas.settings import Settings
from streams.search.plan import Plan

_ARMS = (Arm(name="one", settings={"language_model": "ollama:arm"}), Arm(name="two"))
SETTINGS = Settings(
    language_model="ollama:own",
    tiers={"small": "ollama:small"},
    fallback_models=("ollama:spare",),
    sibling_models=("openai:other",),
    experiments=(Experiment(name="e", arms=_ARMS),),
)


def test_what_a_search_goes_by_can_be_changed() -> None:
    """All of it: the plan's own names."""
    assert set(Plan._fields) == set(SEARCHING)


def test_whoever_asks_again_changes_no_guard_and_no_place() -> None:
    """What an arm may change is more."""
    assert set(OF_A_SIBLING) < set(CHANGEABLE)
    assert {"screening", "tiers", "fallback_models", "routes"}.isdisjoint(OF_A_SIBLING)


def test_the_models_that_may_be_asked_are_those_that_the_settings_name() -> None:
    """Wherever they name them: another's bill is not run up, and no server is asked that nobody has thought of."""
    named = {"extractive", "ollama:own", "ollama:small", "ollama:spare", "ollama:arm", "openai:other"}

    assert named == models_of(SETTINGS)


def test_settings_are_read_as_the_process_has_them() -> None:
    """A model that is named answers itself."""
    read = for_a_sibling({"model_temperature": 1, "language_model": "openai:other"}, SETTINGS)

    assert {"model_temperature": 1.0, "language_model": "openai:other", "routing": False, "fallback_models": ()} == read
    assert {} == for_a_sibling({}, SETTINGS)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"kafka_bootstrap": "x"}, "kafka_bootstrap cannot be set"),
        ({"screening": False}, "screening cannot be set"),
        ({"model_temperature": 3}, "model_temperature: Input should be less than"),
        ({"model_temperature": "hot"}, "model_temperature: Input should be a valid number"),
        ({"model_seed": 2**80}, "model_seed"),
        ({"language_model": "openai:dear"}, "language_model: 'openai:dear' is not served here"),
        ({"reranker": "cross-encoder:any"}, "reranker: 'cross-encoder:any' is not served here"),
        ({"prompt": "../secret"}, "prompt: this is no template's name"),
        ({"model_max_tokens": 1_025}, "model_max_tokens: at most 1024 here"),
        ({"prompt_tokens": 5_000}, "prompt_tokens: at most 4000 here"),
        ({"top_k": 3}, "top_k says how a question is looked up"),
        ({"chunk_votes_weight": 0.5}, "chunk_votes_weight: votes are not counted here"),
    ],
)
def test_what_may_not_be_set_is_refused(wanted: dict[str, Any], told: str) -> None:
    """With what is wrong, and what there is instead."""
    with pytest.raises(InvalidRegeneration, match=told) as caught:
        for_a_sibling(wanted, SETTINGS, looks_up="top_k" not in wanted)

    assert caught.value.remedy


@pytest.mark.parametrize(
    "settings",
    [
        Settings(chunk_votes_weight=0.1),
        Settings(experiments=(Experiment(name="e", arms=(Arm(name="one", settings={"chunk_votes_weight": 0.1}), Arm(name="two"))),)),
    ],
)
def test_votes_on_chunks_can_be_weighed_otherwise_where_they_are_counted(settings: Settings) -> None:
    """For everybody, or for an arm: then a worker follows them. No weight needs nobody to count."""
    assert {"chunk_votes_weight": 0.5} == for_a_sibling({"chunk_votes_weight": 0.5}, settings)
    assert {"chunk_votes_weight": 0.0} == for_a_sibling({"chunk_votes_weight": 0}, SETTINGS)
