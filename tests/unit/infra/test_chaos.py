"""`roxy chaos`, without running what it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.chaos import require_harness
from infra.environment import PROJECT
from schemas.errors import MissingExtra
from tests.robustness.mixes import MIXES


def test_a_checkout_has_what_it_runs() -> None:
    """It raises nothing."""
    require_harness(PROJECT)


def test_an_installed_package_says_that_a_checkout_is_needed(tmp_path: Path) -> None:
    """The tests are not packed."""
    with pytest.raises(MissingExtra, match="tests/robustness"):
        require_harness(tmp_path)


def test_packages_that_are_missing_are_named() -> None:
    """With where they come from."""
    with pytest.raises(MissingExtra, match="no_such_package") as raised:
        require_harness(PROJECT, ("typer", "no_such_package"))

    assert "extras" in raised.value.remedy


@pytest.mark.parametrize("name", sorted(MIXES))
def test_every_mix_is_described(name: str) -> None:
    """On the page that the command's help names."""
    assert f"| `{name}` |" in (PROJECT / "docs/howto/try-faults.md").read_text()
