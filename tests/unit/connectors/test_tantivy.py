"""Of the tantivy index, what no contract asks; tests/contract/test_keyword_index.py has the rest."""

from __future__ import annotations

import pytest
from tantivy import Document

from connectors.keyword_index.base import Entry
from connectors.keyword_index.tantivy import TantivyIndex


async def test_a_writer_that_has_died_is_not_asked_again() -> None:
    """Who follows the log gives what was not committed once more; else a worker would be deaf until it is started again."""
    index = TantivyIndex()
    await index.upsert("a", [Entry("a/d#0", "", "", "the lag of a group")])
    index._tenants["a"]._open_writer().add_document(Document(number=1.5))  # its thread panics: the column holds whole numbers
    with pytest.raises(ValueError, match="in a thread"):
        await index.commit()
    await index.upsert("a", [Entry("a/d#0", "", "", "the lag of a group")])
    await index.commit()

    assert ["a/d#0"] == [hit.chunk_id for hit in await index.search("a", "lag", 3)]


async def test_a_chunk_that_comes_again_costs_no_second_id() -> None:
    """Each record that is read brings a string of its own; a document that changes all day must not fill the worker's memory with them."""
    index = TantivyIndex()
    for number in range(3):
        await index.upsert("a", [Entry("".join(["a/d#", "0"]), "", "", f"version {number}")])
    held = index._tenants["a"]._chunk_ids

    assert (3, 1) == (len(held), len({id(chunk_id) for chunk_id in held}))
