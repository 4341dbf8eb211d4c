"""Brief: all that an answer is made with, decided before its first token and told in GenerationStarted."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from connectors.language_model.base import Prompt
from connectors.language_model.extractive import NO_ANSWER
from schemas.errors import InvalidQuery
from schemas.events import SHORTCUTS, ChunksRetrieved, Conversation, Route, Screened
from schemas.settings import Settings
from streams.answering.answer_cache import AnswerCache
from streams.answering.budget import Fitted, within
from streams.answering.cache_key import key_of
from streams.answering.conversation import Conversations, Told
from streams.answering.in_force import InForce
from streams.answering.moderation import NOBODY, Moderation
from streams.answering.refusal import DECLINED, refusal_of
from streams.answering.routing import routed
from streams.answering.screening import screened
from streams.answering.self_check import checked
from streams.answering.speaker import Speaker, saying
from streams.answering.speakers import Speakers
from streams.understanding.intent import shortcut_of


class Brief(NamedTuple):
    """What is asked of whom."""

    found: ChunksRetrieved
    prompt: Prompt
    speakers: tuple[Speaker, ...]  #: who answers; the next one if one before fails
    settings: Settings  #: as they hold for this session
    route: Route = Route()
    conversation: Conversation = Conversation()
    screened: tuple[Screened, ...] = ()
    arms: Mapping[str, str] = MappingProxyType({})  #: of experiments, that made the settings so
    unmoderated: bool = False  #: the moderator was away when the question came

    @property
    def meant(self) -> Speaker:
        """Who answers if nobody fails and nothing was said before."""
        return next(speaker for speaker in self.speakers if speaker.cached is None)


async def brief_of(
    found: ChunksRetrieved,
    in_force: InForce,
    *,
    speakers: Speakers,
    conversations: Conversations,
    answers: AnswerCache,
    moderation: Moderation = NOBODY,
    anew: bool = False,
) -> Brief:
    """Decide. What needs no model is said by the platform itself: courtesies, refusals, answers that were given before; these not if it is `anew`.

    Raises ModeratorUnavailable if nothing may be answered without the moderator.
    """
    settings, question = in_force.settings, Prompt(found.understanding.text, found.chunks)
    shortcut = shortcut_of(found.question) if found.understanding.intent in SHORTCUTS else None
    if shortcut is not None:
        return Brief(found, question, (saying(shortcut.answer),), settings, arms=in_force.arms)
    route = routed(found, settings)
    chain = checked(speakers.chain(route, settings), settings)
    verdict = await moderation.of_question(found.question)
    if (refused := refusal_of(found, route, settings, verdict, chain[0].model)) is not None:
        text = DECLINED if refused == "moderation" else NO_ANSWER
        said = (saying(text, refused=refused),)
        return Brief(found, question, said, settings, route, arms=in_force.arms, unmoderated=verdict.away)
    told = await conversations.before(found, settings) if any(speaker.model.converses for speaker in chain) else Told()
    prompt, removed = screened(question, settings)
    fitted, chain = _fitted(prompt, told, chain, settings)
    brief = Brief(found, fitted.prompt, chain, settings, route, fitted.conversation, removed, in_force.arms, verdict.away)
    return await _or_given_before(brief, answers, anew=anew)


def _fitted(prompt: Prompt, told: Told, chain: tuple[Speaker, ...], settings: Settings) -> tuple[Fitted, tuple[Speaker, ...]]:
    """The prompt by the words of those who are asked in words, and who can be asked. A question that is too long for those alone who would
    answer if others failed is no fault. Raises InvalidQuery."""
    try:
        return within(prompt, told, next((speaker.model.template for speaker in chain if speaker.model.template), None), settings), chain
    except InvalidQuery:
        if chain[0].model.template is not None:
            raise
        return within(prompt, told, None, settings), tuple(speaker for speaker in chain if speaker.model.template is None)


async def _or_given_before(brief: Brief, answers: AnswerCache, *, anew: bool) -> Brief:
    """The same with an answer that was given before, if there is one. A sibling is to be another one, and is nobody else's."""
    if brief.found.sibling is not None:
        return brief
    first, *others = brief.speakers
    key = key_of(brief.found, brief.prompt, first.model, brief.settings, brief.arms)
    if key is None:
        return brief
    hit = None if anew else await answers.get(key, brief.prompt, brief.settings)
    before = () if hit is None else (saying(hit.text, cached=hit.cached),)
    return brief._replace(speakers=(*before, first._replace(cache_key=key), *others))
