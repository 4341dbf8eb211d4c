"""What `roxy test` runs."""

from __future__ import annotations

import pytest

from infra.checks import planned_checks


def marks(**options: bool) -> list[str]:
    """The pytest marks that are run, in order."""
    checks = planned_checks(full=options.get("full", False), only_full=options.get("only_full", False))
    return [check.argv[check.argv.index("pytest") + 2] for check in checks if "pytest" in check.argv]


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, ["not full"]), ({"full": True}, ["not full", "full"]), ({"only_full": True}, ["full"])],
)
def test_full_adds_to_the_base_tier(options: dict[str, bool], expected: list[str]) -> None:
    """`--full` alone runs everything; `--only-full` is for CI, which has run the base tier before."""
    assert expected == marks(**options)


def test_style_types_and_imports_are_checked_before_the_tests() -> None:
    """They take seconds and say most."""
    names = [check.name for check in planned_checks(full=False, only_full=False)]

    assert names == ["style", "format", "types", "import direction", "tests"]


def test_other_arguments_go_to_pytest() -> None:
    """`roxy test -k cursor`."""
    last = planned_checks(full=False, only_full=False, pytest_args=["-k", "cursor"])[-1]

    assert last.argv[-2:] == ("-k", "cursor")


def test_tests_that_are_named_run_in_one_process() -> None:
    """Where a debugger works, and what is printed comes through."""
    everything, named = (planned_checks(full=False, only_full=False, pytest_args=args)[-1].argv for args in ((), ("--pdb",)))

    assert (True, False) == ("--numprocesses" in everything, "--numprocesses" in named)
