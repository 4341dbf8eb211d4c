"""Embedder: texts to vectors. `open_embedder` makes the one that ROXY_EMBEDDER names."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from connectors.embedder.base import Embedder
from schemas.errors import InvalidSetting, MissingExtra

DEFAULT_MODEL = "all-MiniLM-L6-v2"


def open_embedder(setting: str, cache: Path | None = None) -> Embedder | None:
    """The embedder, loaded and warm (seconds: call it in a thread). None: there are no vectors, keywords only.

    `cache`: the folder where vectors are kept for ever; None: they are not. Raises InvalidSetting, MissingExtra, ModelUnavailable.
    """
    backend, _, model = setting.partition(":")
    installed = find_spec("sentence_transformers") is not None
    if setting == "none" or (setting == "auto" and not installed):
        return None
    if backend not in ("auto", "sentence-transformers"):
        raise InvalidSetting(f"ROXY_EMBEDDER names no embedder: {setting!r}.", remedy="Use auto, none, or sentence-transformers:<model>.")
    if not installed:
        raise MissingExtra("ROXY_EMBEDDER asks for sentence-transformers, which is not installed.", remedy="Install the extra `embeddings` of roxy.")
    from connectors.embedder.batched import BatchedEmbedder
    from connectors.embedder.sentence_transformers import SentenceTransformersEmbedder

    backed = SentenceTransformersEmbedder(model or DEFAULT_MODEL)
    return _cached(BatchedEmbedder(backed, lanes=backed.lanes), cache)


def _cached(embedder: Embedder, folder: Path | None) -> Embedder:
    if folder is None:
        return embedder
    from connectors.embedder.cached import FILE, CachedEmbedder

    return CachedEmbedder(embedder, folder / FILE)
