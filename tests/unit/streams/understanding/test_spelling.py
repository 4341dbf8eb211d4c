"""Spelling: words that are one slip away."""

from __future__ import annotations

import pytest

from streams.understanding.spelling import may_be_misspelt, spelt_nearly


@pytest.mark.parametrize("written", ["replicaton", "replicattion", "replicatoin", "replicetion", "Replicaton"])
def test_a_slip_leads_back(written: str) -> None:
    """A letter left out, put in, swapped with the next, or another one."""
    assert "replication" in spelt_nearly(written)


def test_a_word_is_not_its_own_slip() -> None:
    """And each candidate comes once; the first letter stays."""
    near = spelt_nearly("partition")

    assert "partition" not in near
    assert len(near) == len(set(near))
    assert {"p"} == {word[0] for word in near}


@pytest.mark.parametrize(("word", "expected"), [("replicaton", True), ("Replicaton", True), ("lag", False), ("KRaft", False), ("linger.ms", False)])
def test_short_words_and_names_are_left_alone(word: str, expected: bool) -> None:
    """One letter makes another word of a short one, and a name is what it is."""
    assert expected == may_be_misspelt(word)
