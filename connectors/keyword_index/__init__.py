"""Keyword index: the chunks that share words with a question. `open_keyword_index` makes the one that ROXY_KEYWORD_INDEX names."""

from __future__ import annotations

from connectors.keyword_index.base import KeywordIndex
from schemas.errors import InvalidSetting


def open_keyword_index(setting: str) -> KeywordIndex | None:
    """An empty index. None: there is none. Raises InvalidSetting."""
    if setting == "none":
        return None
    if setting != "tantivy":
        raise InvalidSetting(f"ROXY_KEYWORD_INDEX names no keyword index: {setting!r}.", remedy="Use tantivy or none.")
    from connectors.keyword_index.tantivy import TantivyIndex

    return TantivyIndex()
