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
    """Wherever the index began, whatever it was filled with and has forgotten, however far it is behind; in order, nothing twice or beyond it."""
    filled_from, begin, noted = sorted(data.draw(st.integers(0, len(records))) for _ in range(3))
    start, end = sorted(data.draw(st.integers(0, len(records))) for _ in range(2))
    taken_in_at = data.draw(st.integers(begin, noted))
    index = LaneIndex(begin, most)
    earlier = index.before(filled_from)
    note_all(earlier, records, filled_from, begin)
    note_all(index, records, begin, taken_in_at)
    index.take_in(earlier, begin)
    note_all(index, records, taken_in_at, noted)
    with patch.object(lane_index, "_NEAR", near):
        stretches = index.stretches(b"mine", start, end, noted)
    read = [offset for stretch in stretches for offset in range(*stretch)]
    wanted = {offset for offset in range(start, end) if records[offset] == (b"mine", False)}

    assert wanted <= set(read) <= set(range(start, end))
    assert read == sorted(set(read))


def note_all(index: LaneIndex, records: list[tuple[bytes | None, bool]], start: int, end: int) -> None:
    for offset in range(start, end):
        key, token = records[offset]
        if not token:
            index.note(key, offset)


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


def test_what_came_before_it_can_be_told_to_it() -> None:
    """Unless it has forgotten since what lies between."""
    index, late = LaneIndex(1_000, 2), LaneIndex(1_000, 2)
    earlier = index.before(0)
    earlier.note(b"mine", 500)
    for offset in (1_500, 2_000, 2_500):
        late.note(b"mine", offset)
    late.note(b"mine", 3_000)
    late.note(b"mine", 3_500)
    for one in (index, late):
        one.take_in(earlier, 1_000)

    assert (index.begin, index.stretches(b"mine", 0, 1_000, 1_000)) == (0, [Stretch(500, 501)])
    assert (late.begin, late.stretches(b"mine", 0, 2_600, 4_000)) == (2_500, [Stretch(0, 2_501)])
