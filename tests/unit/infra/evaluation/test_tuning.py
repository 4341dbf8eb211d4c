"""Tuning: what is varied, what is held out, and that an interrupted search goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.evaluation.dataset import Dataset, Question
from infra.evaluation.evaluation import Evaluation, changed, for_evaluation
from infra.evaluation.plot import draw, require_ending
from infra.evaluation.space import Parameters, Space, changes
from infra.evaluation.split import split
from infra.evaluation.study import search
from infra.evaluation.trials import Order, Trials, Tried
from infra.evaluation.tuning import Outcome, tune
from infra.evaluation.tuning_report import as_dict, settings_lines
from schemas.errors import InvalidDataset, InvalidInput
from schemas.settings import Settings
from tests.unit.infra.evaluation.collections import a_dataset, write_dataset

SPACES = [Space(cutting=cutting, vectors=vectors) for cutting in (True, False) for vectors in (True, False)]
NAMES = st.sets(st.text("abcdef0123456789", min_size=1, max_size=6), min_size=4, max_size=40)


def questions_only(names: list[str]) -> Dataset:
    return Dataset("d", "test", (), {}, 0, tuple(Question(name, "?") for name in names), {name: {"a": 1} for name in names})


class Counted(Trials):
    """Remembers which trials were run, and which questions were asked."""

    def __init__(self, order: Order, dataset: Dataset) -> None:
        super().__init__(order, dataset)
        self.run_with: list[Parameters] = []
        self.asked: list[str] = []

    def run(self, parameters: Parameters) -> float:
        self.run_with.append(parameters)
        return super().run(parameters)

    def evaluate(self, parameters: Parameters, dataset: Dataset) -> Evaluation:
        self.asked += [question.id for question in dataset.questions]
        return super().evaluate(parameters, dataset)


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """Of a search without a model, over small documents."""
    write_dataset(tmp_path / "animals")
    settings = for_evaluation(Settings(embedder="none", state_dir=tmp_path, cache_dir=tmp_path), chunk=False)
    space = Space(cutting=False, vectors=False)
    return Order(tmp_path / "animals", "test", None, settings, space, "mrr", 1, 4, None, tmp_path / "study.log")


@pytest.fixture
def trials(order: Order, tmp_path: Path) -> Iterator[Counted]:
    with Counted(order, a_dataset(tmp_path / "animals")) as counted:
        yield counted


def searched(order: Order, trials: Trials) -> list[Tried]:
    return search(order, trials, jobs=1, done=lambda _: None)


@given(NAMES, st.integers(0, 3), st.randoms())
def test_each_question_is_in_one_half(names: set[str], seed: int, random: object) -> None:
    """The halves are as large, and the same whatever order the questions stand in."""
    shuffled = sorted(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    halves = split(questions_only(shuffled), seed)
    train, held_out = ([question.id for question in half.questions] for half in halves)

    assert sorted(names) == sorted(train + held_out)
    assert len(train) - len(held_out) in (0, 1)
    assert halves == split(questions_only(sorted(names)), seed)
    assert [set(train), set(held_out)] == [set(half.judgements) for half in halves]


def test_another_seed_holds_others_out() -> None:
    """And too few questions cannot be split."""
    names = [str(number) for number in range(40)]

    assert split(questions_only(names), 1) != split(questions_only(names), 2)
    with pytest.raises(InvalidDataset, match="3 judged questions"):
        split(questions_only(names[:3]), 1)


@pytest.mark.parametrize("space", SPACES)
def test_whatever_is_drawn_is_a_setting(space: Space) -> None:
    """Within the limits that the settings have; the overlap is shorter than the chunk."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(50):
        trial = study.ask()
        space.draw(trial)
        made = changed(Settings(), changes(trial.params))

        assert made.chunk_overlap < made.chunk_tokens
        assert made.chunk_min_tokens <= made.chunk_tokens
        assert ("keyword_weight" in trial.params) == (trial.params.get("fusion") == "weighted")


def test_the_default_way_of_cutting_can_be_drawn() -> None:
    """A search that could not find what is there would be unfair to it."""
    default = Settings()
    drawn = changes({"chunk_tokens": default.chunk_tokens, "overlap_share": default.chunk_overlap / default.chunk_tokens})

    assert {"chunk_tokens": 400, "chunk_overlap": 80, "chunk_min_tokens": 100} == drawn == {name: getattr(default, name) for name in drawn}


def test_a_search_that_was_interrupted_goes_on(order: Order, trials: Counted) -> None:
    """Its trials lie in a file; those that are there count, and none is run twice."""
    first = searched(order._replace(trials=3), trials)
    both = searched(order._replace(trials=8), trials)

    assert (3, 8) == (len(first), len(both))
    assert first == both[:3]
    assert len(trials.run_with) == len({str(sorted(parameters.items())) for parameters in trials.run_with})


def test_the_same_seed_tries_the_same(order: Order, trials: Counted, tmp_path: Path) -> None:
    """So that a result can be had again."""
    other = order._replace(study=tmp_path / "other.log")

    assert searched(order, trials) == searched(other, trials)


def test_questions_that_are_held_out_choose_nothing(order: Order, trials: Counted) -> None:
    """They are asked when the search is over."""
    held_out = {question.id for question in trials.split.held_out.questions}
    seen: set[str] = set()

    def watched(order: Order, trials: Trials) -> list[Tried]:
        found = searched(order, trials)
        seen.update(held_out & set(trials.asked))  # type: ignore[attr-defined]
        return found

    outcome = tune(order, trials, watched)

    assert set() == seen
    assert held_out <= set(trials.asked)
    assert (2, 2) == (outcome.train.questions, outcome.held_out.questions)


def test_settings_that_no_trial_betters_are_kept(order: Order, trials: Counted) -> None:
    """As good is not better."""
    outcome = tune(order, trials, lambda order, trials: [Tried({"candidates": 50}, 1.0)])

    assert {} == outcome.parameters
    assert (1.0, 1.0, 0.0) == (outcome.train.as_set, outcome.train.best, outcome.held_out.difference.mean)
    assert [] == settings_lines(order, outcome)


def test_the_best_settings_can_be_copied(order: Order, trials: Counted) -> None:
    """As lines for the environment, those only that differ from what is set."""
    outcome = tune(order, trials, lambda order, trials: [Tried({"candidates": 200, "diversity": 0.30000000000000004}, 2.0), Tried({}, 0.1)])
    found = as_dict(order, outcome)

    assert ["ROXY_DIVERSITY=0.3"] == settings_lines(order, outcome) == found["settings"]
    assert ({"candidates": 200, "diversity": 0.3}, 2) == (found["best"], len(found["trials"]))
    assert {"queries", "as_set", "best", "difference", "p"} == found["held_out"].keys()


def test_trials_are_drawn_into_a_file(tmp_path: Path) -> None:
    """A picture for the measure and one for each parameter; a parameter that was idle has no point."""
    tried = [Tried({"fusion": "rrf"}, 0.5), Tried({"fusion": "weighted", "keyword_weight": 0.3}, 0.6)]
    draw(tmp_path / "new" / "trials.svg", "ndcg@10", tried, 0.55, Settings(cache_dir=tmp_path))

    assert "<svg" in (tmp_path / "new" / "trials.svg").read_text()
    with pytest.raises(InvalidInput, match="not a kind of picture"):
        require_ending(tmp_path / "trials.docx")


def test_an_outcome_of_no_trials_is_the_settings_as_they_are(order: Order, trials: Counted) -> None:
    """A search that ran out of time before its first trial."""
    outcome: Outcome = tune(order, trials, lambda order, trials: [])

    assert {} == outcome.parameters
