"""Experiments: sessions fall evenly and for ever into arms, and what an arm may change is checked before any question is asked."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from schemas.answering_settings import Arm, Experiment
from schemas.changed_settings import CHANGEABLE
from schemas.errors import InvalidSetting
from streams.answering.experiments import Experiments, share

SESSIONS = [f"t{number}" for number in range(10_000)]
UNLIKELY = 0.001  # the sessions above are always the same, so these tests fail always or never


def an_experiment(name: str = "words", tenants: tuple[str, ...] = ("*",), **settings: Any) -> Experiment:
    """Two arms; the second one changes these settings."""
    return Experiment(name=name, tenants=tenants, arms=(Arm(name="as it is"), Arm(name="other", settings=settings or {"top_k": 3})))


def arms_of(experiments: Experiments, name: str, tenant: str = "default") -> list[str]:
    return [experiments.arms(tenant, session)[name] for session in SESSIONS]


@pytest.mark.parametrize("weights", [(1, 1), (9, 1), (0.2, 0.3, 0.5), (1, 1, 1, 1, 1)])
def test_sessions_are_shared_out_by_weight(weights: tuple[float, ...]) -> None:
    """10,000 sessions lie no further off than chance would have them (chi-square)."""
    arms = tuple(Arm(name=f"arm {number}", weight=weight) for number, weight in enumerate(weights))
    counts = Counter(arms_of(Experiments((Experiment(name="words", arms=arms),)), "words"))
    expected = [len(SESSIONS) * weight / sum(weights) for weight in weights]

    assert chisquare([counts[arm.name] for arm in arms], expected).pvalue > UNLIKELY


def test_two_experiments_know_nothing_of_each_other() -> None:
    """Which arm a session is in of one tells nothing of the other: else the one's difference would be found in the other."""
    experiments = Experiments((an_experiment("words"), an_experiment("models", language_model="extractive")))
    pairs = Counter(zip(arms_of(experiments, "words"), arms_of(experiments, "models"), strict=True))
    table = [[pairs[one, other] for other in ("as it is", "other")] for one in ("as it is", "other")]

    assert chi2_contingency(table).pvalue > UNLIKELY


def test_two_tenants_sessions_of_the_same_name_are_shared_out_apart() -> None:
    """An id may be a producer's own."""
    experiments = Experiments((an_experiment(),))
    same = sum(one == other for one, other in zip(arms_of(experiments, "words", "acme"), arms_of(experiments, "words", "beta"), strict=True))

    assert chisquare([same, len(SESSIONS) - same]).pvalue > UNLIKELY


def test_another_process_says_the_same() -> None:
    """Python's own hash would not."""
    code = "from streams.answering.experiments import share; print(share('words', 'acme', 't1'))"
    told = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}).stdout.strip()
        for seed in ("1", "2")
    ]

    assert [repr(share("words", "acme", "t1"))] * 2 == told


@given(names=st.tuples(st.text(), st.text(), st.text()))
def test_a_share_lies_between_0_and_1(names: tuple[str, str, str]) -> None:
    """Of whatever names."""
    names = tuple(name.encode("utf-8", "ignore").decode() for name in names)  # type: ignore[assignment]

    assert 0 <= share(*names) < 1


def test_a_greater_weight_of_the_first_arm_takes_no_session_out_of_it() -> None:
    """An arm that is let out to more sessions keeps those that it had."""
    narrow, wide = (
        Experiments((Experiment(name="words", arms=(Arm(name="new", weight=weight), Arm(name="old", weight=1 - weight))),)) for weight in (0.1, 0.4)
    )
    kept = [wide.arms("default", session)["words"] for session in SESSIONS if narrow.arms("default", session)["words"] == "new"]

    assert {"new"} == set(kept)


def test_only_the_named_tenants_take_part() -> None:
    """`*`: all do."""
    experiments = Experiments((an_experiment("some", ("acme",)), an_experiment("all", model_temperature=0.7)))

    assert {"some", "all"} == experiments.arms("acme", "t1").keys()
    assert {"all"} == experiments.arms("beta", "t1").keys()


def test_an_arm_that_there_is_no_more_is_not_known() -> None:
    """Those that there are, are."""
    assert {"words": "other"} == Experiments((an_experiment(),)).known({"words": "other", "gone": "other"})
    assert {} == Experiments((an_experiment(),)).known({"words": "gone"})


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("top_k", 3, 3),
        ("model_temperature", 1, 1.0),
        ("tiers", {"small": "extractive"}, {"small": "extractive"}),
        ("fallback_models", ["extractive"], ("extractive",)),
        ("model_seed", None, None),
        ("self_check", True, True),
    ],
)
def test_values_are_read_as_the_settings_are(name: str, given: Any, read: Any) -> None:
    """JSON's lists are tuples there."""
    assert {name: read} == Experiments((an_experiment(**{name: given}),)).settings({"words": "other"})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"kafka_port": 1}, "kafka_port cannot be changed"),
        ({"top_q": 1}, "top_q cannot be changed"),
        ({"top_k": "3"}, "top_k: Input should be a valid integer"),
        ({"top_k": 0}, "top_k: Input should be greater than"),
        ({"self_check": "yes"}, "self_check: Input should be a valid boolean"),
        ({"tiers": {"huge": "extractive"}}, "tiers: Input should be 'extractive'"),
    ],
)
def test_a_setting_that_cannot_be_or_does_not_fit_is_refused(settings: dict[str, Any], says: str) -> None:
    """Naming experiment, arm and setting, with what to do."""
    with pytest.raises(InvalidSetting, match=says) as caught:
        Experiments((an_experiment(**settings),))

    assert "experiment 'words', arm 'other'" in caught.value.detail
    assert any(part in caught.value.remedy for part in (*CHANGEABLE, "docs/settings.md"))


@pytest.mark.parametrize(
    ("experiments", "says"),
    [
        ((an_experiment(), an_experiment(model_seed=1)), "two experiments have the name 'words'"),
        ((Experiment(name="words", arms=(Arm(name="a"), Arm(name="a"))),), "two arms named 'a'"),
        ((an_experiment("one"), an_experiment("two", ("acme",))), "change top_k of the same tenants"),
    ],
)
def test_experiments_that_would_tell_nothing_are_refused(experiments: tuple[Experiment, ...], says: str) -> None:
    """Where it would not be known which arm made a difference."""
    with pytest.raises(InvalidSetting, match=says):
        Experiments(experiments)


def test_experiments_of_different_tenants_may_change_the_same_setting() -> None:
    """No session is in both."""
    experiments = Experiments((an_experiment("one", ("acme",)), an_experiment("two", ("beta",))))

    assert {"one"} == experiments.arms("acme", "t1").keys()
