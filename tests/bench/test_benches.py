"""The benches run, small: that they run and what they say, not how fast anything is."""

from __future__ import annotations

import pytest

from infra.bench.answers import bench_answers
from infra.bench.export import bench_export
from infra.bench.index import bench_index
from infra.bench.ingest import bench_ingest
from infra.bench.load import Wish, bench_load
from infra.bench.replay import bench_replay
from infra.bench.retrieval import bench_retrieval
from infra.bench.routing import bench_routing, questions
from infra.bench.scale import Layout, bench_scale
from infra.bench.survival import bench_survival
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


async def test_the_bench_of_answers_sets_many_at_a_time_beside_the_model_alone(settings: Settings) -> None:
    """On a broker of its own; every question that is asked again is given its answer again."""
    said = await bench_answers(settings, count=6, at_once=3)

    assert 1.0 == said.figures["cached_share"]
    assert {"ratio_answers_per_s", "token_p50_ms", "cached_first_token_p50_ms"} <= said.goals.keys()


@pytest.mark.timeout(300)
async def test_scale_says_what_an_answer_and_a_token_cost(settings: Settings) -> None:
    """Each kind of process, and how many answers the cores give."""
    said = await bench_scale(settings, layouts=[Layout(1, 1, 1)], count=10, at_once=2)

    assert {"1b1w1a_worker_per_answer_ms", "1b1w1a_api_per_token_us", "1b1w1a_disk_per_token_kib"} <= said.figures.keys()
    assert said.baseline.keys() == {"1b1w1a_answers_of_20_per_s", "1b1w1a_answers_of_120_per_s"}


async def test_the_bench_of_survival_interrupts_answers_and_finds_them_whole(settings: Settings) -> None:
    """On a broker of its own; the pauses of those whose worker died stand beside a bare group's."""
    said = await bench_survival(settings, sessions=8, cancels=3, kinds=("rerun",))

    assert 0 < said.figures["interrupted_rerun"] <= 8
    assert 0 == said.goals["wrong_rerun"].value
    assert {"ratio_pause_rerun_p50_ms", "ratio_cancel_p50_ms"} <= said.ratios.keys()


async def test_the_bench_of_routing_counts_who_went_where_and_what_it_saves(settings: Settings) -> None:
    """Most simple questions go to the cheap tiers, those too that the table was not tuned on; every question went somewhere."""
    said = await bench_routing(settings.model_copy(update={"embedder": "none"}))
    counts = [count for name, count in said.figures.items() if name.endswith("_questions")]

    assert said.goals["simple_to_cheap_share"].met
    assert said.goals["simple_to_cheap_held_out_share"].met
    assert len(questions()) == sum(counts) == 200
    assert 0 < said.ratios["ratio_cost_of_1000_usd"] < 1


async def test_the_bench_of_exports_makes_a_row_of_each_judged_question(settings: Settings) -> None:
    """Beside the bare reading of the same records."""
    said = await bench_export(settings, [1_000])

    assert 19 <= said.figures["rows_1k"] <= 20
    assert said.baseline["records_1k_per_s"] > 0


async def test_the_bench_of_replay_folds_every_session_into_its_answer(settings: Settings) -> None:
    """Beside librdkafka on the same records, as it comes and without its pauses."""
    said = await bench_replay(settings, count=1_000)

    assert 16 == said.figures["answers"] == said.figures["records"] / 64
    assert {"records_per_s", "hasty_records_per_s"} < said.baseline.keys()
    assert {"ratio_records_per_s"} == said.goals.keys()


async def test_the_bench_of_load_has_each_kind_of_work_done_and_sheds_what_is_too_much(settings: Settings) -> None:
    """On a broker of its own, with room for few questions: what is too much is refused with when to come back, and nothing else goes wrong."""
    wish = Wish(clients=5, seconds=4.0, rate=10.0, placement="lane", overload_s=2.0, soak=True, chunks=1_000)
    said = await bench_load(settings.model_copy(update={"max_unanswered": 8}), wish)
    gone_wrong = {name for name in said.figures if name.startswith(("errors_", "overload_errors_")) and not name.endswith(("_status_503", "_share"))}

    assert set() == gone_wrong
    assert 0 == said.figures["overload_fell_over_share"]
    assert {"ask_first_token_p50_ms", "worker_1_cpu_ms", "api_1_memory_mib_per_h", "kafka_1_handles_per_h"} < said.figures.keys()
    assert {"errors_share", "overload_fell_over_share", "recovery_s"} == said.goals.keys()
