"""Moderator: what in a text must not be said or asked here.

Guarantees (tests/contract/test_moderator.py): a text in which nothing is found has no categories; the same text has the same ones every time, if
the moderator is one of ours; a call ends within ROXY_MODERATOR_TIMEOUT_S and, when it is cancelled, so does its request; every fault is
ModeratorUnavailable.
"""

from __future__ import annotations

from typing import Protocol


class Moderator(Protocol):
    """Looks at questions and answers."""

    name: str

    async def categories(self, text: str) -> tuple[str, ...]:
        """Of what was found, each once, by the alphabet; none: let it pass. Raises ModeratorUnavailable."""
        ...
