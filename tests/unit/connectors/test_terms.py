"""Terms: the words of a text as they are compared."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from connectors.keyword_index.terms import Analyser, spelled_out

_CAMEL = re.compile(r"\b\w*[a-z][A-Z]\w*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def test_a_camel_case_name_is_found_by_its_parts() -> None:
    """As the whole name, and as its words."""
    assert spelled_out("See NotEnoughReplicas, twice: NotEnoughReplicas.") == ("See NotEnoughReplicas, twice: NotEnoughReplicas. Not Enough Replicas")
    assert Analyser().terms("NotEnoughReplicas") == ["notenoughreplica", "enough", "replica"]


@given(st.text(alphabet="abAB9_é日 .-ßİ\n") | st.text())
def test_the_names_are_those_that_the_pattern_finds(text: str) -> None:
    """In texts of any script; the search in bytes is only faster."""
    names = [_HUMP.sub(" ", name) for name in dict.fromkeys(_CAMEL.findall(text))]

    assert spelled_out(text) == (f"{text} {' '.join(names)}" if names else text)
