"""Spans: stretches of a text on their way to become pieces. What the chunkers that look for a good place to cut have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from connectors.chunker.base import Piece
from connectors.chunker.blocks import Block, blocks_of
from connectors.chunker.words import Words, as_tokens

SENTENCE = re.compile(r"[.!?…][\"')\]]*\s+(?=\S)|[。！？]")  # a match ends where the next one begins
LINE = re.compile(r"\n")


class Part(NamedTuple):
    """A stretch without white space at its ends."""

    start: int
    end: int
    words: int


class Span(NamedTuple):
    """A stretch with the headings above it. `fresh`: it begins a section, so that nothing before it belongs to it."""

    start: int
    end: int
    words: int
    path: tuple[str, ...] = ()
    fresh: bool = False


def units_of(text: str, parts: Callable[[Block], Iterable[Part]]) -> Iterator[Span]:
    """The parts of each block, with their heading path."""
    path: list[tuple[int, str]] = []
    for block in blocks_of(text):
        if block.level:
            path = [*((level, name) for level, name in path if level < block.level), (block.level, block.heading)]
        names = tuple(name for _, name in path if name)
        fresh = bool(block.level)
        for part in parts(block):
            yield Span(*part, names, fresh)
            fresh = False


def parts_of(words: Words, start: int, end: int, breaks: Sequence[re.Pattern[str]], limit: int) -> Iterator[Part]:
    """The stretch, if it fits into so many words; else its parts between the first kind of break, and so on; between words at last."""
    start, end = trimmed(words.text, start, end)
    count = words.count(start, end)
    if 0 < count <= limit:
        yield Part(start, end, count)
    elif count and breaks:
        places = [start, *(match.end() for match in breaks[0].finditer(words.text, start, end)), end]
        for first, last in pairwise(places):
            yield from parts_of(words, first, last, breaks[1:], limit)
    elif count:
        places = [*words.starts(start, end)[::limit], end]
        for first, last in pairwise(places):
            yield from parts_of(words, first, last, (), limit)


def packed(units: Iterable[Span], limit: int, overlap: int = 0) -> Iterator[Span]:
    """Units of one section joined up to the limit; later pieces of a section leave room for what they repeat."""
    whole: Span | None = None
    for unit in units:
        room = limit if whole is None or whole.fresh else limit - overlap
        if whole is None or unit.fresh or whole.words + unit.words > room:
            if whole:
                yield whole
            whole = unit
        else:
            whole = joined(whole, unit)
    if whole:
        yield whole


def join_short(spans: Iterable[Span], minimum: int, limit: int) -> list[Span]:
    """A span below the minimum takes in what follows; one that is still short goes to the one before it; where the sum fits."""
    forward: list[Span] = []
    for span in spans:
        _join_or_append(forward, span, limit, short=bool(forward) and forward[-1].words < minimum)
    backward: list[Span] = []
    for span in forward:
        _join_or_append(backward, span, limit, short=span.words < minimum)
    return backward


def _join_or_append(spans: list[Span], span: Span, limit: int, *, short: bool) -> None:
    if short and spans and spans[-1].words + span.words <= limit:
        spans[-1] = joined(spans[-1], span)
    else:
        spans.append(span)


def joined(first: Span, second: Span) -> Span:
    """Both, under the headings that they share."""
    return Span(first.start, second.end, first.words + second.words, common(first.path, second.path), first.fresh)


def common(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """The headings above both."""
    if first == second:
        return first
    same = 0
    while same < min(len(first), len(second)) and first[same] == second[same]:
        same += 1
    return first[:same]


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch without the white space at its ends."""
    stretch = text[start:end]
    return start + len(stretch) - len(stretch.lstrip()), start + len(stretch.rstrip())


def as_piece(text: str, span: Span) -> Piece:
    """The span as it leaves the chunker."""
    return Piece(text[span.start : span.end], span.start, span.end, span.path, as_tokens(span.words))
