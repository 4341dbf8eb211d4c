"""Embedder: texts to vectors.

Guarantees (tests/contract/test_embedder.py): one row per text, in order, each of length 1 (so that a dot product is the cosine);
the same text gives the same row whatever it is batched with, up to rounding; the end of a long text is not silently missing;
a question does not wait behind other texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Texts to vectors. `name` is kept with every vector: vectors of different names are never compared."""

    name: str
    dims: int

    async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
        """float32, shape (texts, dims). `question`: somebody waits, so it goes past what is taken in meanwhile.

        Cancelled, it computes no further: others wait for the model. Raises ModelUnavailable.
        """
        ...

    async def known(self, texts: Sequence[str]) -> Sequence[bool]:
        """Which of the texts `embed` need not compute, because their vectors are kept."""
        ...
