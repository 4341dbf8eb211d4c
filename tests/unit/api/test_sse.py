"""Frames: how they are written, and that nothing can be injected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.sse import closing_frame, data_lines, frame, priming_frame


def test_a_frame_holds_cursor_type_and_value() -> None:
    """One field a line, an empty line at the end."""
    assert frame("AbC-_", "TokensGenerated", b'{"a":1}') == b'id: AbC-_\nevent: TokensGenerated\ndata: {"a":1}\n\n'


def test_the_priming_frame_has_an_id_and_empty_data() -> None:
    """Some clients take an id only from a frame that has data."""
    assert priming_frame("AbC", 1_000) == b"retry: 1000\nid: AbC\ndata:\n\n"


def test_the_closing_frame_says_when_to_come_back() -> None:
    """`retry:` first, so that it holds even if the rest is lost."""
    assert closing_frame("AbC", 750, b"{}") == b"retry: 750\nid: AbC\nevent: closing\ndata: {}\n\n"


@pytest.mark.parametrize("bad", ["a\nevent: evil", "a\r\ndata: evil", "a\revent: evil", "a\0b", "\n\nid: evil"])
def test_line_ends_and_nul_in_ids_and_types_inject_nothing(bad: str) -> None:
    """They are taken out: the frame keeps its three lines."""
    lines = frame(bad, bad, b"{}").split(b"\n")

    assert [line.split(b":")[0] for line in lines] == [b"id", b"event", b"data", b"", b""]
    assert not any(sign in lines[0] + lines[1] for sign in b"\r\0")


@pytest.mark.parametrize(("value", "expected"), [(b"a\nb", b"a\ndata: b"), (b"a\r\nb\rc", b"a\ndata: b\ndata: c")])
def test_a_value_with_line_ends_becomes_several_data_lines(value: bytes, expected: bytes) -> None:
    """A line end would end the field, and two would end the frame."""
    assert data_lines(value) == expected


@given(st.binary(max_size=60))
def test_any_value_stays_within_its_frame(value: bytes) -> None:
    """Whatever a foreign producer wrote, each line of the frame is a data line."""
    lines = frame("AbC", "TokensGenerated", value).removesuffix(b"\n\n").split(b"\n")[2:]

    assert lines
    assert all(line.startswith(b"data: ") and b"\r" not in line for line in lines)
