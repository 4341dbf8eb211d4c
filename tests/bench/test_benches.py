"""The benches run, small: that they run and what they say, not how fast anything is."""

from __future__ import annotations

from infra.bench.index import bench_index
from infra.bench.ingest import bench_ingest
from infra.bench.retrieval import bench_retrieval
from schemas.settings import Settings


async def test_the_bench_of_the_index_sets_a_rebuild_beside_plain_libraries(settings: Settings) -> None:
    """Every size has its speed and its memory, each with a ratio."""
    said = await bench_index(settings, [500, 1_000])

    assert {"ratio_chunks_500_per_s", "ratio_chunks_1k_per_s", "ratio_memory_1k_peak_mib"} < said.ratios.keys()
    assert all(value > 0 for value in said.ratios.values())


async def test_the_bench_of_retrieval_tells_recall_and_both_libraries_times(settings: Settings) -> None:
    """Below 5,000 chunks every vector is compared, so nothing is missed."""
    said = await bench_retrieval(settings, chunks=1_000, count=10)

    assert 1.0 == said.goals["vector_recall_at_10"].value
    assert said.baseline["keyword_1k_p50_ms"] > 0


async def test_the_bench_of_ingestion_counts_the_chunks_that_came_of_documents(settings: Settings) -> None:
    """Through a broker and a worker of its own."""
    said = await bench_ingest(settings, chunks=40, model=False)

    assert said.figures["chunks_per_s"] > 0
