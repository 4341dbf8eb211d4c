"""Cursors: come back as they were for their own session, and for nobody else."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.cursor import Cursor, CursorSigner, OpenAnswer
from schemas.errors import ForeignCursor, MalformedCursor

SIGNER = CursorSigner(b"a secret of the test")
REFUSED = (ForeignCursor, MalformedCursor)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_INT64 = st.integers(-(2**63), 2**63 - 1)
_ANSWERS = st.lists(st.builds(OpenAnswer, st.binary(min_size=8, max_size=8), _INT64, _INT64), max_size=4).map(tuple)
CURSORS = st.builds(Cursor, st.uuids(), st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), _ANSWERS, st.booleans())
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def _sign(cursor: Cursor) -> str:
    return SIGNER.sign(cursor, tenant="default", session_id="t1")


@given(CURSORS, NAMES, NAMES)
def test_a_cursor_comes_back_as_it_was(cursor: Cursor, tenant: str, session_id: str) -> None:
    """For the same tenant and session, on any process that has the secret."""
    text = SIGNER.sign(cursor, tenant=tenant, session_id=session_id)

    assert CursorSigner(b"a secret of the test").verify(text, tenant=tenant, session_id=session_id) == cursor


@given(CURSORS)
def test_a_cursor_fits_where_it_has_to_go(cursor: Cursor) -> None:
    """In an SSE `id:`, a header, and a URL's query: no character that needs quoting there."""
    assert set(_sign(cursor)) <= set(_ALPHABET)


@given(CURSORS, st.data())
def test_a_cursor_with_a_changed_byte_is_refused(cursor: Cursor, data: st.DataObject) -> None:
    """Whatever byte it is: of the version, the MAC or the fields."""
    raw = bytearray(base64.urlsafe_b64decode(_sign(cursor)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    changed = base64.urlsafe_b64encode(raw).decode()

    with pytest.raises(REFUSED):
        SIGNER.verify(changed, tenant="default", session_id="t1")


@given(CURSORS, st.data())
def test_a_cursor_with_a_changed_character_is_refused(cursor: Cursor, data: st.DataObject) -> None:
    """As it may happen in a log line or by hand."""
    text = _sign(cursor)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(_ALPHABET).filter(lambda character: character != text[place]))

    with pytest.raises(REFUSED):
        SIGNER.verify(text[:place] + other + text[place + 1 :], tenant="default", session_id="t1")


@given(CURSORS, st.data())
def test_a_cut_or_lengthened_cursor_is_refused(cursor: Cursor, data: st.DataObject) -> None:
    """No prefix of a cursor is one, nor a cursor with something behind it."""
    text = _sign(cursor)
    longer = text + data.draw(st.text(_ALPHABET, min_size=1, max_size=8))

    for wrong in (text[: data.draw(st.integers(0, len(text) - 1))], longer):
        with pytest.raises(REFUSED):
            SIGNER.verify(wrong, tenant="default", session_id="t1")


@given(CURSORS, NAMES, NAMES, NAMES, NAMES)
def test_a_cursor_is_foreign_to_every_other_session_and_tenant(cursor: Cursor, tenant: str, session_id: str, other_tenant: str, other: str) -> None:
    """Also to the session of that very name of another tenant, and if the two names together spell the same text."""
    assume((tenant, session_id) != (other_tenant, other))
    text = SIGNER.sign(cursor, tenant=tenant, session_id=session_id)

    with pytest.raises(ForeignCursor):
        SIGNER.verify(text, tenant=other_tenant, session_id=other)


@given(CURSORS, st.binary(max_size=40))
def test_a_cursor_of_another_secret_is_foreign(cursor: Cursor, secret: bytes) -> None:
    """Processes that do not share the secret do not accept each other's cursors."""
    assume(secret != b"a secret of the test")

    with pytest.raises(ForeignCursor):
        CursorSigner(secret).verify(_sign(cursor), tenant="default", session_id="t1")


@given(st.text() | st.text(_ALPHABET + "=+/.", max_size=200) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_garbage_is_refused_and_raises_nothing_else(text: str) -> None:
    """Whatever a client sends as a cursor."""
    with pytest.raises(REFUSED):
        SIGNER.verify(text, tenant="default", session_id="t1")


@pytest.mark.parametrize("text", ["", "=", "====", "A", "é", "AAAA", "\ud800", "AQ" * 20, " ", "A\n"])
def test_what_is_no_cursor_at_all_is_malformed(text: str) -> None:
    """Too short, not base64, not even encodable."""
    with pytest.raises(MalformedCursor):
        SIGNER.verify(text, tenant="default", session_id="t1")


def test_the_oldest_open_answers_are_forgotten_beyond_255() -> None:
    """The cursor stays bounded; the newest answers are kept."""
    answers = tuple(OpenAnswer(number.to_bytes(8), 1, number) for number in range(300))
    cursor = SIGNER.verify(_sign(Cursor(UUID(int=1), 0, 9, answers, whole=True)), tenant="default", session_id="t1")

    assert (cursor.open_answers, cursor.whole) == (answers[-255:], False)
