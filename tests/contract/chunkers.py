"""The chunkers as the contract suites see them: with small limits, and a log to cut."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from connectors.chunker import open_chunker
from connectors.chunker.base import Piece
from schemas.settings import Settings
from tests.unit.streams.corpus import WordEmbedder

Cut = Callable[[str], Awaitable[list[Piece]]]

LIMIT, MINIMUM = 60, 15
JAVA = """2026-01-31 10:00:00,001 INFO Started in 3 s
2026-01-31 10:00:01,002 ERROR Request failed
java.lang.IllegalStateException: no leader
\tat org.example.Broker.leader(Broker.java:42)
\tat org.example.Broker.main(Broker.java:7)
Caused by: java.io.IOException: gone
\t... 2 more
2026-01-31 10:00:02,003 INFO Retried"""


def small(name: str) -> Cut:
    """The backend, with small limits; each text is Markdown."""
    chunker = open_chunker(Settings(chunker=name, chunk_tokens=LIMIT, chunk_overlap=12, chunk_min_tokens=MINIMUM), WordEmbedder())
    return lambda text: chunker.cut(text, "text/markdown")
