"""In force: flags stand above settings, arms above both, and a question keeps the arms that it was looked up with."""

from __future__ import annotations

from schemas.answering_settings import Arm, Experiment
from schemas.events import FlagChanged, Sibling
from schemas.flags import Flags
from schemas.settings import Settings
from streams.answering.in_force import Steering

CHECKING = Experiment(name="checking", arms=(Arm(name="without"), Arm(name="with", weight=3, settings={"self_check": True, "top_k": 3})))
SETTINGS = Settings(experiments=(CHECKING,))


def switched(flag: str, value: bool | None, tenant: str = "default", number: int = 0, *, everywhere: bool = False) -> FlagChanged:
    return FlagChanged(id=f"{flag}:{number}", tenant=tenant, flag=flag, value=value, everywhere=everywhere)


def session_in(arm: str, steering: Steering) -> str:
    """A session of that arm."""
    return next(f"t{number}" for number in range(100) if steering.of("default", f"t{number}").arms == {"checking": arm})


def test_an_arms_settings_hold_for_its_sessions() -> None:
    """Of the answer and of the search; for the others the settings do."""
    steering = Steering(SETTINGS, Flags())
    one, other = (steering.of("default", session_in(arm, steering)) for arm in ("with", "without"))

    assert (True, 3, 3) == (one.settings.self_check, one.settings.top_k, one.plan.top_k)
    assert (False, 6, 6) == (other.settings.self_check, other.settings.top_k, other.plan.top_k)


def test_a_flag_stands_above_the_settings_from_the_next_question_on() -> None:
    """For its tenant, until it is switched back."""
    flags = Flags()
    steering, seen = Steering(Settings(), flags), []
    for number, value in enumerate((None, False, True, None)):
        flags.fold(switched("screening", value, number=number))
        seen.append((steering.of("default", "t1").settings.screening, steering.of("acme", "t1").settings.screening))

    assert [(True, True), (False, True), (True, True), (True, True)] == seen


def test_an_arm_stands_above_a_flag() -> None:
    """Else a flag would end an experiment without anybody knowing."""
    flags = Flags()
    steering = Steering(SETTINGS, flags)
    flags.fold(switched("self_check", False, everywhere=True))

    assert steering.of("default", session_in("with", steering)).settings.self_check


def test_without_experimenting_no_new_question_is_in_an_arm() -> None:
    """One that is under way keeps its own."""
    flags = Flags()
    steering = Steering(SETTINGS, flags)
    session = session_in("with", steering)
    flags.fold(switched("experimenting", False))

    assert {} == steering.of("default", session).arms
    assert {"checking": "with"} == steering.of("default", session, {"checking": "with"}).arms


def test_a_question_is_answered_with_the_arms_that_it_was_looked_up_with() -> None:
    """However the experiment was changed meanwhile; also with none, where it was in none."""
    steering = Steering(SETTINGS, Flags())
    inside, outside = session_in("with", steering), session_in("without", steering)
    only_without = CHECKING.model_copy(update={"arms": (CHECKING.arms[0].model_copy(update={"weight": 1e9}), CHECKING.arms[1])})
    changed = Steering(Settings(experiments=(only_without,)), Flags())

    assert {"checking": "without"} == changed.of("default", inside).arms
    assert changed.of("default", inside, {"checking": "with"}).settings.self_check
    assert ({}, False) == (steering.of("default", inside, {}).arms, steering.of("default", outside, {}).settings.self_check)


def test_an_arm_that_is_gone_is_not_told_of() -> None:
    """The answer was not made with it."""
    found = Steering(Settings(), Flags()).of("default", "t1", {"checking": "with"})

    assert ({}, False) == (found.arms, found.settings.self_check)


def test_settings_are_made_once_for_a_combination() -> None:
    """It is asked twice for each question."""
    flags = Flags()
    steering = Steering(SETTINGS, flags)
    before = steering.of("default", session_in("with", steering))
    flags.fold(switched("routing", False, "acme"))

    assert before is steering.of("beta", "t7", {"checking": "with"})
    assert before is not steering.of("acme", "t7", {"checking": "with"})


def test_models_that_two_arms_make_together_are_there_at_the_start_too() -> None:
    """Else the first question in both would wait for its model to be opened; what concerns no model need not be combined."""
    warmth = Experiment(name="warmth", arms=(Arm(name="cold"), Arm(name="warm", settings={"model_temperature": 0.7})))
    length = Experiment(name="length", arms=(Arm(name="short", settings={"model_max_tokens": 99}), Arm(name="long")))
    each = Steering(Settings(experiments=(CHECKING, warmth, length)), Flags()).each()
    plain, seen = Settings(), [(one.model_temperature, one.model_max_tokens) for one in each]

    assert {(warm, most) for warm in (plain.model_temperature, 0.7) for most in (plain.model_max_tokens, 99)} == set(seen)
    assert [1, 0] == [sum(one.self_check for one in each), sum(one.self_check for one in each if one.model_temperature == 0.7)]


def test_all_that_arms_name_is_there_to_be_tried_at_the_start() -> None:
    """With what the settings themselves name."""
    assert [False, False, True] == [one.self_check for one in Steering(SETTINGS, Flags()).each()]


def test_another_answers_settings_stand_above_all_and_are_no_arms() -> None:
    """Else what its arm is compared by would tell of something else. One that changes nothing is its arm's like the first."""
    flags = Flags()
    flags.fold(switched("refusals", True, everywhere=True))
    steering = Steering(SETTINGS, flags)
    session = session_in("with", steering)
    other = steering.of("default", session, {"checking": "with"}, Sibling(answer_id="a-q1.1", settings={"refusals": False, "model_seed": 7}))
    same = steering.of("default", session, {"checking": "with"}, Sibling(answer_id="a-q1.1"))

    assert (False, 7, True, {}) == (other.settings.refusals, other.settings.model_seed, other.settings.self_check, other.arms)
    assert ({"checking": "with"}, None) == (same.arms, same.settings.model_seed)
