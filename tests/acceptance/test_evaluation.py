"""`roxy eval` and `roxy tune` as users run them."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.environment import PROJECT
from schemas.settings import Settings
from tests.acceptance.roxy_command import roxy

SAMPLE = str(PROJECT / "infra" / "samples" / "beir")
CRANFIELD = PROJECT.parent / "shared" / "data" / "cranfield"


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    """No Kafka, no model; folders of the test's own."""
    return Settings(embedder="none", state_dir=tmp_path / "state", cache_dir=tmp_path / "cache")


def test_the_samples_are_evaluated_without_anything_running(bare: Settings) -> None:
    """Their questions find their pages; what was measured, and with what, is in the object."""
    found = roxy(bare, "eval", SAMPLE, "--json", "--compare", "fusion=rrf").json

    assert (37, 40, "beir", "none") == (found["documents"], found["queries"], found["dataset"], found["embedder"])
    assert all(0.7 < found[name] <= 1 for name in ("ndcg@10", "recall@100", "mrr"))
    assert ["fusion=rrf"] == [one["change"] for one in found["compared"]]
    assert "whole" == found["settings"]["chunker"]


def test_people_get_a_table_and_the_plan(bare: Settings) -> None:
    """Other depths, fewer questions, documents cut."""
    ran = roxy(bare, "eval", SAMPLE, "--chunk", "--limit", "5", "--k", "3,20")

    assert 0 == ran.exit_code, ran.stderr
    assert all(part in ran.stdout for part in ("ndcg@3", "recall@20", "mrr", "5 questions", "37 documents", "Plan ", "candidates"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("eval", "{empty}"), "no qrels/test.tsv"),
        (("eval", "{empty}/absent"), "is no folder"),
        (("eval", SAMPLE, "--split", "dev"), "Splits that are there: test."),
        (("eval", SAMPLE, "--k", "ten"), "names no depths"),
        (("eval", SAMPLE, "--compare", "fusion=sum"), "fusion"),
        (("tune", SAMPLE, "--measure", "map"), "is no measure"),
        (("tune", SAMPLE, "--plot", "trials.doc"), "not a kind of picture"),
        (("tune", SAMPLE, "--limit", "3"), "3 judged questions"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(bare: Settings, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    """Without a traceback, and before anything takes long."""
    ran = roxy(bare, *(argument.format(empty=tmp_path) for argument in arguments))

    assert 1 == ran.exit_code
    assert ran.stderr.startswith("roxy: ")
    assert says in ran.stderr
    assert 1 == ran.stderr.count("\n")


def test_a_search_is_shared_goes_on_and_is_drawn(bare: Settings, tmp_path: Path) -> None:
    """Two processes try side by side; the next run finds their trials, and adds what is missing."""
    picture = tmp_path / "trials.svg"
    first = roxy(bare, "tune", SAMPLE, "--trials", "3", "--jobs", "2", "--json").json
    again = roxy(bare, "tune", SAMPLE, "--trials", "5", "--plot", str(picture), "--json").json
    shown = roxy(bare, "tune", SAMPLE, "--trials", "5")

    assert first["trials"] == again["trials"][: len(first["trials"])]
    assert 5 == len(again["trials"])
    assert 40 == again["train"]["queries"] + again["held_out"]["queries"]
    assert "<svg" in picture.read_text()
    assert all(line in shown.stdout for line in again["settings"])
    assert "held out" in shown.stdout


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_search_runs_on_a_ray_cluster(bare: Settings) -> None:
    """One that is started for it, and stopped."""
    found = roxy(bare, "tune", SAMPLE, "--backend", "ray", "--trials", "2", "--json").json

    assert 2 == len(found["trials"])
    assert 40 == found["train"]["queries"] + found["held_out"]["queries"]


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.skipif(not CRANFIELD.is_dir(), reason=f"the Cranfield collection is not at {CRANFIELD}")
def test_cranfield_is_searched_better_than_by_plain_libraries() -> None:
    """Default settings. The best of plain libraries there: an equal sum of BM25 and MiniLM, 0.571 and 0.808.

    Its vectors are kept in the user's cache folder, so that the second run takes seconds.
    """
    found = roxy(Settings(), "eval", str(CRANFIELD), "--json").json

    assert (1398, 2, 0, 225) == (found["documents"], found["empty"], found["failed"], found["queries"])
    assert "sentence-transformers:all-MiniLM-L6-v2" == found["embedder"]
    assert found["ndcg@10"] >= 0.571
    assert found["recall@100"] >= 0.808
