"""Moderation: what becomes of a question, and of an answer, that the moderator looks at.

A question is looked at before anything is asked of a model; an answer at its end, when it has been streamed already, because one that is held
back until it is whole is no stream: what was found is told in AnswerCompleted, and such an answer is given to nobody again. While the
moderator is away, questions go on without it and the audit record says so, unless ROXY_MODERATION_REQUIRED says that they must not.
"""

from __future__ import annotations

import asyncio
from typing import Literal, NamedTuple, Self

import structlog
from prometheus_client import Counter

from connectors.moderator import open_moderator
from connectors.moderator.base import Moderator
from schemas.errors import ModeratorUnavailable
from schemas.settings import Settings
from streams.breaker import Breaker

Part = Literal["question", "answer"]

_LOOKED_AT = Counter("roxy_moderated", "Texts that a moderator was asked about, by outcome.", ["part", "outcome"])
_CHANGES = Counter("roxy_moderator_breaker_changes", "Changes of the state of the moderator's breaker.", ["model", "state"])

log = structlog.get_logger(__name__)


class Verdict(NamedTuple):
    """What the moderator says of a text."""

    categories: tuple[str, ...] = ()
    away: bool = False


class Moderation:
    """A moderator, if there is one, behind a breaker: one that is away costs no time."""

    def __init__(
        self, moderator: Moderator | None = None, *, timeout_s: float = 3.0, required: bool = False, failures: int = 3, reset_s: float = 5.0
    ) -> None:
        self._moderator, self._timeout_s, self._required = moderator, timeout_s, required
        self._breaker = Breaker("moderator", "The moderator", failures=failures, reset_s=reset_s, refusal=ModeratorUnavailable, changes=_CHANGES)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The one that the settings name. Raises InvalidSetting, MissingExtra."""
        return cls(
            open_moderator(settings),
            timeout_s=settings.moderator_timeout_s,
            required=settings.moderation_required,
            failures=settings.breaker_failures,
            reset_s=settings.breaker_reset_s,
        )

    async def of_question(self, text: str) -> Verdict:
        """Raises ModeratorUnavailable if nothing may be answered without it."""
        return await self._verdict(text, "question", required=self._required)

    async def of_answer(self, text: str) -> Verdict:
        """Of an answer that is out: there is nothing left to keep back."""
        return await self._verdict(text, "answer", required=False)

    async def _verdict(self, text: str, part: Part, *, required: bool) -> Verdict:
        if self._moderator is None:
            return Verdict()
        try:
            async with self._breaker.call(), asyncio.timeout(self._timeout_s):
                categories = await self._moderator.categories(text)
        except (ModeratorUnavailable, TimeoutError) as error:
            _LOOKED_AT.labels(part, "away").inc()
            log.warning("not moderated", part=part, error=str(error))
            if required:
                raise error if isinstance(error, ModeratorUnavailable) else ModeratorUnavailable() from error
            return Verdict(away=True)
        _LOOKED_AT.labels(part, "flagged" if categories else "passed").inc()
        return Verdict(categories)


NOBODY = Moderation()  #: looks at nothing: all passes
