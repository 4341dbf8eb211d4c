"""The lock files agree with pyproject.toml, and with each other. `./roxy lock` makes them again."""

from __future__ import annotations

import re
import tomllib

import pytest

from infra.environment import PROJECT
from infra.lock import TIERS

PROJECT_TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
NAME = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[([a-z0-9_,-]+)\])?")


def wanted(extras: tuple[str, ...]) -> set[str]:
    """Names of the packages that extras ask for, those of extras named by extras among them."""
    names: set[str] = set()
    for requirement in [*PROJECT_TABLE["dependencies"], *(one for extra in extras for one in PROJECT_TABLE["optional-dependencies"][extra])]:
        found = NAME.match(requirement)
        assert found is not None
        names |= wanted(tuple((found[2] or "").split(","))) if found[1] == "roxy" else {found[1].lower()}
    return names


def pinned(tier: str) -> dict[str, set[str]]:
    """Versions by package; a package may have one for older and one for newer Pythons."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", (PROJECT / "requirements" / f"{tier}.txt").read_text(), re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


@pytest.mark.parametrize("tier", TIERS)
def test_every_package_asked_for_is_locked(tier: str) -> None:
    """A new dependency without a new lock would be absent on every other machine."""
    assert wanted(TIERS[tier]) - pinned(tier).keys() == set()


@pytest.mark.parametrize("tier", TIERS)
def test_all_tiers_have_the_same_versions(tier: str) -> None:
    """`roxy demo` after `roxy test` must not swap packages."""
    full = pinned("full")

    assert {name: versions for name, versions in pinned(tier).items() if versions != full[name]} == {}


@pytest.mark.parametrize("tier", TIERS)
def test_a_lock_file_names_no_index(tier: str) -> None:
    """Whoever installs chooses where from."""
    assert "://" not in (PROJECT / "requirements" / f"{tier}.txt").read_text()
