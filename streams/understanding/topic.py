"""Topic: what a question is about, as the words that stand for it, and what it chooses between. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST = 7  # words; what is longer is a whole question rather than its topic
_ARTICLE = r"(?:an?|the|my|our|your)"
_PHRASE = rf"(?P<topic>(?:{_ARTICLE} )?[^\s,;:?]+(?: [^\s,;:?]+)*?)"
_TAIL = r"[?.! ]*$"
_BEHIND = r"(?: (?:in|on|at|for|since|during|by|when|and) .+)?"


def _compiled(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern + _TAIL, re.IGNORECASE) for pattern in patterns)


#: Questions about one thing, in whose place another may be put: `What is a lane?` – `And a topic?`
_DEFINING = _compiled(
    rf"^(?:what|who) (?:is|are|was|were) {_PHRASE}(?: (?:called|like|used for|good for|made of))?{_BEHIND}",
    rf"^what (?:does|do|did) {_PHRASE} (?:do|mean|stand for|contain|look like|cost|say|return|need){_BEHIND}",
    rf"^how (?:does|do|did|is|are|was|can) (?!i |we |you |one ){_PHRASE} "
    r"(?:work|works|behave|scale|differ|made|measured|stored|computed|calculated|configured|used|done|defined)(?: .+)?",
    rf"^(?:explain|describe|define|tell me about|what about|how about|and) {_PHRASE}",
    rf"^(?:what|which) [a-z]+ (?:does|do|did|has|have|can) {_PHRASE} (?:have|has|need|use|support|take|get|do|offer|know)",
)
#: Questions that name a thing beside others.
_NAMING = _compiled(
    rf"^(?:how|where|what|why|when)\b.*?\b(?:i|we|you|one|to) (?!do\b)[a-z]+(?: (?:up|down|off|on|back|out))? {_PHRASE}"
    r"(?: (?:in|on|for|with|from|to|by|without|between|when|using) .+)?",
    rf"^(?:is|are|was|were) {_PHRASE} "
    r"(?:possible|enabled|allowed|supported|available|configurable|needed|required|deprecated|safe|secure|free)(?: .+)?",
    rf"^(?:can|does|do|will|should|could) {_PHRASE} (?:be|have|support|need|use|work|keep|run|handle|lose|guarantee)\b.*?",
)
_EMPTY = re.compile(
    rf"^(?:{_ARTICLE}|it|its|they|them|that|this|these|those|there|kept|done)$|^(?:the )?(?:difference|best|default|maximum)\b", re.IGNORECASE
)
_WORD = r"[^\s,;:?!()]+"
_SIDES = (
    re.compile(rf"\bbetween (?P<sides>.+?(?:, .+?)* and .+?){_TAIL}", re.IGNORECASE),
    re.compile(rf"(?P<sides>{_WORD}(?: {_WORD})?,? (?:vs\.?|versus) {_WORD}(?: {_WORD})?)", re.IGNORECASE),
    re.compile(rf"(?P<sides>{_WORD}(?:, {_WORD})*,? or {_WORD}(?: {_WORD})?){_TAIL}", re.IGNORECASE),
)
_LISTED = re.compile(r"(?P<sides>(?:[\w.=/-]+(?: [\w.=/-]+)?)(?:, [\w.=/-]+(?: [\w.=/-]+)?)+,? (?:and|or) [\w.=/-]+(?: [\w.=/-]+)?)")
_SEPARATOR = re.compile(r",? (?:and|or|vs\.?|versus) |, ", re.IGNORECASE)


class Topic(NamedTuple):
    """What a question is about."""

    text: str
    start: int  #: where it stands in the question
    end: int
    is_all: bool  #: the question is about this alone


def topic_of(question: str) -> Topic | None:
    """The question's topic, where its form shows it."""
    for pattern in (*_DEFINING, *_NAMING):
        found = pattern.search(question)
        if found and not _EMPTY.search(found["topic"]) and len(found["topic"].split()) <= _LONGEST:
            return Topic(found["topic"], *found.span("topic"), is_all=pattern in _DEFINING)
    return None


def sides_of(question: str) -> tuple[str, ...]:
    """What a question chooses between: `acks=1 or acks=all?`."""
    found = next((match for pattern in _SIDES if (match := pattern.search(question))), None)
    return _parts(found["sides"]) if found else ()


def listed_in(answer: str) -> tuple[str, ...]:
    """What the first list in a sentence of an answer counts up."""
    found = _LISTED.search(answer)
    return _parts(found["sides"]) if found else ()


def _parts(listed: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _SEPARATOR.split(listed) if part.strip())
