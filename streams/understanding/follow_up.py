"""Follow-ups: a question that leans on those before it, made whole with what they were about. Pure: the same turns give the same text.

Only the last turn is used, because it was made whole itself. What was found for it helps where its words do not say what is meant:
`the second one` of a list in its answer, or of its citations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from streams.turns import Turn
from streams.understanding.leaning import first_pronoun
from streams.understanding.topic import listed_in, sides_of, topic_of

_LONGEST = 400  # characters that a turn before adds
_SIGN = "?!. "
_OPENING = re.compile(
    r"^(?:(?:and|but|so|then|or|also|ok(?:ay)?|yes|no|right)\b[,. ]*)*(?:(?:what|how) about|same (?:question|thing|for)(?: for| with| about)?)?[, ]*",
    re.I,
)
_ASKS = re.compile(r"^(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|does|do|did|can|could|should|will|would|has|have|must)\b", re.I)
_ORDINAL = re.compile(
    r"\b(?:the|that|this) (first|second|third|fourth|last|former|latter)(?: one| two| option)?"
    r"(?=$|[?.!,]| (?:do|does|is|are|mean|work|cost|in|for)\b)|\bthe (first|second|third|fourth|last) ones?\b",
    re.IGNORECASE,
)
_OWNS = re.compile(r"(?:its|their|his|her(?= \w))\b", re.IGNORECASE)
_PLACES = {"first": 0, "former": 0, "second": 1, "latter": 1, "third": 2, "fourth": 3, "last": -1}
_AT_TIME = re.compile(r"\b(in|on|at|for|since|until|during|from|by|with|without|as of|above|below|over|under) ([^\s,?!.]+)", re.IGNORECASE)
_LIMITS = {"above", "below", "over", "under"}
_ALONE = re.compile(r"^(?:why|why not|how|how so|how come|why so|really|when|where|who)$", re.IGNORECASE)
_MORE = re.compile(r"\b(?:more|further|another|else|other|examples?|elaborate|go on|continue|carry on|details?)\b", re.IGNORECASE)


class Whole(NamedTuple):
    """A question that leans on nothing any more."""

    text: str
    follows: tuple[str, ...]  #: query ids of the turns that it was made whole with


def made_whole(text: str, turns: Sequence[Turn]) -> Whole:
    """The question with what it leaves out. Without a turn before, as it is."""
    last = next((turn for turn in reversed(turns) if turn.text), None)
    if last is None:
        return Whole(text, ())
    before = last.text[:_LONGEST].rstrip(_SIGN)
    made = _chosen(text, last) or _carried_on(text, before) or _in_place(text, before) or _named(text, before) or _beside(text, before)
    return Whole(made, (last.query_id,))


def _chosen(text: str, last: Turn) -> str | None:
    """`the second one`: of the sides of the question before, of a list in its answer, or of what the answer cites."""
    ordinal = _ORDINAL.search(text)
    if ordinal is None:
        return None
    cited = tuple(" ".join(dict.fromkeys((citation.title, *citation.heading_path[-1:]))) for citation in last.citations)
    place = _PLACES[(ordinal[1] or ordinal[2]).lower()]
    for choices in (sides_of(last.text), listed_in(last.answer), cited):
        if -len(choices) <= place < len(choices):
            named = f"{text[: ordinal.start()]}{choices[place]}{text[ordinal.end() :]}"
            bare = _OPENING.sub("", named)
            return named if _ASKS.match(bare) else _beside(choices[place], last.text.rstrip(_SIGN))
    return None


def _carried_on(text: str, before: str) -> str | None:
    """`why?`, `tell me more`: the question before, with what is wanted of it."""
    bare = _OPENING.sub("", text).rstrip(_SIGN)
    if _ALONE.fullmatch(bare):
        return f"{before}?" if before.lower().startswith(f"{bare.lower()} ") else f"{bare}: {before}?"
    return f"{before}? ({bare})" if _MORE.search(bare) and not _ASKS.match(bare) else None


def _in_place(text: str, before: str) -> str | None:
    """`and in 2023?`, `what about topics?`: the question before, with this in the place of what it was about."""
    bare = _OPENING.sub("", text).rstrip(_SIGN)
    if not bare or _ASKS.match(bare) or first_pronoun(bare) is not None:
        return None
    when = _AT_TIME.match(bare)
    there = next((found for found in _AT_TIME.finditer(before) if when and _alike(found, when)), None)
    if there is not None:
        return f"{before[: there.start()]}{bare}{before[there.end() :]}?"
    topic = None if when else topic_of(before)
    return f"{before[: topic.start]}{bare}{before[topic.end :]}?" if topic and topic.is_all else f"{before} {bare}?"


def _named(text: str, before: str) -> str | None:
    """`how do I change it?`: the topic in the pronoun's place."""
    pronoun, topic = first_pronoun(text), topic_of(before)
    if pronoun is None or topic is None:
        return None
    own = "'s" if _OWNS.match(text, pronoun.start()) else ""
    return _OPENING.sub("", f"{text[: pronoun.start()]}{topic.text}{own}{text[pronoun.end() :]}") or None


def _beside(text: str, before: str) -> str:
    """Where nothing shows what is meant, the question before stands beside this one: its words are looked up too."""
    return f"{_OPENING.sub('', text) or text} ({before})"


def _alike(found: re.Match[str], wanted: re.Match[str]) -> bool:
    """Both behind the same word, or one that is as good, and both numbers, or neither."""
    words = {found[1].lower(), wanted[1].lower()}
    return (len(words) == 1 or words <= _LIMITS) and found[2].isdigit() == wanted[2].isdigit()
