"""Contract of the keyword index port, over every backend."""

from __future__ import annotations

import asyncio
import re
import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.keyword_index import open_keyword_index
from connectors.keyword_index.base import Entry, KeywordIndex, Renewed
from infra.demo import SAMPLES
from schemas.errors import InvalidSetting
from schemas.settings import Settings
from tests.contract.shared_indexes import an_empty_one

LAG = Entry("lag#0", "Consumer lag", "Measuring lag", "The distance between the end of a partition and the position of a group.")
KEEP = Entry("keep#0", "Retention", "", "Records are kept for seven days; see NotEnoughReplicasException.")
CATS = Entry("cats#0", "Cats", "", "Cats sleep most of the day. The naïve cat was running.")


@pytest.fixture(params=["tantivy", "rank_bm25", pytest.param("weaviate", marks=pytest.mark.full)])
def backend(request: pytest.FixtureRequest) -> tuple[str, Settings | None]:
    return request.param, request.getfixturevalue("weaviate_server") if request.param == "weaviate" else None


@pytest.fixture
async def make(backend: tuple[str, Settings | None]) -> AsyncIterator[Callable[[], KeywordIndex]]:
    """Opens an empty index."""
    name, server = backend
    async with AsyncExitStack() as stack:
        shared = an_empty_one(server, stack) if server else None

        def opened() -> KeywordIndex:
            index = open_keyword_index(name, shared)
            assert index is not None
            return index

        yield opened


@pytest.fixture
async def index(make: Callable[[], KeywordIndex]) -> KeywordIndex:
    filled = make()
    await filled.upsert("a", [LAG, KEEP, CATS])
    await filled.commit()
    return filled


async def found(index: KeywordIndex, question: str, tenant: str = "a") -> list[str]:
    return [hit.chunk_id for hit in await index.search(tenant, question, 10)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("consumer", "lag#0"),  # title
        ("how do I measure it?", "lag#0"),  # heading, stemmed
        ("How long is a RECORD kept?", "keep#0"),  # text, case, stem
        ("naive cats run", "cats#0"),  # folded
        ("NotEnoughReplicas", "keep#0"),  # part of a camel-case name
    ],
)
async def test_a_chunk_is_found_by_its_words(index: KeywordIndex, question: str, expected: str) -> None:
    """In title, headings and text; folded, in any case, by stem, by the parts of names."""
    assert (await found(index, question))[0] == expected


async def test_best_comes_first_with_its_score(index: KeywordIndex) -> None:
    """BM25, falling; what shares no word is no hit."""
    await index.upsert("a", [Entry("more#0", "Lag", "Lag", "Lag, lag and more lag in a group's partition.")])
    await index.commit()
    hits = await index.search("a", "lag of a partition", 10)

    assert {hit.chunk_id for hit in hits} == {"more#0", "lag#0"}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert await index.search("a", "lag", 1) == (await index.search("a", "lag", 10))[:1]


async def test_an_upsert_replaces_and_a_removal_removes(index: KeywordIndex) -> None:
    """Visible once commit has returned; unknown ids are passed over."""
    await index.upsert("a", [LAG._replace(text="Bananas."), LAG._replace(text="Apples.")])
    await index.remove("a", ["keep#0", "unknown"])
    await index.remove("nobody", ["keep#0"])
    await index.commit()

    assert await found(index, "records distance bananas") == []
    assert await found(index, "apples") == ["lag#0"]


async def test_each_commit_is_seen_while_more_is_to_come(index: KeywordIndex) -> None:
    """What was replaced or removed between two of them is gone, and the one at the end changes nothing."""
    answers = []
    for text in ("Bananas.", "Apples."):
        await index.upsert("a", [LAG._replace(text=text)])
        await index.remove("a", ["keep#0"])
        await index.commit(more=True)
        answers.append((await found(index, "records distance bananas"), await found(index, "apples")))
    await index.commit()

    assert [(["lag#0"], []), ([], ["lag#0"])] == answers
    assert ["lag#0"] == await found(index, "apples")


async def test_tenants_neither_see_nor_move_each_other(index: KeywordIndex) -> None:
    """Another tenant's chunks change no score, and no removal of one touches the other."""
    before = await index.search("a", "lag partition", 10)
    await index.upsert("b", [Entry(f"b#{number}", "Lag", "", "lag partition " * number) for number in range(1, 50)] + [LAG])
    await index.remove("b", [LAG.chunk_id])
    await index.commit()

    assert await index.search("a", "lag partition", 10) == before
    assert LAG.chunk_id not in await found(index, "lag", "b")
    assert await index.search("c", "lag", 10) == []


@pytest.mark.parametrize("held_to", [1, 30, 1_500, 2_900])
async def test_only_chunks_that_are_admitted_are_found(make: Callable[[], KeywordIndex], held_to: int) -> None:
    """The best of few, of many, of nearly all, with the scores that they have without; unknown ids are passed over."""
    index = make()
    await index.upsert("a", [Entry(f"m#{number}", "", "", "lag " * (number % 7 + 1) + "filler " * (number % 11)) for number in range(3_000)])
    await index.commit()
    admitted = {f"m#{number * 7 % 3_000}" for number in range(held_to)}
    everything = {hit.chunk_id: hit.score for hit in await index.search("a", "lag", 3_000)}
    hits = await index.search("a", "lag", 10, within={*admitted, "unknown"})

    assert len(everything) == 3_000
    assert {hit.chunk_id for hit in hits} <= admitted
    assert [hit.score for hit in hits] == pytest.approx(sorted((everything[chunk_id] for chunk_id in admitted), reverse=True)[:10])
    assert await index.search("a", "lag", 10, within=set()) == []


async def test_the_worst_are_found_too_if_no_others_are_admitted(make: Callable[[], KeywordIndex]) -> None:
    """A large set that the search would meet last."""
    index = make()
    await index.upsert("a", [Entry(f"m#{number}", "", "", "lag" if number < 1_200 else "lag lag lag") for number in range(8_000)])
    await index.commit()

    assert len(await index.search("a", "lag", 5, within={f"m#{number}" for number in range(1_200)})) == 5


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.sampled_from(['"', "(", "title:x^2 AND NOT *", "the of and", "[1 TO", "\\", "a" * 5_000, "/re/", "🙂"]))
async def test_no_text_of_a_question_is_an_error(index: KeywordIndex, question: str) -> None:
    """There is no query syntax."""
    assert len(await index.search("a", question, 2)) <= 2


async def test_a_very_long_question_is_answered_by_its_rare_words(index: KeywordIndex) -> None:
    """A pasted page does not hide the word that counts."""
    page = " ".join(f"nowhere{number}" for number in range(2_000))

    assert (await found(index, f"{page} bananas distance {page}"))[0] == "lag#0"


async def test_a_search_is_answered_while_an_upsert_runs(index: KeywordIndex) -> None:
    """It sees the last commit."""
    many = [Entry(f"m#{number}", "", "", "lag " * 200) for number in range(2_000)]
    upsert = asyncio.create_task(index.upsert("a", many))
    await asyncio.sleep(0)
    during = await found(index, "lag")
    answered_first = not upsert.done()
    await upsert
    await index.commit()

    assert (answered_first, during) == (True, ["lag#0"])
    assert len(await found(index, "lag")) == 10


def test_none_opens_nothing_and_an_unknown_name_is_refused() -> None:
    """`none` is vector search only."""
    assert open_keyword_index("none") is None
    with pytest.raises(InvalidSetting, match="nonsense"):
        open_keyword_index("nonsense")


async def test_what_is_also_asked_for_is_found_and_counts_for_less(index: KeywordIndex) -> None:
    """Alone it finds chunks; beside the question's own words it ranks behind them."""
    first, second = Entry("one#0", "", "", "Replicas follow."), Entry("two#0", "", "", "Brokers follow.")
    await index.upsert("b", [first, second])
    await index.commit()

    assert ["two#0"] == [hit.chunk_id for hit in await index.search("b", "nonsense", 10, also="brokers")]
    assert ["one#0", "two#0"] == [hit.chunk_id for hit in await index.search("b", "replica", 10, also="brokers")]
    assert ["two#0", "one#0"] == [hit.chunk_id for hit in await index.search("b", "broker", 10, also="broker replica (ISR")]


async def test_a_word_of_the_question_that_is_also_asked_for_counts_once(index: KeywordIndex) -> None:
    """So an expansion that repeats the question changes nothing."""
    assert await index.search("a", "consumer lag", 10) == await index.search("a", "consumer lag", 10, also="lag")


async def test_the_rarity_of_terms_is_told_where_it_can_be(index: KeywordIndex) -> None:
    """The number of the tenant's chunks that have the term, 0 if none has it; or nothing at all, from a backend that cannot count."""
    told = await index.rarity("a", ["cat", "lag", "nowher"])

    assert told in ({"cat": 1, "lag": 1, "nowher": 0}, {})
    assert set((await index.rarity("other", ["cat"])).values()) <= {0}


@pytest.mark.parametrize("name", ["tantivy", "rank_bm25"])
async def test_equal_ones_come_in_order_of_their_ids(name: str) -> None:
    """Whatever order they came in, also where only some of them are wanted: so that a replay finds what the first run found."""
    index = open_keyword_index(name)
    assert index is not None
    for number in (7, 3, 9, 1, 5, 8, 2, 6, 4, 0):
        await index.upsert("a", [LAG._replace(chunk_id=f"c{number}")])
        await index.commit()

    assert [hit.chunk_id for hit in await index.search("a", "lag", 3)] == ["c0", "c1", "c2"]


def sample_sections() -> list[Entry]:
    """The sample documents, a chunk a section."""
    found: list[Entry] = []
    for page in sorted(SAMPLES.glob("*.md")):
        title, *sections = re.split(r"(?m)^## ", page.read_text(encoding="utf-8"))
        name = title.partition("\n")[0].lstrip("# ")
        found += [Entry(f"{page.stem}#{number}", name, *section.partition("\n")[::2]) for number, section in enumerate(sections)]
    return found


async def test_the_ranking_is_that_of_the_reference(make: Callable[[], KeywordIndex]) -> None:
    """Of the first 10 for each sample question nearly all are those of rank_bm25, whose module says what differs."""
    index, reference = make(), open_keyword_index("rank_bm25")
    assert reference is not None
    for one in (index, reference):
        await one.upsert("a", sample_sections())
        await one.commit()
    lines = (SAMPLES.parent / "beir" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    shares = []
    for question in (orjson.loads(line)["text"] for line in lines):
        expected = set(await found(reference, question))
        shares.append(len(expected & set(await found(index, question))) / len(expected))

    assert len(shares) == 40
    assert statistics.mean(shares) > (0.8 if index.name == "weaviate" else 0.95)


async def test_renewed_it_scores_as_if_nothing_had_ever_been_there() -> None:
    """Of a backend whose scores go on counting what was removed. Another tenant's chunks stay."""
    index, clean = open_keyword_index("tantivy"), open_keyword_index("tantivy")
    assert isinstance(index, Renewed)
    assert clean is not None
    for number in range(5):
        await index.upsert("a", [LAG._replace(text=f"Lag number {number} of a group."), CATS._replace(chunk_id=f"cats#{number}")])
        await index.upsert("b", [KEEP])
        await index.commit()
    await index.remove("a", [f"cats#{number}" for number in range(5)])
    await index.commit()
    await index.renew("a", [LAG, KEEP])
    await clean.upsert("a", [KEEP, LAG])
    await clean.commit()

    assert await index.search("a", "lag of a group is kept", 5) == await clean.search("a", "lag of a group is kept", 5)
    assert await found(index, "cats") == []
    assert await found(index, "retention", "b") == ["keep#0"]
