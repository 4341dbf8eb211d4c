"""Terms: the shipped file, the user's, and both ways of reading them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.errors import InvalidSetting
from streams.understanding.terms import Terms


def meant_by(terms: Terms, question: str) -> list[str]:
    return terms.meant_by(question.split(), terms.analyser.terms(question))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("what is ISR", ["in-sync replica"]),
        ("many ISRs", ["in-sync replica"]),
        ("tls setup", ["SSL", "transport layer security"]),
        ("restarting an api", []),  # with a vowel, only in capitals
        ("which in-sync replicas are there", ["ISR"]),
        ("time to live of a record", ["TTL"]),
        ("a replica that is in sync", []),
    ],
)
def test_acronyms_are_read_both_ways(question: str, expected: list[str]) -> None:
    """What they stand for; and they themselves, for who writes it out."""
    assert expected == meant_by(Terms.of(), question)


def test_a_users_file_goes_over_the_shipped_one(tmp_path: Path) -> None:
    """His meaning of an acronym is the only one; other terms stay."""
    file = tmp_path / "terms.json"
    file.write_text(json.dumps({"ISR": ["incident status report"], "rota": ["on-call schedule"]}))
    terms = Terms.of(file)

    assert ["incident status report"] == meant_by(terms, "ISR")
    assert ["on-call schedule"] == meant_by(terms, "rota")
    assert ["SSL", "transport layer security"] == meant_by(terms, "TLS")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"ISR": "in-sync replica"}'])
def test_a_file_that_cannot_be_used_says_so(tmp_path: Path, text: str | None) -> None:
    """When the worker starts, by the setting's name."""
    file = tmp_path / "terms.json"
    if text is not None:
        file.write_text(text)

    with pytest.raises(InvalidSetting, match="ROXY_TERMS_FILE"):
        Terms.of(file)
