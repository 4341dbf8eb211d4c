"""api/protocols/citations.py: where a text cites what."""

from __future__ import annotations

from api.protocols.citations import marks_in
from schemas.events import Citation

CITED = [Citation(number=number, chunk_id=f"d{number}#0", document_id=f"d{number}", title="", source="") for number in (1, 2)]


def test_each_mark_has_its_place() -> None:
    """With its brackets; in a list, the number alone. A number that stands for nothing is no mark."""
    text = "So [1]. And [1, 2; 9] or [2][9], not [x]."
    marks = list(marks_in(text, CITED))

    assert [("[1]", 1), ("1", 1), ("2", 2), ("[2]", 2)] == [(text[mark.start : mark.end], mark.citation.number) for mark in marks]
