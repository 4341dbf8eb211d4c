"""connectors/session_log/lane_index.py: what has to be read to find a session's records that are no tokens."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from connectors.session_log import lane_index
from connectors.session_log.lane_index import LaneIndex, Stretch

KEYS = (b"mine", b"yours", None, b"x" * 65)
RECORDS = st.lists(st.tuples(st.sampled_from(KEYS), st.booleans()), max_size=400)  # by offset: whose, and whether it is a token


@given(RECORDS, st.integers(1, 20), st.sampled_from([0, 0, 5]), st.data())
def test_what_is_read_holds_all_that_is_no_token(records: list[tuple[bytes | None, bool]], most: int, near: int, data: st.DataObject) -> None:
    """Wherever the index began, whatever it has forgotten, and however far it is behind; in order, nothing twice, nothing beyond it."""
    begin, noted, start, end = (data.draw(st.integers(0, len(records))) for _ in range(4))
    (begin, noted), (start, end) = sorted((begin, noted)), sorted((start, end))
    index = LaneIndex(begin, most)
    for offset, (key, token) in enumerate(records[begin:noted], begin):
        if not token:
            index.note(key, offset)
    with patch.object(lane_index, "_NEAR", near):
        stretches = index.stretches(b"mine", start, end, noted)
    read = [offset for stretch in stretches for offset in range(*stretch)]
    wanted = {offset for offset in range(start, end) if records[offset] == (b"mine", False)}

    assert wanted <= set(read) <= set(range(start, end))
    assert read == sorted(set(read))


def test_what_lies_between_is_not_read() -> None:
    """What lies near is read at once, what lies far alone; what was not noted yet is read as it lies."""
    index = LaneIndex(1_000, 100)
    for offset in (1_500, 1_510, 1_600, 3_000):
        index.note(b"mine", offset)
    index.note(b"yours", 2_000)

    assert index.stretches(b"mine", 1_200, 5_000, 4_000) == [Stretch(1_500, 1_601), Stretch(3_000, 3_001), Stretch(4_000, 5_000)]
    assert index.stretches(b"mine", 1_200, 4_000, 4_000) == [Stretch(1_500, 1_601), Stretch(3_000, 3_001)]
    assert index.stretches(b"mine", 500, 1_200, 4_000) == [Stretch(500, 1_000)]
    assert index.stretches(b"nobody's", 1_200, 4_000, 4_000) == []


def test_it_forgets_what_came_first() -> None:
    """And then has it read from the log."""
    index = LaneIndex(0, 2)
    for offset in (1_000, 2_000, 3_000, 4_000, 5_000):
        index.note(b"mine", offset)

    assert index.begin == 3_000
    assert index.stretches(b"mine", 0, 6_000, 6_000) == [Stretch(0, 3_001), Stretch(4_000, 4_001), Stretch(5_000, 5_001)]
