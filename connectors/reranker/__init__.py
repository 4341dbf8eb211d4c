"""Reranker: how well texts answer a question, read together with it. `open_reranker` makes the one that ROXY_RERANKER names."""

from __future__ import annotations

from importlib.util import find_spec

from connectors.reranker.base import Reranker
from schemas.errors import InvalidSetting, MissingExtra


def open_reranker(setting: str) -> Reranker | None:
    """The reranker, loaded and warm (seconds: call it in a thread). None: what was found keeps its order.

    Raises InvalidSetting, MissingExtra, ModelUnavailable.
    """
    if setting == "none":
        return None
    backend, _, model = setting.partition(":")
    if backend != "cross-encoder" or not model:
        raise InvalidSetting(f"ROXY_RERANKER names no reranker: {setting!r}.", remedy="Use none, or cross-encoder:<model>.")
    if find_spec("sentence_transformers") is None:
        raise MissingExtra("ROXY_RERANKER asks for sentence-transformers, which is not installed.", remedy="Install the extra `embeddings` of roxy.")
    from connectors.reranker.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker(model)
