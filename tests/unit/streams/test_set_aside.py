"""What a fold sets aside comes back as it was, in any order, as often as it is asked for."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from schemas.record import Record
from streams.set_aside import SetAside

_RECORDS = st.builds(Record, st.text(), st.integers(), st.integers(), st.none() | st.binary(), st.none() | st.binary(), st.just(()))


@given(st.lists(_RECORDS, max_size=20), st.randoms())
def test_what_is_set_aside_comes_back_as_it_was(records: list[Record], order: Random) -> None:
    """Also what was kept before something was read, and after."""
    aside, places = SetAside[Record](), list[int]()
    for record in records:
        places.append(aside.keep(record))
        assert aside.read(places[0]) == records[0]
    wanted = [(place, record) for place, record in zip(places, records, strict=True) for _ in range(2)]
    order.shuffle(wanted)

    assert [record for _, record in wanted] == [aside.read(place) for place, _ in wanted]
    assert len(set(places)) == len(places)


def test_the_file_goes_with_whoever_holds_it() -> None:
    """Nothing is left open: a warning would be an error."""
    aside = SetAside[str]()
    file, place = aside._file, aside.keep("text")

    assert "text" == aside.read(place)
    del aside
    assert file.closed
