"""Attempt: one worker's go at one answer, and the events that tell how it began and ended. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors.language_model.base import Finish, LanguageModel
from connectors.tokenizer import open_tokenizer
from schemas.errors import RoxyError, Unavailable
from schemas.events import (
    AnswerCancelled,
    AnswerCompleted,
    AnswerFailed,
    ChunksRetrieved,
    Conversation,
    GenerationStarted,
    Paid,
    QueryAsked,
    RegenerationAsked,
    Route,
    TokensGenerated,
    Usage,
)
from schemas.settings import Settings
from streams.answer_so_far import AnswerSoFar
from streams.answering.brief import Brief
from streams.answering.budget import length_of
from streams.answering.cache_key import may_be_given_again
from streams.answering.citations import cited
from streams.answering.context import context_of
from streams.answering.grounding import grounding_of
from streams.answering.moderation import Verdict
from streams.answering.prices import cost_of
from streams.answering.speaker import Speaker


class Ended(NamedTuple):
    """A text that has come to its end."""

    text: str
    finish: Finish
    tokens_end: int  #: one past the index of the last TokensGenerated
    took_ms: float
    dropped_citations: int = 0
    verdict: Verdict = Verdict()  #: the moderator's on the text
    in_vain: Sequence[Paid] = ()  #: what models took that failed at it


class Attempt(NamedTuple):
    """One worker's go at one answer, by one model."""

    brief: Brief
    number: int
    speaker: Speaker

    @property
    def model(self) -> LanguageModel:
        return self.speaker.model

    @property
    def found(self) -> ChunksRetrieved:
        return self.brief.found

    @property
    def route(self) -> Route:
        """Of the answer, with whom this speaker answers for."""
        meant = self.brief.meant.model
        failed = None if self.model is meant or self.speaker.cached else meant.name
        return self.brief.route.model_copy(update={"instead_of": failed})

    def fields(self, part: str) -> dict[str, Any]:
        """What all events of the attempt hold; `part` makes the id."""
        found = self.found
        return {
            "id": f"{found.answer_id}:{part}",
            "tenant": found.tenant,
            "session_id": found.session_id,
            "query_id": found.query_id,
            "answer_id": found.answer_id,
            "attempt": self.number,
        }

    def started(self, resumes_at: int) -> GenerationStarted:
        brief = self.brief
        return GenerationStarted(
            **self.fields(f"{self.number}:started"),
            resumes_at=resumes_at,
            model=self.model.name,
            parameters=self.model.parameters,
            route=self.route,
            arms=dict(brief.arms),
            conversation=brief.conversation if self.model.converses else Conversation(),
            screened=brief.screened,
            refused=self.speaker.refused,
            cached=self.speaker.cached,
        )

    def token(self, index: int, text: str) -> TokensGenerated:
        return TokensGenerated(**self.fields(f"{self.number}:{index}"), index=index, text=text)

    def cancelled(self, cancelled_by: str, index: int, in_vain: Sequence[Paid]) -> AnswerCancelled:
        return AnswerCancelled(**self.fields("end"), cancelled_by=cancelled_by, tokens_end=index, in_vain=tuple(in_vain))

    def paid(self, written: int) -> list[Paid]:
        """What the model took for so many tokens that are not the answer: a server tells it behind its last one only."""
        if not written or self.speaker.cached or not self.speaker.by_a_model:
            return []
        settings = self.brief.settings
        usage = Usage(prompt_tokens=length_of(self.brief.prompt, self.model.template, settings), completion_tokens=written)
        return [Paid(model=self.model.name, usage=usage, cost=cost_of(self.model.name, usage, settings))]

    def whole(self, finish: Finish, before: str) -> Finish:
        """With the tokens of what was out before: of a model that goes on behind it, its server counts the rest only."""
        if not before or self.model.resumes != "prefix":
            return finish
        tokens = open_tokenizer(self.brief.settings.tokenizer_file).count(before)
        usage = finish.usage.model_copy(update={"completion_tokens": finish.usage.completion_tokens + tokens})
        return finish._replace(usage=usage)

    def completed(self, ended: Ended) -> AnswerCompleted:
        """The audit record."""
        brief, chunks = self.brief, self.brief.prompt.chunks  # that the model was given: of those found, some may have been left out
        given = {chunk.rank for chunk in chunks}
        citations = cited(ended.text, [chunk for chunk in self.found.chunks if chunk.rank in given])
        completed = AnswerCompleted(
            **self.fields("end"),
            question=self.found.question,
            asked=brief.prompt.question,
            text=ended.text,
            answered=bool(citations),
            citations=citations,
            model=self.model.name,
            parameters=self.model.parameters,
            context=context_of(brief.found, brief.prompt),
            prompt=ended.finish.prompt,
            usage=Usage() if self.speaker.cached else ended.finish.usage,
            finish_reason=ended.finish.reason,
            route=self.route,
            arms=dict(brief.arms),
            refused=self.speaker.refused,
            cached=self.speaker.cached,
            cache_key=self.speaker.cache_key,
            cost=cost_of(self.model.name, ended.finish.usage, brief.settings),
            in_vain=tuple(ended.in_vain),
            grounding=grounding_of(ended.text, chunks),
            dropped_citations=ended.dropped_citations,
            checked=ended.finish.checked,
            flagged=ended.verdict.categories,
            unmoderated=brief.unmoderated or ended.verdict.away,
            tokens_end=ended.tokens_end,
            took_ms=ended.took_ms,
        )
        return completed if may_be_given_again(completed) else completed.model_copy(update={"cache_key": None})


def paid_before(so_far: AnswerSoFar, settings: Settings) -> list[Paid]:
    """What an attempt took whose text is void now, as far as the log tells."""
    begun = so_far.begun
    if begun is None or begun.refused or begun.cached or not so_far.texts:
        return []
    usage = Usage(completion_tokens=open_tokenizer(settings.tokenizer_file).count(so_far.text))
    return [Paid(model=begun.model, usage=usage, cost=cost_of(begun.model, usage, settings))]


def answer_failed(
    asked: QueryAsked | RegenerationAsked | ChunksRetrieved, attempt: int, error: RoxyError, in_vain: Sequence[Paid] = ()
) -> AnswerFailed:
    """AnswerFailed, of the answer that was asked for, with the error's message and remedy."""
    return AnswerFailed(
        id=f"{asked.answer_id}:end",
        tenant=asked.tenant,
        session_id=asked.session_id,
        query_id=asked.query_id,
        answer_id=asked.answer_id,
        attempt=attempt,
        error=error.slug(),
        detail=error.detail,
        remedy=error.remedy,
        retryable=isinstance(error, Unavailable),
        in_vain=tuple(in_vain),
    )
