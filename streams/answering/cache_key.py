"""Cache key: all that an answer depends on, as two hashes; and which answers may be given again at all. Pure.

Called by streams/answering/brief.py before a model is asked, and by streams/answering/attempt.py when it has answered. Guarantee: two prompts
with the same `question` are the same to a model, but for the case and the spacing of the question; so the citations' numbers are the same too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import orjson

from connectors.language_model.base import LanguageModel, Prompt
from schemas.events import AnswerCompleted, CacheKey, ChunksRetrieved, RetrievedChunk
from schemas.settings import Settings

#: Settings that shape an answer and stand neither in the model's parameters nor in the plan.
_SHAPING = ("screening", "self_check", "moderator", "refuse_below")


def key_of(found: ChunksRetrieved, prompt: Prompt, model: LanguageModel, settings: Settings, arms: Mapping[str, str]) -> CacheKey | None:
    """What the answer depends on; None: it is not to be given again.

    Not of a model that answers as fast as it is found, nor from a search that lacked a part: it may have missed what the next one finds.
    """
    if not settings.answer_cache or not model.worth_keeping or found.degraded:
        return None
    around = _around(found, prompt, model, settings, arms)
    return CacheKey(question=_hash(around, folded(prompt.question), _read(prompt.chunks)), around=around)


def may_be_given_again(answer: AnswerCompleted) -> bool:
    """Not what was cut off, nor what a moderator has found something in, or has not looked at: the next one may be spared it."""
    return answer.finish_reason == "stop" and not answer.flagged and not answer.unmoderated


def folded(question: str) -> str:
    """In one case, with single blanks."""
    return " ".join(question.casefold().split())


def _around(found: ChunksRetrieved, prompt: Prompt, model: LanguageModel, settings: Settings, arms: Mapping[str, str]) -> str:
    """All but the question. Arms of experiments are kept apart: an answer of one that was given in the other would blur what is compared."""
    offsets = {partition: offset for partition, offset in found.index.offsets.items() if offset}
    return _hash(
        found.tenant,
        [found.index.index, found.index.generation, offsets],
        [found.plan, found.votes.digest if found.votes else None],
        found.filters.model_dump(),
        [model.name, model.parameters],
        [prompt.summary, *map(list, prompt.turns)],
        dict(arms),
        {name: getattr(settings, name) for name in _SHAPING},
    )


def _read(chunks: Sequence[RetrievedChunk]) -> list[tuple[int, str, str]]:
    """What the model is given to read. At one position of a shared index, and by an approximate search, it is not always the same."""
    return [(chunk.rank, chunk.chunk_id, chunk.text) for chunk in chunks]


def _hash(*parts: object) -> str:
    return blake2b(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
