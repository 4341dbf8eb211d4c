"""Runs with fixed seeds: what CI holds every change against. A red one is repeated with the command that it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.robustness.run import Outcome, Wanted, run

pytestmark = pytest.mark.full


def assert_nothing_broken(outcome: Outcome) -> None:
    """No rule, and not for want of anything that might have broken one."""
    answered = [one for one in outcome.history.operations if one.kind == "ask" and one.outcome == "ok"]

    assert [] == [str(violation) for violation in outcome.violations], outcome.wanted.command
    assert len(answered) > 10 * outcome.wanted.minutes


@pytest.mark.timeout(1_200)
async def test_five_minutes_of_every_fault_break_nothing(tmp_path: Path) -> None:
    """Nothing is lost, doubled, mixed up or left behind, whatever is killed, paused, cut off or deleted."""
    assert_nothing_broken(await run(Wanted(seed=7, minutes=5, mix="ci"), tmp_path))


@pytest.mark.timeout(600)
async def test_a_worker_an_api_process_and_the_leader_of_three_brokers_are_killed(tmp_path: Path) -> None:
    """Each once, at 50 questions a minute."""
    assert_nothing_broken(await run(Wanted(seed=3, minutes=1.5, mix="kills"), tmp_path))


@pytest.mark.timeout(1_200)  # it may have to be built
async def test_weaviate_is_killed_stopped_and_paused_while_workers_come_and_go(tmp_path: Path) -> None:
    """What is searched lies there. Nothing that was submitted is missing in the end; what could not be looked up has failed in order."""
    assert_nothing_broken(await run(Wanted(seed=504, minutes=1, mix="weaviate"), tmp_path))
