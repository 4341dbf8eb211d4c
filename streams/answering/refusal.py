"""Refusal: why a question is not given to a model at all. Pure.

Refused for confidence is what the chunks found very likely do not answer: that saves the model's time, and the reader a guess. The extractive
model judges for itself, more strictly, since it has only the chunks' sentences; a model that writes finds an answer in other words than
the question's, so only what is far off is refused (docs/adr/0020-what-guards-an-answer.md has the figures). A question that leans on the
session is left to a model that is told of the session: the answer may stand there.
"""

from __future__ import annotations

from prometheus_client import Counter

from connectors.language_model.base import LanguageModel
from schemas.events import ChunksRetrieved, Refused, Route
from schemas.settings import Settings
from streams.answering.moderation import Verdict

DECLINED = "This question cannot be answered here."

_REFUSED = Counter("roxy_refused", "Questions that no model was asked, by reason.", ["reason"])


def refusal_of(found: ChunksRetrieved, route: Route, settings: Settings, verdict: Verdict, model: LanguageModel) -> Refused | None:
    """The reason; None: ask. `verdict`: the moderator's on the question; `model`: the one that would be asked."""
    reason = _reason(found, route, settings, verdict, model)
    if reason is not None:
        _REFUSED.labels(reason).inc()
    return reason


def _reason(found: ChunksRetrieved, route: Route, settings: Settings, verdict: Verdict, model: LanguageModel) -> Refused | None:
    if verdict.categories:
        return "moderation"
    if not settings.refusals or route.confidence is None or model.name == "extractive":
        return None
    leans = bool(found.understanding.follows) or found.understanding.intent == "follow-up"
    return "confidence" if route.confidence < settings.refuse_below and not (leans and model.converses) else None
