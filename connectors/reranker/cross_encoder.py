"""Reranker by a cross-encoder of sentence-transformers: question and text go through the model together, so each text costs a run of it.

One thread computes, with half of the cores, as the embedder's lanes do; questions wait in line. A call that is cancelled, because it took
too long say, is taken out of the line, or stops before its next batch.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from sentence_transformers import CrossEncoder

from schemas.errors import ModelUnavailable

_BATCH = 8  # texts computed at once: between batches it is asked whether anybody still waits


class CrossEncoderReranker:
    """Any cross-encoder with one label that sentence-transformers loads by name, path or hub id."""

    def __init__(self, model: str) -> None:
        self.name = f"cross-encoder:{model}"
        self._model = _load(model)
        threads = max(1, (os.cpu_count() or 1) // 2)
        self._line = ThreadPoolExecutor(1, "rerank", torch.set_num_threads, (threads,))
        self._scores("warm up", ["the first call compiles and allocates"], threading.Event())

    async def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """One number a text. Raises ModelUnavailable."""
        abandoned = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._line, self._scores, question, texts, abandoned)
        except RuntimeError as error:
            raise ModelUnavailable(f"The reranking model {self.name} failed: {error}.") from error
        finally:
            abandoned.set()  # asyncio takes a call out of the line when its waiter is cancelled, but cannot stop one that has begun

    def _scores(self, question: str, texts: Sequence[str], abandoned: threading.Event) -> list[float]:
        by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # alike lengths together: less padding
        scores = [0.0] * len(texts)
        for start in range(0, len(texts), _BATCH):
            if abandoned.is_set():
                break
            places = by_length[start : start + _BATCH]
            for place, score in zip(places, self._forward([(question, texts[place]) for place in places]), strict=True):
                scores[place] = score
        return scores

    def _forward(self, pairs: list[tuple[str, str]]) -> list[float]:
        return [float(score) for score in self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False)]


def _load(model: str) -> CrossEncoder:
    try:
        loaded: CrossEncoder = CrossEncoder(model, device="cpu")
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelUnavailable(
            f"The reranking model {model!r} could not be loaded: {str(error).splitlines()[0]}",
            remedy="Check its name in ROXY_RERANKER, or download it once with a network.",
        ) from error
    if loaded.num_labels != 1:
        raise ModelUnavailable(
            f"The model {model!r} has {loaded.num_labels} labels; a reranker has one.", remedy="Name a cross-encoder for passages in ROXY_RERANKER."
        )
    return loaded
