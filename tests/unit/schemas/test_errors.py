"""Errors: each class says in its docstring what happened and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemas import errors
from schemas.errors import RoxyError, UnknownSession


def _tree(error: type[RoxyError]) -> Iterator[type[RoxyError]]:
    for child in error.__subclasses__():
        yield child
        yield from _tree(child)


ALL = sorted((error for error in _tree(RoxyError) if error.__module__ == errors.__name__), key=lambda error: error.__name__)
EACH = pytest.mark.parametrize("error", ALL)


@EACH
def test_an_error_says_what_happened_and_what_to_do(error: type[RoxyError]) -> None:
    """One sentence each, from the class's own docstring."""
    raised = error()

    assert "__doc__" in vars(error)
    for sentence in (raised.detail, raised.remedy):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert ". " not in sentence
    assert str(raised) == f"{raised.detail} {raised.remedy}" == " ".join((error.__doc__ or "").split())


@EACH
def test_what_is_known_better_replaces_the_sentences(error: type[RoxyError]) -> None:
    """A detail alone keeps the class's remedy."""
    assert (error("It rains.").detail, error("It rains.").remedy) == ("It rains.", error().remedy)
    assert str(error("It rains.", remedy="Take an umbrella.")) == "It rains. Take an umbrella."


def test_a_slug_is_the_name_in_lower_case() -> None:
    """The last part of a problem's type URI."""
    assert UnknownSession.slug() == "unknown-session"
    assert len({error.slug() for error in ALL}) == len(ALL)


def test_the_tree_on_top_of_the_file_is_the_tree() -> None:
    """Every class stands in the module's docstring."""
    drawn = errors.__doc__ or ""

    assert [error.__name__ for error in ALL if f" {error.__name__}" not in drawn] == []
