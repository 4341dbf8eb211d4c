"""Keyword index: the chunks that share words with a question. `open_keyword_index` makes the one that ROXY_KEYWORD_INDEX names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.keyword_index.base import KeywordIndex
from schemas.errors import InvalidSetting

if TYPE_CHECKING:
    from connectors.weaviate.chunks import WeaviateChunks


def open_keyword_index(setting: str, shared: WeaviateChunks | None = None) -> KeywordIndex | None:
    """An empty index, or the view of the shared one. None: there is none. Raises InvalidSetting."""
    if setting == "none":
        return None
    if setting == "tantivy":
        from connectors.keyword_index.tantivy import TantivyIndex

        return TantivyIndex()
    if setting == "rank_bm25":
        from connectors.keyword_index.rank_bm25 import RankBm25Index

        return RankBm25Index()
    if setting == "weaviate" and shared is not None:
        from connectors.keyword_index.weaviate import WeaviateKeywordIndex

        return WeaviateKeywordIndex(shared)
    raise InvalidSetting(f"ROXY_KEYWORD_INDEX names no keyword index: {setting!r}.", remedy="Use tantivy, rank_bm25, weaviate or none.")
