"""Terms: the words of a text as they are compared. Folded, in lower case, without stop words, stemmed (English).

The keyword index, its questions and the extractive model use the same analyser (tantivy's), so that they agree on what a word is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from string import ascii_lowercase, ascii_uppercase

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

_LONGEST = 60  # characters; what is longer is no word

# tantivy's English list (33 words) leaves out pronouns, auxiliaries and what questions are asked with.
_MORE_STOP_WORDS = re.findall(
    r"\w+",
    """
about all also am any been before being between both can could did do does doing don down during each from further get gets got had has have
having he her here him his how i its itself just let like m may me might more much must my myself need now off on only other our ours
out over own per re s same shall she should so some still t than them those through too under until up use used using ve very want was we were
what when where which while who whom whose why would you your yours
""",
)


ASKING = frozenset(re.findall(r"\w+", "compare compared difference differences explain happen happens mean means tell work works way ways best good"))
_MARK = "zqzsentencezqz"  # no word, and nothing that a stemmer shortens
_BETWEEN = f" {_MARK} "
_CAMEL = re.compile(r"\b\w*[a-z][A-Z]\w*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"\w+")
_KINDS = bytes(ord("a" if chr(code) in ascii_lowercase else "A" if chr(code) in ascii_uppercase else " ") for code in range(256))


class Analyser:
    """Texts to terms, in order. Not to be shared between threads; a new one costs 50 microseconds."""

    def __init__(self) -> None:
        self._analyser = analyser()

    def terms(self, text: str) -> list[str]:
        return self._analyser.analyze(spelled_out(text))

    def terms_of_each(self, texts: Sequence[str]) -> list[frozenset[str]]:
        """Each text's terms, in one go: the call costs more than the words of a sentence."""
        each: list[set[str]] = [set()]
        for term in self._analyser.analyze(_BETWEEN.join(_CAMEL.sub(_with_parts, text) for text in texts)):
            if term == _MARK:
                each.append(set())
            else:
                each[-1].add(term)
        return [frozenset(terms) for terms in each][: len(texts)]

    def question_terms(self, question: str) -> list[str]:
        """Each once, without the words that only say that something is asked, unless there are no others."""
        terms = self.terms(" ".join(word for word in re.findall(r"\w+", question) if word.lower() not in ASKING))
        return list(dict.fromkeys(terms or self.terms(question)))


def _with_parts(name: re.Match[str]) -> str:
    return f"{name[0]} {_HUMP.sub(' ', name[0])}"


def analyser() -> TextAnalyzer:
    """The analyser as tantivy takes it: for texts that are `spelled_out` already."""
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST)).filter(Filter.lowercase()).filter(Filter.ascii_fold())
    return builder.filter(Filter.stopword("english")).filter(Filter.custom_stopword(_MORE_STOP_WORDS)).filter(Filter.stemmer("english")).build()


def spelled_out(text: str) -> str:
    """The text with the parts of its camel-case names behind it: who asks for NotEnoughReplicas means NotEnoughReplicasException too."""
    names = dict.fromkeys(_camel_names(text))
    return f"{text} {' '.join(_HUMP.sub(' ', name) for name in names)}" if names else text


def _camel_names(text: str) -> Iterator[str]:
    """Words with a hump. The humps are looked for in bytes: a regular expression takes 50 microseconds for a chunk, which is as long as
    tantivy takes for all of it, this takes 3."""
    kinds = text.encode("latin-1", "replace").translate(_KINDS)
    place = kinds.find(b"aA")
    while place >= 0:
        start = place
        while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        name = _WORD.match(text, start)
        if name is None:
            return
        yield name[0]
        place = kinds.find(b"aA", name.end())
