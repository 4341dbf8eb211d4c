"""What is looked up in the made-up chunks: a few words of one of them, some misspelt, and a vector near that chunk's."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import numpy as np

from connectors.embedder.base import Vectors
from infra.bench.corpus import normal, text_of

WARM_UP = 50  #: questions that are not counted
_WORDS = (4, 10)  # a question's, least and most
_MISSPELT = 0.1  # of the words
_NEARNESS = 0.75  # cosine to the chunk that is meant
_ASKING = ("", "", "how does ", "what is ", "why ", "difference between ")


class Asked(NamedTuple):
    """A question, and what an embedder would have made of it."""

    text: str
    vector: Vectors


def lookups(count: int, rows: Vectors) -> list[Asked]:
    """Each meant for one of the chunks whose vectors `rows` holds. The same every time."""
    pick, directions = random.Random(5), np.random.default_rng(6)
    chosen = [pick.randrange(len(rows)) for _ in range(count)]
    noise = normal(directions.standard_normal((count, rows.shape[1])) * np.std(rows, axis=0))
    near = normal(_NEARNESS * rows[chosen] + np.sqrt(1 - _NEARNESS**2) * noise)
    return [Asked(_question(text_of(number), pick), vector) for number, vector in zip(chosen, near, strict=True)]


async def timed(ask: Callable[[Asked], Awaitable[object]], asked: Sequence[Asked]) -> list[float]:
    """Milliseconds of each question behind the warm-up, one after the other."""
    times = []
    for number, one in enumerate(asked):
        begun = time.perf_counter()
        await ask(one)
        if number >= WARM_UP:
            times.append((time.perf_counter() - begun) * 1000)
    return times


def _question(text: str, pick: random.Random) -> str:
    words = re.findall(r"\w+", text)
    length = pick.randint(*_WORDS)
    start = pick.randrange(max(1, len(words) - length))
    return pick.choice(_ASKING) + " ".join(_misspelt(word, pick) if pick.random() < _MISSPELT else word for word in words[start : start + length])


def _misspelt(word: str, pick: random.Random) -> str:
    """Two neighbouring letters in each other's place."""
    place = pick.randrange(max(1, len(word) - 1))
    return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]
