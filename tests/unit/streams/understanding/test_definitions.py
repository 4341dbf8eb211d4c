"""Definitions: what texts say that an acronym stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.understanding.definitions import ACRONYM, long_form


@pytest.mark.parametrize(
    ("acronym", "text", "expected"),
    [
        ("ISR", "Followers that keep up are in-sync replicas (ISR).", "in-sync replicas"),
        ("ISR", "The **in-sync replicas** (ISRs) are listed.", "in-sync replicas"),
        ("ISR", "ISR (in-sync replicas) is a list.", "in-sync replicas"),
        ("HMM", "We use a hidden Markov model (HMM) here.", "hidden Markov model"),
        ("TTL", "It is kept for its time to live (TTL, in seconds).", "time to live"),
        ("ABC", "Nothing of the kind (ABC).", None),
        ("ISR", "ISR (see chapter 4) matters.", None),
        ("ISR", "(ISR)", None),
        ("ISR", "The ISR shrinks.", None),
    ],
)
def test_a_definition_is_found_where_there_is_one(acronym: str, text: str, expected: str | None) -> None:
    """Long form before or behind; brackets that define nothing are passed over."""
    assert expected == long_form(acronym, ["Another text.", text])


def test_what_looks_like_an_acronym() -> None:
    """Two to six capitals or digits, one more `s`."""
    assert ["ISR", "SLA", "K8S"] == ACRONYM.findall("ISRs, SLA and K8S, not Kafka, A or NOTANACRONYM")


@given(st.from_regex(r"[A-Z][A-Z0-9]{1,5}", fullmatch=True), st.text(max_size=300))
def test_any_text_can_be_read(acronym: str, text: str) -> None:
    """And what is found is of the text."""
    form = long_form(acronym, [f"{text} ({acronym})"])

    assert form is None or form in " ".join(text.split())
