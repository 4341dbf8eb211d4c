"""What the bench of the index makes of its three processes' figures."""

from __future__ import annotations

from infra.bench.index import figures_of, goals
from infra.bench.report import report


def test_ours_is_compared_with_reading_and_adding_in_sequence() -> None:
    """100,000 chunks in 50 s, where reading takes 5 s, vectors 20 s and words 10 s."""
    ours = {"seconds": 50.0, "cpu_s": 60.0, "peak_mib": 300.0, "kept_mib": 280.0}
    read = {"seconds": 5.0, "cpu_s": 4.0, "peak_mib": 40.0, "kept_mib": 10.0}
    add = {"vector_s": 20.0, "keyword_s": 10.0, "cpu_s": 46.0, "peak_mib": 200.0, "kept_mib": 190.0}

    figures, baseline = figures_of(100_000, ours=ours, read=read, add=add)
    judged = report("index", figures=figures, baseline=baseline, goals=goals([100_000])).goals

    assert 0.7 == judged["ratio_chunks_100k_per_s"].value
    assert judged["ratio_chunks_100k_per_s"].met
    assert 1.5 == judged["ratio_memory_100k_peak_mib"].value
    assert judged["ratio_memory_100k_peak_mib"].met


def test_only_the_size_that_goals_are_set_for_is_judged() -> None:
    """At 1,000 chunks a process's own memory hides the index's."""
    assert {} == goals([1_000])
