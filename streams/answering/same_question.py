"""Same question: whether two that lie near to each other may mean the same. Pure.

Vectors do not see what turns a question round: all-MiniLM-L6-v2 has 0.99 for "from Celsius to Fahrenheit" and "from Fahrenheit to Celsius",
0.97 for "on by default" and "off by default" (docs/adr/0019-answers-given-again.md). So two questions may differ only in words that ask and in
the endings of the others: numbers, names, negations, and who does what to whom, are then the same.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from connectors.keyword_index.terms import Analyser

_WORD = re.compile(r"(?<!\w)-?\d[\w.,:/]*\w|[^\W_](?:[\w.+#/:=@'’]*[\w+#])?|!?[<>=≤≥≠%$€£]+|-\d")
_TO = re.compile(r"\b(how|way|possible) to\b", re.IGNORECASE)  # this "to" says nothing of where to
_OWNER = re.compile(r"['’]s?$")
#: What is asked for. A question without any of these asks for a yes or a no.
_WANTED = {"what": "what", "which": "what", "how": "how", "why": "why", "where": "where", "who": "who", "whom": "who", "whose": "whose"}
#: Words that only ask. What is not here counts: "not", "without", "before", "off", "only", "did", "should".
_ASKING = frozenset(
    re.findall(
        r"\w+",
        """
a an the this these it its there i you we one do does is are be been being am can could would please possible explain mean means meant way of
for s
""",
    )
)
_PLACES = frozenset({"to", "in", "on", "at", "by", "with", "from", "into", "than", "as", "per"})  #: these may stand elsewhere, but not be others
_ALIKE = {"if": "when", "used": "use", "uses": "use", "using": "use", "isn't": "not", "aren't": "not", "don't": "not", "doesn't": "not"}


class Sense(NamedTuple):
    """What of a question's wording may not differ."""

    wanted: tuple[str, ...]  #: what is asked for
    places: tuple[str, ...]  #: what its words stand to each other in
    said: tuple[frozenset[str], ...]  #: its other words, without their endings, in order


def may_mean_the_same(one: str, other: str) -> bool:
    """Whether they differ in nothing but words that ask."""
    first, second = sense_of(one), sense_of(other)
    return first[:2] == second[:2] and second.said in _orders(first)


def _orders(sense: Sense) -> tuple[tuple[frozenset[str], ...], ...]:
    """Asked how, the passive voice moves the verb to the other end. Asked what or who, that would turn round who does it to whom."""
    said = sense.said
    return (said, said[1:] + said[:1], said[-1:] + said[:-1]) if sense.wanted == ("how",) else (said,)


@lru_cache(maxsize=4_096)
def sense_of(question: str) -> Sense:
    words = [_ALIKE.get(word, word) for word in map(_plain, _WORD.findall(_TO.sub(r"\1", question)))]
    told = [word for word in words if word not in _ASKING and word not in _WANTED and word not in _PLACES]
    terms = [term if term and word.isalpha() else frozenset({word}) for word, term in zip(told, Analyser().terms_of_each(told), strict=True)]
    wanted = {_WANTED[word] for word in words if word in _WANTED}
    return Sense(tuple(sorted(wanted)), tuple(sorted(word for word in words if word in _PLACES)), tuple(terms))


def _plain(word: str) -> str:
    """In lower case, but for a name in capitals: IT is not it, from A to B not from a to b."""
    bare = _OWNER.sub("", word.replace("’", "'"))
    return bare if bare.isupper() and bare != "I" else bare.casefold()
