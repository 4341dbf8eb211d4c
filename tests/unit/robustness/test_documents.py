"""tests/robustness/validators/documents.py: what was acknowledged is found, or gone, at the end."""

from __future__ import annotations

import pytest

from schemas.topics import DOCUMENTS, INGESTIONS
from tests.robustness.history import History, Operation, Search
from tests.unit.robustness.breaking import altered, exchanged, found_by, found_otherwise, is_of, with_operations, without
from tests.unit.robustness.sound import sound

RULE = "documents"


def test_an_acknowledged_version_that_is_not_in_the_log_is_found() -> None:
    """Although a later one has replaced it."""
    assert ["an acknowledged version is not in the log"] == found_by(RULE, without(sound(), DOCUMENTS.name, is_of(id="replaced@walrus")))


def test_an_acknowledged_deletion_that_is_not_in_the_log_is_found() -> None:
    """The document would come back with the next rebuild."""
    assert "an acknowledged deletion is not in the log" in found_by(RULE, without(sound(), DOCUMENTS.name, is_of(type="DocumentDeleted")))


def test_versions_in_another_order_than_they_were_acknowledged_in_are_found() -> None:
    """The older one would be found."""
    broken = exchanged(sound(), DOCUMENTS.name, is_of(id="replaced@walrus"), is_of(id="replaced@narwhal"))

    assert "a later version lies before an earlier one" in found_by(RULE, broken)


@pytest.mark.parametrize(
    ("word", "documents", "what"),
    [
        ("narwhal", (), "narwhal is not found"),
        ("walrus", ("replaced",), "walrus is found"),
        ("beluga", ("deleted",), "beluga is found"),
        ("narwhal", ("other", "replaced"), "narwhal is found in other documents"),
    ],
)
def test_an_index_that_differs_from_the_log_is_found(word: str, documents: tuple[str, ...], what: str) -> None:
    """A version that is not found, one that was replaced, one that was deleted, and a word in a document that does not hold it."""
    assert any(found.startswith(what) for found in found_by(RULE, _finding(word, documents)))


def test_what_the_clients_know_is_enough_to_find_a_lost_deletion() -> None:
    """Nobody looks into the log for it. Where one of the outcomes is unknown, nothing can be said without the log."""
    known = _finding("beluga", ("deleted",))
    unknown = with_operations(known, lambda one: one._replace(outcome="unknown") if _deletes(one) else one)

    assert "beluga is found, and last acknowledged was" in found_by(RULE, known)
    assert "beluga is found, and last acknowledged was" not in found_by(RULE, unknown)


def test_documents_that_nobody_looks_up_prove_nothing() -> None:
    """So that is found, too: of each the last word that was acknowledged; and a look-up that nobody answered is none."""
    unanswered = tuple(one._replace(documents=None) for one in sound().run.found.searches)
    only_replaced = found_otherwise(sound(), searches=tuple(one for one in sound().run.found.searches if one.word == "walrus"))

    for broken in (found_otherwise(sound(), searches=()), found_otherwise(sound(), searches=unanswered), only_replaced):
        assert [f"{word} was not looked up" for word in ("narwhal", "beluga", "dugong")] == found_by(RULE, broken)


def test_one_index_of_several_that_differs_is_found() -> None:
    """A word is looked up more than once, because each worker has an index."""
    twice = found_otherwise(sound(), searches=(*sound().run.found.searches, Search("default", "narwhal", ())))

    assert "narwhal is not found" in found_by(RULE, twice)


@pytest.mark.parametrize("done", ["without", "of another version"])
def test_a_last_version_of_which_nothing_is_told_is_found(done: str) -> None:
    """Its status would be pending for ever; or that of the version before, by a worker that was paused."""
    narwhal = max(record.offset for record in sound().topics[INGESTIONS.name] if record.key == b"default/replaced")
    last = is_of(id=f"replaced@0/{narwhal}")
    broken = without(sound(), INGESTIONS.name, last) if done == "without" else altered(sound(), INGESTIONS.name, last, id="replaced@0/0")

    assert ["has a last version of which it is not told what became of it"] == found_by(RULE, broken)


def test_an_unknown_version_that_is_in_the_log_counts() -> None:
    """It has happened, so it is to be found; and what is not in the log is not."""
    unknown = with_operations(sound(), lambda one: one._replace(outcome="unknown") if one.request.get("word") == "narwhal" else one)

    assert [] == found_by(RULE, unknown)


def _finding(word: str, documents: tuple[str, ...]) -> History:
    searches = sound().run.found.searches
    return found_otherwise(sound(), searches=tuple(Search("default", word, documents) if one.word == word else one for one in searches))


def _deletes(one: Operation) -> bool:
    return one.kind == "delete"
