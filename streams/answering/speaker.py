"""Speaker: who may answer, and what is to be told of the answer if it comes from there."""

from __future__ import annotations

from typing import NamedTuple

from connectors.language_model.base import LanguageModel
from connectors.language_model.canned import CannedModel
from schemas.events import CachedAnswer, CacheKey, Refused
from streams.answering.fair_slots import ENDLESS, FairSlots


class Speaker(NamedTuple):
    """A model and its slots, or the platform itself."""

    model: LanguageModel
    slots: FairSlots = ENDLESS
    refused: Refused | None = None  #: why no model is asked
    cached: CachedAnswer | None = None  #: whose words these were
    cache_key: CacheKey | None = None  #: under which the answer may be given again

    @property
    def by_a_model(self) -> bool:
        """Now: not in words of the platform's own, nor in those of an answer that was given before."""
        return not isinstance(self.model, CannedModel)


def saying(text: str, *, refused: Refused | None = None, cached: CachedAnswer | None = None) -> Speaker:
    """The platform itself: a courtesy, a refusal, an answer that was given before."""
    return Speaker(CannedModel(text), refused=refused, cached=cached)
