"""Leaning: whether a question can be understood only with those before it. Pure; asked of every question, so that only these read the session."""

from __future__ import annotations

import re

from streams.understanding.intent import empty_words, goes_on, pronouns, without_empty_pronouns, words_of

_DETERMINED = re.compile(r"\b(?:a|an|the|my|our|your|each|every|one|two|three) \w+")
_NAME = re.compile(r"[A-Z\d]|\w[^\w'’]\w")
_SUBJECT = re.compile(r"\b(?:is|are|was|were|does|do|did|can|will|has|have) (\w+)")
_CONDITION = re.compile(r"\b(?:when|if|while|after|before|once) (?:a|an|the|my|one)\b")  # `what happens to its data when a broker dies`
_ASKED_OF = re.compile(
    r"^(?:(?:in|to|for|from|at|on|by|with) )?(?:which|what|how many|how much) \w+ (?:is|are|was|were|does|do|did|can|will|has|have) $"
)
_FEW = 2  # words that name something: `are those values configurable`
_DEMONSTRATIVES = frozenset({"this", "that", "these", "those"})


def leans(text: str) -> bool:
    """Whether a cleaned question leans on the ones before. If in doubt it does not: reading the session costs milliseconds, and a
    question that is whole already would be led astray."""
    return goes_on(text) or first_pronoun(text) is not None or _says_little(text)


def first_pronoun(text: str) -> re.Match[str] | None:
    """The first word, in the text as it is, that stands for something outside this question."""
    words = words_of(text)
    if pronouns().search(words) is None:
        return None
    words = without_empty_pronouns(words)
    found = pronouns().search(words)
    if found is None or not _names_nothing(words[: found.start()], text):
        return None
    return re.search(rf"\b{found[0]}\b", text, re.IGNORECASE)


def _names_nothing(before: str, text: str) -> bool:
    """Whether nothing before the pronoun can be what it stands for: at most one word that names something, and that one a verb."""
    if _ASKED_OF.match(before):  # `which topic does it go to`
        return True
    naming = [word for word in before.split() if word not in empty_words()]
    names = [word for word in text.split() if _NAME.search(word.strip(".,;:?!")) and words_of(word) in naming]
    subjects = [word for word in _SUBJECT.findall(before) if word not in empty_words()]  # `what is lag and how is it measured`
    own = names or subjects or _DETERMINED.search(before) or _CONDITION.search(words_of(text))
    return len(naming) <= 1 and not own


def _says_little(text: str) -> bool:
    """Whether it names nothing at all, or little beside a `that`."""
    words = words_of(text).split()
    naming = [word for word in words if word not in empty_words() and word not in _DEMONSTRATIVES]
    return bool(words) and len(naming) <= (0 if _DEMONSTRATIVES.isdisjoint(words) else _FEW)
