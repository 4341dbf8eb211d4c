"""Understanding: a question as it was asked to what is looked up, stage by stage. Called by streams/steps.py.

Rules and lists, no model: the same question, session and index give the same understanding, in a fraction of a millisecond. The session is
read for a question that leans on those before it, and for no other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from schemas.events import NO_FILTERS, QueryAsked, Understanding
from streams.turns import Turn
from streams.understanding.cleaning import cleaned
from streams.understanding.definitions import ACRONYM
from streams.understanding.follow_up import Whole, made_whole
from streams.understanding.intent import kind_of, shortcut_of
from streams.understanding.keywords import Keyword, keywords_of, rarest_first
from streams.understanding.leaning import leans
from streams.understanding.spelling import may_be_misspelt
from streams.understanding.vocabulary import Vocabulary

_MOST_ACRONYMS = 2  # that documents are asked about: a search each
_MOST_MISSPELT = 2  # words that are looked at: each costs a millisecond
_MOST_EXPANSIONS = 8

History = Callable[[], Awaitable[Sequence[Turn]]]


async def understand(asked: QueryAsked, *, history: History, vocabulary: Vocabulary) -> Understanding:
    """What is looked up for a question; for one with a shortcut, nothing is. Who filters wants documents, whatever it says."""
    text, shortcut = cleaned(asked.text), shortcut_of(asked.text)
    if shortcut and asked.filters == NO_FILTERS:
        return Understanding(intent=shortcut.intent, text=text)
    whole = made_whole(text, await history()) if leans(text) else Whole(text, ())
    keywords = keywords_of(whole.text, vocabulary.analyser)
    counts = await vocabulary.rarity(asked.tenant, [term for keyword in keywords for term in keyword.terms])
    return Understanding(
        intent="follow-up" if whole.follows else kind_of(text),
        text=whole.text,
        keywords=rarest_first(keywords, counts),
        expansions=await _expansions(asked.tenant, whole.text, keywords, counts, vocabulary),
        follows=whole.follows,
    )


async def _expansions(tenant: str, text: str, keywords: Sequence[Keyword], counts: Mapping[str, int], vocabulary: Vocabulary) -> tuple[str, ...]:
    """What else the keyword index is asked for, each once, and nothing that the question says itself."""
    words = [keyword.word for keyword in keywords]
    found = [
        *await _defined(tenant, text, vocabulary),
        *vocabulary.terms.meant_by(words, [term for keyword in keywords for term in keyword.terms]),
        *await _respelt(tenant, keywords, counts, vocabulary),
    ]
    own = {term for keyword in keywords for term in keyword.terms}
    new = [each for each in dict.fromkeys(found) if not own.issuperset(vocabulary.analyser.terms(each))]
    return tuple(new[:_MOST_EXPANSIONS])


async def _defined(tenant: str, text: str, vocabulary: Vocabulary) -> list[str]:
    """What the documents say that the question's acronyms stand for; in a question of capitals only, nothing is an acronym."""
    acronyms = [] if text.isupper() and " " in text else list(dict.fromkeys(ACRONYM.findall(text)))[:_MOST_ACRONYMS]
    forms = [await vocabulary.defined(tenant, acronym) for acronym in acronyms]
    return [form for form in forms if form]


async def _respelt(tenant: str, keywords: Sequence[Keyword], counts: Mapping[str, int], vocabulary: Vocabulary) -> list[str]:
    """The nearest words of the index, beside those that it does not have: what was written is looked up all the same."""
    unknown = [keyword.word for keyword in keywords if may_be_misspelt(keyword.word) and not any(counts.get(term, 1) for term in keyword.terms)]
    near = [await vocabulary.nearest(tenant, word) for word in unknown[:_MOST_MISSPELT]]
    return [word for word in near if word]
