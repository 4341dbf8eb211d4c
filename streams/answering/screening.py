"""Screening: what in the chunks or in the question speaks to the model instead of to the reader. Pure.

A filter, not a boundary: it finds what is said plainly, in the words of `injections.json`, and whoever rewords it gets through. What holds is
that a model has no more rights than the reader, and that documents stand between marks that they cannot forge. Patterns are run by re2, in
linear time, over the text as a reader sees it: without characters that show nothing, wide and ligated letters made plain. A sentence in
which one fits is not given to the model; of the two marks by which models part turns, the paragraph is not. The question is left as it is:
who asks may say to the model what they like, and it is told in the events.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from operator import itemgetter
from typing import Any, NamedTuple

import re2
from prometheus_client import Counter

from connectors.language_model.base import Prompt
from schemas.events import RetrievedChunk, Screened
from schemas.settings import Settings

REMOVED = "[removed]."  # with a full stop, so that no sentence before or behind it is read as one with it
HIDDEN = "hidden"  #: rule: a text in characters that show nothing

_FOUND = Counter("roxy_screened", "Texts in which something speaks to the model, by rule.", ["where", "rule"])

_REMEMBERED = 2_048  # texts; good chunks are found again and again
_PARAGRAPHS = {"turn"}  # behind a mark of a turn, all that follows pretends to be that turn
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007f]{2,8})|[\U000e0000-\U000e007f]+")  # letters that show nothing, but for those of a flag
_ENDS = re.compile(r"\n|(?<=[.!?])\s|(?<=[。！？])")
_BLANK_LINE = re.compile(r"\n\s*\n")


class _Cleared(NamedTuple):
    """A text without what speaks to the model, and the rules by which it was found."""

    text: str
    rules: tuple[str, ...]


class _Rules(NamedTuple):
    """The file, read: all patterns at once to find a text that needs a closer look, which few do; then each."""

    any: Any
    each: Sequence[tuple[str, Any]]


def screened(prompt: Prompt, settings: Settings) -> tuple[Prompt, tuple[Screened, ...]]:
    """The prompt without it, and what was found."""
    if not settings.screening:
        return prompt, ()
    chunks, found = [], list(_in_question(prompt.question))
    for chunk in prompt.chunks:
        cleared, rules = _screened(chunk)
        chunks.append(cleared)
        if rules:
            found.append(Screened(where=chunk.chunk_id, rules=rules))
    for one in found:
        for rule in one.rules:
            _FOUND.labels("question" if one.where == "question" else "chunk", rule).inc()
    return prompt._replace(chunks=tuple(chunks)), tuple(found)


def _in_question(question: str) -> Iterator[Screened]:
    if rules := _cleared(question).rules:
        yield Screened(where="question", rules=rules, removed=False)


def _screened(chunk: RetrievedChunk) -> tuple[RetrievedChunk, tuple[str, ...]]:
    """The chunk as the model is given it, its title and headings too."""
    text, title, source, *headings = map(_cleared, (chunk.text, chunk.title, chunk.source, *chunk.heading_path))
    rules = tuple(dict.fromkeys(rule for part in (text, title, source, *headings) for rule in part.rules))
    if not rules:
        return chunk, ()
    shown = {"text": text.text, "title": title.text, "source": source.text, "heading_path": tuple(heading.text for heading in headings)}
    return chunk.model_copy(update=shown), rules


@lru_cache(maxsize=_REMEMBERED)
def _cleared(text: str) -> _Cleared:
    shown = _without_hidden(text)
    hidden = (HIDDEN,) if shown != text else ()
    plain = _plain(shown)
    rules = _rules()
    if not rules.any.Match(plain):
        return _Cleared(shown, hidden)
    places = [(name, match.span()) for name, pattern in rules.each for match in pattern.finditer(plain)]
    return _Cleared(_without(plain, _widened(plain, places)), (*hidden, *dict.fromkeys(name for name, _ in places)))


def _without_hidden(text: str) -> str:
    return text if text.isascii() else _TAGS.sub(lambda found: found[1] or "", text)


def _plain(text: str) -> str:
    """As a reader sees it."""
    if text.isascii():
        return text
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")


def _widened(text: str, places: Sequence[tuple[str, tuple[int, int]]]) -> list[tuple[int, int]]:
    """From where each one's sentence begins to where it ends, or the paragraph; in order."""
    sentences, paragraphs = ([(end.start(), end.end()) for end in ends.finditer(text)] for ends in (_ENDS, _BLANK_LINE))
    cuts = []
    for rule, (start, end) in places:
        shown = end - len(text[start:end].lstrip())  # some begin with the line before
        before = bisect_right(sentences, shown, key=itemgetter(1))
        behind = paragraphs if rule in _PARAGRAPHS else sentences
        ending = bisect_left(behind, max(shown, end - 1), key=itemgetter(0))
        cuts.append((sentences[before - 1][1] if before else 0, behind[ending][0] if ending < len(behind) else len(text)))
    return sorted(cuts)


def _without(text: str, cuts: Sequence[tuple[int, int]]) -> str:
    parts, place = list[str](), 0
    for start, end in cuts:
        if end <= place:
            continue
        if start >= place:
            parts += [text[place:start], REMOVED]
        place = end
    return "".join((*parts, text[place:]))


@cache
def _rules() -> _Rules:
    """Read once."""
    options = re2.Options()
    options.case_sensitive = False
    rows = json.loads((files("streams.answering") / "injections.json").read_text(encoding="utf-8"))["rules"]
    together = re2.Set.SearchSet(options)
    for row in rows:
        together.Add(row["pattern"])
    together.Compile()
    return _Rules(together, [(row["name"], re2.compile(row["pattern"], options)) for row in rows])
