"""Split: the questions that settings are chosen by, and those that the choice is judged by. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from infra.evaluation.dataset import Dataset, Question
from schemas.errors import InvalidDataset

_LEAST = 4  # questions


class Split(NamedTuple):
    """Two halves."""

    train: Dataset
    held_out: Dataset


def split(dataset: Dataset, seed: int) -> Split:
    """The same halves for the same seed, whatever order the questions stand in. Raises InvalidDataset."""
    if len(dataset.questions) < _LEAST:
        raise InvalidDataset(f"{dataset.name} has {len(dataset.questions)} judged questions.", remedy=f"It takes {_LEAST} to hold half of them out.")
    shuffled = sorted(dataset.questions, key=lambda question: blake2b(f"{seed}\0{question.id}".encode(), digest_size=8).digest())
    half = -(-len(shuffled) // 2)
    return Split(_only(dataset, shuffled[:half]), _only(dataset, shuffled[half:]))


def _only(dataset: Dataset, questions: Sequence[Question]) -> Dataset:
    kept = tuple(sorted(questions))
    return dataset._replace(questions=kept, judgements={question.id: dataset.judgements[question.id] for question in kept})
