"""Vectors as they lie in ChunkIndexed: base64 of little-endian float16. Half the size of float32; a cosine changes by less than 0.001."""

from __future__ import annotations

import base64

import numpy as np

from connectors.embedder.base import Vectors


def vector_to_text(row: Vectors) -> str:
    """One row, shape (dims,)."""
    return base64.b64encode(row.astype("<f2").tobytes()).decode()


def vector_from_text(text: str) -> Vectors:
    """The row again, float32. Raises ValueError for what is no such text."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f2").astype(np.float32)
