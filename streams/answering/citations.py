"""Citations: the numbers in an answer's text, and the chunks that they stand for. Pure.

A number that stands for no chunk is taken out of the text while it is streamed, before anybody sees it. What stands directly behind a letter
or a digit is left alone, as is code: a number that stays by mistake stands for nothing, and everybody can see that; an index that was cut
out of `array[3]` is a wrong answer that nobody sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client import Counter

from schemas.events import Citation, RetrievedChunk
from streams.answering.code_marks import CodeMarks

_DROPPED = Counter("roxy_citations_dropped", "Numbers in answers that stood for no chunk, and were taken out of the text.")

_BLANK = r"[ \t]{0,4}"
#: As a model writes what it cites: the one shape that counts as a citation wherever answers are read.
LIST = rf"\[{_BLANK}[0-9]{{1,3}}(?:{_BLANK}[,;]{_BLANK}[0-9]{{1,3}}){{0,8}}{_BLANK}\]"
_BETWEEN = rf"(?:{_BLANK}[,;])?{_BLANK}"
#: What may still become a group of citations, a character at a time: an opening, whole lists, and the beginning of the next or a bracket's end.
_UNFINISHED = re.compile(
    rf"{_BLANK}\(?(?:{LIST}{_BETWEEN}){{0,30}}(?:\[{_BLANK}(?:[0-9]{{1,3}}{_BLANK}[,;]{_BLANK}){{0,8}}(?:[0-9]{{1,3}}{_BLANK})?)?"
    rf"|{_BLANK}\((?:{LIST}{_BETWEEN}){{1,30}}\)"
)
_INSIDE = frozenset(" \t([])0123456789,;")  # all that such a group is made of
_OPENING = re.compile(rf"{_BLANK}\(?")
_PART = re.compile(rf"({_BETWEEN})({LIST})")
_NUMBER = re.compile(r"[0-9]+")
_CITATIONS = re.compile(r"\s*\[[ \t]{0,4}\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*[ \t]{0,4}\]")  # ranges too: they stand for nothing, but look as if they did
_RUNS = re.compile(r"[ \t]?[^ \t\n(\[`~]+|[ \t\n(\[`~]")  # most of a text neither begins a citation nor marks code
_NAME = re.compile(r"[A-Za-z0-9_\]]")  # ends a name in code; scripts with other letters put no blank before a citation
_BEGINNINGS = ("", "\n", " ", "\t")  # behind them a blank is one too many


def cited(text: str, chunks: Sequence[RetrievedChunk]) -> tuple[Citation, ...]:
    """The chunks that the text's `[n]` stand for, in order of first mention; a number that the model was not given stands for nothing."""
    known = {chunk.rank: chunk for chunk in chunks}
    return tuple(
        Citation(
            number=number,
            chunk_id=known[number].chunk_id,
            document_id=known[number].document_id,
            title=known[number].title,
            source=known[number].source,
            heading_path=known[number].heading_path,
        )
        for number in dict.fromkeys(numbers_in(text))
        if number in known
    )


def numbers_in(text: str) -> Iterator[int]:
    """Of `[1]`, `[1][2]` and `[1, 2]`, also directly behind a word, as many models write."""
    for found in re.finditer(LIST, text):
        yield from _numbers(found[0])


def without_citations(text: str) -> str:
    """The text alone, without the blanks before its citations."""
    return _CITATIONS.sub("", text)


class CitationFilter:
    """Takes numbers out of a text as it is streamed. However it is cut into tokens, the same text comes out.

    Only what may still become a citation is held back. `behind`: text that is out already, which the filter goes on behind.
    """

    def __init__(self, numbers: Iterable[int], *, behind: str = "") -> None:
        self.dropped = 0
        self._known = frozenset(numbers)
        self._held = ""
        self._marks = CodeMarks()
        self._last = ""  # character that went out
        self._out(behind)

    def feed(self, token: str) -> str:
        """What can go out now."""
        return "".join(map(self._fed_run, _RUNS.findall(token)))

    def end(self) -> str:
        """What is left when no token follows."""
        return self._released("")

    def _fed_run(self, run: str) -> str:
        """Where nothing is held, a word and the blank before it go out as they are."""
        out, place = "", 0
        while self._held and place < len(run):
            out, place = out + self._fed(run[place]), place + 1
        rest = run[place:]
        if len(rest) < 2:
            return out + self._fed(rest) if rest else out
        self._marks.feed(rest[-1])
        self._last = rest[-1]
        return out + rest

    def _fed(self, character: str) -> str:
        if self._held and character in _INSIDE and _UNFINISHED.fullmatch(self._held + character):
            self._held += character
            return ""
        released = self._released(character)
        if character in " \t([" and not self._marks.inside_at(character):
            self._held = character
            return released
        return released + self._out(character)

    def _released(self, following: str) -> str:
        """What was held, without the numbers that stand for nothing."""
        held, self._held = self._held, ""
        return self._out(self._kept(held, following)) if "]" in held else self._out(held)

    def _kept(self, held: str, following: str) -> str:
        opening, parts, rest = _parted(held)
        shown, glued = "", opening in ("", "(") and _NAME.match(self._last) is not None
        for place, (between, numbers) in enumerate(parts, 1):
            glued = glued and not between
            is_link = following == "(" and not rest and place == len(parts)
            known = numbers if glued or is_link else self._known_of(numbers)
            shown += (between if shown else "") + known if known else ""
        if shown:
            return opening + shown + rest
        if rest.startswith(")"):
            return rest[1:]
        begins = opening.endswith("(") or self._last in _BEGINNINGS
        return opening + rest.lstrip(" \t,;") if begins else rest

    def _known_of(self, numbers: str) -> str:
        """The list without the others; empty if none is left."""
        cited = list(_numbers(numbers))
        known = [number for number in cited if number in self._known]
        self.dropped += len(cited) - len(known)
        _DROPPED.inc(len(cited) - len(known))
        return numbers if known == cited else f"[{', '.join(map(str, known))}]" if known else ""

    def _out(self, text: str) -> str:
        for character in text:
            self._marks.feed(character)
        self._last = text[-1:] or self._last
        return text


class _Parted(NamedTuple):
    opening: str
    parts: Sequence[tuple[str, str]]  #: what stands before a list of numbers, and the list
    rest: str


def _parted(held: str) -> _Parted:
    opening = _OPENING.match(held)
    place, parts = opening.end() if opening else 0, list[tuple[str, str]]()
    while part := _PART.match(held, place):
        parts.append((part[1], part[2]))
        place = part.end()
    return _Parted(held[: opening.end() if opening else 0], parts, held[place:])


def _numbers(text: str) -> Iterator[int]:
    return map(int, _NUMBER.findall(text))
