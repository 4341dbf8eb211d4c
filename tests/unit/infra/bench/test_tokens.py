"""Tokens of the stream benches."""

from __future__ import annotations

import pytest

from infra.bench.tokens import CONTEXT, TokenRecords, event_of
from schemas.codec import decode, encode
from schemas.events import TokensGenerated
from schemas.record import Draft, Record
from schemas.session_id import Session

SESSION = Session("default", "l01m8007sqb1yjpdtfrtcapw0v0")


@pytest.mark.parametrize("index", [0, 7, 1_234_567])
def test_a_token_is_the_one_that_the_codec_makes(index: int) -> None:
    """But for when it was made: its record's date is that of the session's first."""
    draft = TokenRecords(SESSION).draft(index)
    made = _decoded(draft)
    as_encoded = encode(event_of(SESSION, index, int(made.text)).model_copy(update={"time": made.time}), CONTEXT)

    assert as_encoded == draft


def test_a_token_says_when_it_was_made() -> None:
    """In nanoseconds, each its own."""
    records = TokenRecords(SESSION)
    first, second = (int(_decoded(records.draft(index)).text) for index in (0, 1))

    assert 1_700_000_000_000_000_000 < first < second


def _decoded(draft: Draft) -> TokensGenerated:
    event = decode(Record("sessions", 0, 0, *draft))
    assert isinstance(event, TokensGenerated)
    return event
