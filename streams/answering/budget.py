"""Budget: a prompt that is not longer than the model may be given. Pure, but for the tokenizer's counting.

What gives way, bit by bit, until it fits: the summary's lines, the oldest first; the turns, the oldest first; whole chunks, the lowest score
first; then the end of the best chunk, sentence by sentence; then all of it. Never the question. Of these ways the first that fits is
taken, so more budget never gives less. Chunks keep their ranks, which are the numbers that the answer cites.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

import structlog

from connectors.chunker.words import as_tokens, count_words, word_starts
from connectors.language_model.base import Prompt
from connectors.language_model.prompting import Template
from connectors.language_model.prompting import template as find_template
from connectors.tokenizer import open_tokenizer
from connectors.tokenizer.base import Tokenizer
from schemas.errors import InvalidQuery, InvalidSetting
from schemas.events import AnswerCompleted, Conversation, RetrievedChunk
from schemas.settings import Settings
from streams.answering.conversation import Told
from streams.search.context import sentence_ends

Chunks = tuple[RetrievedChunk, ...]
One = TypeVar("One")

_ROUND_A_TURN = 8  # tokens that chat templates put round each turn, at most
_FAR, _FEW = 1.5, 64  # a model that reads so much more than was counted is counted wrongly

log = structlog.get_logger(__name__)


class Fitted(NamedTuple):
    """A prompt that fits, and what of the conversation is in it."""

    prompt: Prompt
    conversation: Conversation


class _Some(NamedTuple):
    """Some of the chunks, or the beginning of the best one."""

    chunks: Chunks
    end: int | None = None  #: of its text

    @property
    def cut(self) -> Chunks:
        """As they are given. Made only where it is looked at: of many places to cut few are tried."""
        return self.chunks if self.end is None else (_cut(self.chunks[0], self.end),)


class _Share(NamedTuple):
    """How much of all is given."""

    some: _Some
    turns: int  #: so many of the last ones
    lines: int


def within(prompt: Prompt, told: Told, template: Template | None, settings: Settings) -> Fitted:
    """The prompt with the conversation, shortened where it is too long in these words; without words, as it is. Raises InvalidQuery for a
    question that is too long by itself."""
    if template is None:
        return Fitted(prompt, Conversation())
    tokenizer = open_tokenizer(settings.tokenizer_file)
    chunks = _in_context(prompt.chunks, tokenizer, settings.context_tokens)

    def fits(share: _Share) -> bool:
        return _length(_given(prompt, told, share), template, tokenizer) <= settings.prompt_tokens

    share = _first(_shares(chunks, told), fits)
    if share is None:
        alone = _length(prompt._replace(chunks=()), template, tokenizer)
        raise InvalidQuery(
            f"The question alone makes a prompt of {alone} tokens; {settings.prompt_tokens} are allowed.",
            remedy="Ask in fewer words, or raise ROXY_PROMPT_TOKENS.",
        )
    given = _given(prompt, told, share)
    return Fitted(given, _conversation(given, told, share, tokenizer))


def length_of(prompt: Prompt, template: Template | None, settings: Settings) -> int:
    """Tokens of the prompt in these words; of a model that is given no text, none."""
    return _length(prompt, template, open_tokenizer(settings.tokenizer_file)) if template else 0


def require_words(settings: Settings) -> None:
    """Read what the settings name, when the worker starts. Raises InvalidSetting, MissingExtra."""
    template, tokenizer = find_template(settings.prompt, settings.prompts_dir), open_tokenizer(settings.tokenizer_file)
    empty = _length(Prompt("", ()), template, tokenizer)
    if empty >= settings.prompt_tokens:
        remedy = "Raise it, or shorten the template."
        raise InvalidSetting(f"ROXY_PROMPT_TOKENS leaves no room for a question: the template {template.name} alone has {empty}.", remedy=remedy)


def warn_of_length(event: object, settings: Settings) -> None:
    """Of a prompt that was far longer than it had been counted: ROXY_PROMPT_TOKENS does not hold what it promises."""
    if not isinstance(event, AnswerCompleted) or event.prompt is None or event.checked:  # of a checked one, both prompts are counted
        return
    counted = open_tokenizer(settings.tokenizer_file).count(event.prompt)
    if event.usage.prompt_tokens > counted * _FAR + _FEW:
        remedy = "Set ROXY_TOKENIZER_FILE."
        log.warning("prompt longer than counted", model=event.model, counted=counted, read=event.usage.prompt_tokens, remedy=remedy)


def _in_context(chunks: Chunks, tokenizer: Tokenizer, most: int) -> Chunks:
    """Of the chunks, what is context enough as this tokenizer counts. Retrieval has seen to it by an estimate."""
    lengths = {chunk.text: tokenizer.count(chunk.text) for chunk in chunks}

    def fits(some: _Some) -> bool:
        return sum(lengths.get(chunk.text) or tokenizer.count(chunk.text) for chunk in some.cut) <= most

    some = _first(chain([_Some(chunks)], _fewer(chunks)), fits)
    return some.cut if some else ()


def _shares(chunks: Chunks, told: Told) -> Iterator[_Share]:
    """From all of it to the question alone."""
    for lines in range(len(told.older), -1, -1):
        yield _Share(_Some(chunks), len(told.verbatim), lines)
    for turns in range(len(told.verbatim) - 1, -1, -1):
        yield _Share(_Some(chunks), turns, 0)
    for fewer in _fewer(chunks):
        yield _Share(fewer, 0, 0)


def _fewer(chunks: Chunks) -> Iterator[_Some]:
    """Ever less of them, down to none."""
    by_score = sorted(chunks, key=_score, reverse=True)
    for most in range(len(chunks) - 1, 0, -1):
        ranks = {chunk.rank for chunk in by_score[:most]}
        yield _Some(tuple(chunk for chunk in chunks if chunk.rank in ranks))
    for best in by_score[:1]:
        yield from (_Some((best,), end) for end in _cuts(best.text))
        yield _Some(())


def _score(chunk: RetrievedChunk) -> tuple[bool, float, int]:
    """A reranked chunk is better than one that was not looked at again."""
    again = chunk.scores.rerank
    return again is not None, chunk.scores.fused if again is None else again, -chunk.rank


def _cuts(text: str) -> list[int]:
    """Where it may be cut, the longest first: behind its sentences, and behind the words of the first."""
    ends = [end for end in sentence_ends(text) if end < len(text)]
    words = word_starts(text, 0, ends[0] if ends else len(text))
    return sorted({*ends, *words} - {0}, reverse=True)


def _cut(chunk: RetrievedChunk, end: int) -> RetrievedChunk:
    text = chunk.text[:end].rstrip()
    return chunk.model_copy(update={"text": text, "end": chunk.start + len(text), "tokens": as_tokens(count_words(text))})


def _given(prompt: Prompt, told: Told, share: _Share) -> Prompt:
    turns = tuple(turn for _, turn in _last(told.verbatim, share.turns))
    return prompt._replace(chunks=share.some.cut, turns=turns, summary="\n".join(line for _, line in _last(told.older, share.lines)))


def _conversation(prompt: Prompt, told: Told, share: _Share, tokenizer: Tokenizer) -> Conversation:
    verbatim, summarised = (tuple(query_id for query_id, _ in some) for some in (_last(told.verbatim, share.turns), _last(told.older, share.lines)))
    texts = [prompt.summary, *(text for turn in prompt.turns for text in turn)]
    return Conversation(verbatim=verbatim, summarised=summarised, tokens=sum(map(tokenizer.count, texts)))


def _last(some: Sequence[One], count: int) -> Sequence[One]:
    return some[len(some) - count :]


def _length(prompt: Prompt, template: Template, tokenizer: Tokenizer) -> int:
    return sum(tokenizer.count(turn["content"]) + _ROUND_A_TURN for turn in template.asked(prompt).turns())


def _first(ways: Iterator[One], fits: Callable[[One], bool]) -> One | None:
    """The first that fits, of ways that get shorter; looked for by halving, because counting takes a millisecond."""
    whole = next(ways)
    if fits(whole):
        return whole
    shorter = list(ways)
    place = bisect_left(shorter, True, key=fits)
    return shorter[place] if place < len(shorter) else None
