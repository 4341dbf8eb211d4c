"""Evaluation: the real pipeline over logs in memory, keywords only."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.keyword_index import open_keyword_index
from infra.evaluation.asking import evaluated, ranking
from infra.evaluation.dataset import Dataset
from infra.evaluation.evaluation import Evaluation, changed, changes_of, evaluate, for_evaluation
from infra.evaluation.indexing import Indexes
from infra.evaluation.measures import names_of
from infra.evaluation.report import as_dict, compared
from schemas.errors import InvalidDataset, InvalidSetting
from schemas.settings import Settings
from streams.chunk_index import ChunkIndex
from streams.search.plan import Plan
from tests.builders import a_chunk, chunks_retrieved
from tests.unit.infra.evaluation.collections import ANIMALS, a_dataset
from tests.unit.streams.corpus import Corpus, a_document

MEASURES = names_of((10, 100))
LONG = "\n\n".join(f"## Section {number}\n\n" + f"The cow says moo for the {number}. time. " * 40 for number in range(5))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Without a model, and with folders of the test's own."""
    return for_evaluation(Settings(embedder="none", state_dir=tmp_path, cache_dir=tmp_path), chunk=False)


async def evaluated_with(dataset: Dataset, settings: Settings) -> Evaluation:
    return await evaluate(dataset, Indexes(dataset.documents, settings), settings, MEASURES, timed=True)


async def test_what_is_easy_to_find_is_found(tmp_path: Path, settings: Settings) -> None:
    """Every question names its document."""
    done = await evaluated_with(a_dataset(tmp_path), settings)

    assert dict.fromkeys(MEASURES, 1.0) == {name: done.mean(name) for name in MEASURES}
    assert (len(ANIMALS), (), 0) == (done.indexed.chunks, done.indexed.failed, done.degraded)
    assert len(ANIMALS) == len(done.took_ms)


async def test_a_document_is_one_chunk_unless_it_is_to_be_cut(tmp_path: Path, settings: Settings) -> None:
    """And found once, however many of its chunks are."""
    dataset = a_dataset(tmp_path, documents={"cow": LONG})
    cut = settings.model_copy(update={"chunker": "structure"})
    whole, chunked = await evaluated_with(dataset, settings), await evaluated_with(dataset, cut)

    assert 1 == whole.indexed.chunks < chunked.indexed.chunks
    assert [1.0, 1.0] == [whole.mean("mrr"), chunked.mean("mrr")]


async def test_an_index_is_made_once_for_a_way_of_cutting(tmp_path: Path, settings: Settings) -> None:
    """What only concerns the search finds it ready."""
    indexes = Indexes(a_dataset(tmp_path).documents, settings)
    first = await indexes.of(settings)

    assert (await indexes.of(changed(settings, {"fusion": "rrf", "top_k": 3}))).ports.index is first.ports.index
    assert (await indexes.of(changed(settings, {"chunk_tokens": 50}))).ports.index is not first.ports.index


async def test_a_document_that_cannot_be_read_is_named(tmp_path: Path, settings: Settings) -> None:
    """The others are evaluated all the same; if there are no others, that is an error."""
    dataset = a_dataset(tmp_path)
    pdf = dataset.documents[0].model_copy(update={"content_type": "application/pdf"})
    done = await evaluated_with(dataset._replace(documents=(pdf, *dataset.documents[1:])), settings)

    assert [pdf.document_id] == [one.document_id for one in done.indexed.failed]
    assert 0.75 == done.mean("recall@100")
    with pytest.raises(InvalidDataset, match="No document could be indexed"):
        await evaluated_with(dataset._replace(documents=(pdf,)), settings)


async def test_a_question_that_is_not_looked_up_is_counted_as_such(tmp_path: Path, settings: Settings) -> None:
    """Users get no chunks for it either; its figures are 0."""
    dataset = a_dataset(tmp_path, questions={"q-cow": "Hello!", "q-dog": "What says the dog?"})
    done = await evaluated_with(dataset, settings)

    assert {"greeting": 1} == done.skipped
    assert {"q-cow": 0.0, "q-dog": 1.0} == done.scores["mrr"]


async def test_the_object_has_the_figures_under_their_names(tmp_path: Path, settings: Settings) -> None:
    """And what they were measured with; a comparison has the difference of each."""
    dataset = a_dataset(tmp_path)
    first = await evaluated_with(dataset, settings)
    found = as_dict(dataset, first, [compared("fusion=rrf", first, first)])

    assert {1.0} == {found[name] for name in ("ndcg@10", "recall@10", "recall@100", "mrr")}
    assert (len(ANIMALS), len(ANIMALS), "none") == (found["documents"], found["queries"], found["embedder"])
    assert first.plan.fingerprint == found["plan"]
    assert {"latency_p50_ms", "latency_p95_ms", "embed_s", "index_s", "settings", "machine"} <= found.keys()
    assert {"difference": 0.0, "p": None} == found["compared"][0]["differences"]["ndcg@10"]


def test_the_plan_that_is_evaluated_ranks_as_deep_as_a_measure_looks() -> None:
    """What orders is kept; what only cuts an answer's context is off. There are never fewer candidates than a measure looks at."""
    own = Plan(top_k=3, candidates=50, fusion="rrf", keyword_weight=0.7, neighbours=2, context_tokens=100)
    plan = evaluated(own, 100)

    assert (100, 100, 0) == (plan.candidates, plan.top_k, plan.neighbours)
    assert plan.context_tokens > 10**6
    assert own == plan._replace(top_k=3, candidates=50, neighbours=2, context_tokens=100)
    assert 200 == evaluated(own._replace(candidates=200), 100).candidates
    assert [30, 100] == [evaluated(own, 10, most_chunks).top_k for most_chunks in (3, 40)]


async def test_a_document_stands_where_its_best_chunk_does() -> None:
    """One whose chunk was merged into another's counts as found, right behind."""
    corpus = Corpus()
    for name in ("one", "two", "three"):
        await corpus.take(a_document(f"# {name}\n\nText.", document_id=name))
    merged = a_chunk(2, document_id="two", also_in=("default/three#0", "default/gone#0"))
    found = chunks_retrieved().model_copy(update={"chunks": (a_chunk(1, document_id="one"), merged, a_chunk(3, document_id="one"))})

    assert ("one", "two", "three") == ranking(found, corpus.index)


async def test_nothing_found_is_no_ranking() -> None:
    """An index that knows nothing."""
    index = ChunkIndex(vectors=None, keywords=open_keyword_index("tantivy"), embedder_name="none")

    assert () == ranking(chunks_retrieved(chunks=0), index)


def test_changes_are_checked_as_the_environment_is() -> None:
    """Text becomes what the setting takes."""
    made = changed(Settings(top_k=9), changes_of("keyword_weight=0.3, fusion=rrf"))

    assert (0.3, "rrf", 9) == (made.keyword_weight, made.fusion, made.top_k)


@pytest.mark.parametrize("text", ["fusion", "fusion=", "=rrf", "fusion=sum", "top_k=0", "api_port=1", "nothing=1", ""])
def test_a_change_that_cannot_be_is_refused(text: str) -> None:
    """By name or by value."""
    with pytest.raises(InvalidSetting) as raised:
        changed(Settings(), changes_of(text))

    assert raised.value.remedy
