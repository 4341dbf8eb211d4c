"""How a record holds a document's bytes. Called by whoever writes DocumentSubmitted: the API and the command line.

Guarantees that a document within ROXY_MAX_DOCUMENT_BYTES is within the limit of its topic's records (`schemas/topics.py: max_record_bytes`).
"""

from __future__ import annotations

import base64
from typing import Literal

import orjson


def as_content(content: bytes) -> tuple[Literal["utf-8", "base64"], str]:
    """Encoding and text. Text whose JSON would be larger than base64 goes as base64: that is what a record's limit allows for."""
    if is_utf8(content):
        text = content.decode()
        if len(orjson.dumps(text)) <= len(content) * 4 // 3 + 4:
            return "utf-8", text
    return "base64", base64.b64encode(content).decode()


def is_utf8(content: bytes) -> bool:
    """Whether the bytes are text."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
