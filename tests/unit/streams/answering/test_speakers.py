"""Speakers: who answers what, in which order, and that a wrong name is told of at once."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.language_model.base import LanguageModel
from schemas.errors import InvalidSetting
from schemas.events import Route, Tier
from schemas.settings import Settings
from streams.answering.speakers import Speakers, require_slots
from tests.builders import ScriptedModel


class Shop:
    """Opens models by any name, and remembers which."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def __call__(self, name: str, settings: Settings) -> LanguageModel:
        self.opened.append(name)
        model: Any = ScriptedModel(name=name)
        return model  # type: ignore[no-any-return]


def chained(tier: Tier | None, **set_to: Any) -> list[str]:
    settings = Settings(**set_to)
    return [speaker.model.name for speaker in Speakers(settings, Shop()).chain(Route(tier=tier), settings)]


@pytest.mark.parametrize(
    ("tier", "tiers", "expected"),
    [
        (None, {"small": "s"}, "own"),
        ("small", {}, "own"),
        ("small", {"small": "s", "large": "l"}, "s"),
        ("medium", {"small": "s", "large": "l"}, "l"),
        ("large", {"small": "s", "medium": "m"}, "m"),
        ("large", {"small": "s"}, "s"),
        ("extractive", {"small": "s"}, "extractive"),
        ("extractive", {"extractive": "x", "small": "s"}, "x"),
    ],
)
def test_a_tier_is_answered_by_its_model_or_the_next(tier: Tier | None, tiers: dict[str, str], expected: str) -> None:
    """The next larger one that has a model, then the next smaller; without tiers, ROXY_LANGUAGE_MODEL."""
    assert [expected] == chained(tier, tiers=tiers, language_model="own")


def test_those_who_answer_when_one_fails_come_in_their_order_and_once() -> None:
    """The one that has failed is not asked again under another heading."""
    assert ["s", "l", "extractive"] == chained("small", tiers={"small": "s"}, fallback_models=("l", "s", "extractive", "l"))


def test_a_model_is_opened_once_for_each_way_in_which_it_is_set() -> None:
    """An experiment's arm with another temperature gets one of its own; what does not concern a model opens nothing."""
    shop, settings = Shop(), Settings(language_model="own")
    speakers = Speakers(settings, shop)
    (first,) = speakers.chain(Route(), settings)
    (same,) = speakers.chain(Route(), settings.model_copy(update={"top_k": 3}))
    (warmer,) = speakers.chain(Route(), settings.model_copy(update={"model_temperature": 0.7}))

    assert ["own", "own"] == shop.opened
    assert (True, False) == (first.model is same.model, first.model is warmer.model)
    assert first.slots is warmer.slots


@pytest.mark.parametrize(
    ("setting", "set_to"),
    [
        ("ROXY_LANGUAGE_MODEL", {"language_model": "wrong"}),
        ("ROXY_TIERS", {"tiers": {"large": "wrong"}}),
        ("ROXY_FALLBACK_MODELS", {"fallback_models": ("extractive", "wrong")}),
    ],
)
def test_a_wrong_name_is_told_of_when_all_are_opened(setting: str, set_to: dict[str, Any]) -> None:
    """By the setting that holds it, with what to write instead."""
    settings = Settings(**set_to)

    with pytest.raises(InvalidSetting, match=f"{setting}.*'wrong'") as refused:
        Speakers(settings).open_all(settings)
    assert "ollama:<model>" in refused.value.remedy


def test_all_that_are_named_are_opened_at_the_start() -> None:
    """Each once."""
    shop = Shop()
    settings = Settings(language_model="own", tiers={"small": "s", "large": "own"}, fallback_models=("f", "s"))
    Speakers(settings, shop).open_all(settings)

    assert ["own", "s", "f"] == shop.opened


@pytest.mark.parametrize("slots", [64, 65])
def test_a_worker_that_can_be_filled_by_those_who_wait_for_a_model_does_not_start(slots: int) -> None:
    """Refusals and answers that were given before need no model, and are not to wait behind those that do."""
    with pytest.raises(InvalidSetting, match="ROXY_CONCURRENCY=64 is not above") as refused:
        require_slots(Settings(concurrency=64, model_concurrency=slots))

    assert "Raise it" in refused.value.remedy
    require_slots(Settings())
