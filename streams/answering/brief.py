"""Brief: all that an answer is made with, decided before its first token and told in GenerationStarted."""

from __future__ import annotations

from typing import NamedTuple

from connectors.language_model.base import LanguageModel, Prompt
from connectors.language_model.canned import CannedModel
from connectors.language_model.extractive import NO_ANSWER
from schemas.events import SHORTCUTS, CachedAnswer, CacheKey, ChunksRetrieved, Conversation, Refused, Route, Screened
from schemas.settings import Settings
from streams.answering.answer_cache import AnswerCache, key_of
from streams.answering.budget import within
from streams.answering.conversation import Conversations
from streams.answering.in_force import InForce
from streams.answering.refusal import DECLINED, refusal_of
from streams.answering.routing import routed
from streams.answering.screening import screened
from streams.answering.speakers import Speakers
from streams.understanding.intent import shortcut_of


class Brief(NamedTuple):
    """What is asked of whom."""

    found: ChunksRetrieved
    prompt: Prompt
    speakers: tuple[LanguageModel, ...]  #: who answers; the next one if one before fails
    settings: Settings  #: as they hold for this session
    route: Route = Route()
    conversation: Conversation = Conversation()
    screened: tuple[Screened, ...] = ()
    refused: Refused | None = None
    cached: CachedAnswer | None = None
    cache_key: CacheKey | None = None


async def brief_of(found: ChunksRetrieved, in_force: InForce, *, speakers: Speakers, conversations: Conversations, answers: AnswerCache) -> Brief:
    """Decide. What needs no model is said by the platform itself: courtesies, refusals, answers that were given before."""
    settings, question = in_force.settings, Prompt(found.understanding.text, found.chunks)
    shortcut = shortcut_of(found.question) if found.understanding.intent in SHORTCUTS else None
    if shortcut is not None:
        return Brief(found, question, (CannedModel(shortcut.answer),), settings)
    route = routed(found, settings)
    if (refused := await refusal_of(found, route, settings)) is not None:
        text = DECLINED if refused == "moderation" else NO_ANSWER
        return Brief(found, question, (CannedModel(text),), settings, route, refused=refused)
    chain = speakers.chain(route, settings, found.tenant)
    told = await conversations.before(found, settings) if chain[0].converses else None
    prompt, removed = screened(question, settings)
    if told is not None:
        prompt = prompt._replace(turns=told.turns, summary=told.summary)
    prompt = within(prompt, settings)
    brief = Brief(found, prompt, chain, settings, route, told.conversation if told else Conversation(), removed)
    return await _or_given_before(brief, answers)


async def _or_given_before(brief: Brief, answers: AnswerCache) -> Brief:
    """The same with an answer that was given before, if there is one."""
    key = key_of(brief.found, brief.prompt, brief.speakers[0], brief.settings)
    hit = await answers.get(brief.found, key, brief.settings) if key is not None else None
    if hit is None:
        return brief._replace(cache_key=key)
    return brief._replace(speakers=(CannedModel(hit.text), *brief.speakers), cached=hit.cached, cache_key=key)
