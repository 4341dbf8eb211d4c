"""Of the tantivy index, what no contract asks; tests/contract/test_keyword_index.py has the rest."""

from __future__ import annotations

import asyncio

import pytest
from tantivy import Document

from connectors.keyword_index import tantivy
from connectors.keyword_index.base import Entry
from connectors.keyword_index.tantivy import TantivyIndex
from schemas.errors import IndexUnavailable


async def test_a_writer_that_has_died_is_not_asked_again() -> None:
    """Who follows the log gives what was not committed once more; else a worker would be deaf until it is started again."""
    index = TantivyIndex()
    await index.upsert("a", [Entry("a/d#0", "", "", "the lag of a group")])
    index._tenants["a"]._open_writer().add_document(Document(number=1.5))  # its thread panics: the column holds whole numbers
    with pytest.raises(IndexUnavailable, match="in a thread"):
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


async def test_a_writer_is_kept_while_more_is_to_come_and_no_longer() -> None:
    """An open one costs threads and memory, and there may be a thousand tenants; to wait for its merges takes longer than to commit."""
    index = TantivyIndex()
    open_after = []
    for more in (True, True, False):
        await index.upsert("a", [Entry("a/d#0", "", "", "the lag of a group")])
        await index.commit(more=more)
        open_after.append(index._tenants["a"].is_open)

    assert [True, True, False] == open_after


async def test_few_writers_are_open_however_many_tenants_are_written_to() -> None:
    """A catch-up brings chunks of all of them, and every writer has six threads. Those that were written to last stay open, and all is found."""
    index, tenants = TantivyIndex(), [f"t{number}" for number in range(20)]
    most = 0
    for turn in range(3):
        for tenant in tenants:
            await index.upsert(tenant, [Entry(f"{tenant}/d#{turn}", "", "", "the lag of a group")])
            most = max(most, sum(one.is_open for one in index._tenants.values()))
        await index.commit(more=True)
    left = [tenant for tenant in tenants if index._tenants[tenant].is_open]

    assert (4, tenants[-4:]) == (most, left)
    assert {3} == {len(await index.search(tenant, "lag", 9)) for tenant in tenants}


@pytest.mark.parametrize("asked", ["upsert", "remove"])
async def test_where_no_writer_can_be_had_the_index_is_away(asked: str) -> None:
    """No thread is left, or a lock is held: of no chunk that is the fault, so nobody may take it for one that cannot be read."""
    index = TantivyIndex()
    await index.upsert("a", [Entry("a/d#0", "", "", "the lag of a group")])
    await index.commit()
    held = index._tenants["a"]._index.writer(15_000_000, 1)
    with pytest.raises(IndexUnavailable, match="could not be written"):
        await (index.remove("a", ["a/d#0"]) if asked == "remove" else index.upsert("a", [Entry("a/d#1", "", "", "its lag")]))
    del held
    await index.upsert("a", [Entry("a/d#1", "", "", "its lag")])
    await index.commit()

    assert ["a/d#0", "a/d#1"] == sorted(hit.chunk_id for hit in await index.search("a", "lag", 3))


async def test_a_large_index_answers_as_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its searches run in threads: more of them at once than there are threads, each with its own question, also within a filter."""
    index = TantivyIndex()
    await index.upsert("a", [Entry(f"a/d#{number}", "", "", f"lag word{number % 20} " + "filler " * (number % 9)) for number in range(500)])
    await index.commit()

    async def asked() -> list[object]:
        plain = [index.search("a", f"lag word{number}", 7) for number in range(20)]
        return await asyncio.gather(*plain, index.search("a", "lag", 3, within={"a/d#7", "a/d#8"}))

    small = await asked()
    monkeypatch.setattr(tantivy, "_BESIDE_FROM", 0)

    assert small == await asked()
