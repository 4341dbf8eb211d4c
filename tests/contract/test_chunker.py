"""Contract of the chunker port, over every backend, and of the choice between them by content type."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.chunker import CHUNKERS, open_chunker
from connectors.chunker.base import Piece
from schemas.errors import InvalidSetting
from schemas.settings import Settings
from tests.contract.chunkers import JAVA, LIMIT, MINIMUM, small
from tests.unit.streams.corpus import WordEmbedder

SAMPLES = sorted(Path("infra/samples/docs").glob("*.md"))
REPEATING = {"structure", "fixed"}  # draw a short piece over its neighbour
EACH = pytest.mark.parametrize("name", CHUNKERS)

WORDS = st.sampled_from(["alpha", "beta.", "gamma!", "日本語", "x=1", "`code`", "(d)", "long-word", "a" * 70, "é"])
LINES = st.lists(WORDS, min_size=1, max_size=60).map(" ".join)
TIMES = st.sampled_from(["2026-01-31 23:59:59,123 INFO ", "[31/Jan/2026:23:59:59 +0000] ", "1700000000.5 ", "ERROR: ", "\tat ", "Caused by: ", ""])
BLOCKS = st.one_of(
    LINES,
    st.builds("{} {}".format, st.sampled_from(["#", "##", "####"]), WORDS),
    st.lists(LINES, min_size=1, max_size=20).map(lambda lines: "```\n" + "\n".join(lines) + "\n```"),
    st.lists(LINES, min_size=1, max_size=20).map(lambda lines: "\n".join(f"- {line}" for line in lines)),
    st.lists(WORDS, min_size=1, max_size=30).map(lambda words: "| a | b |\n|---|---|\n" + "\n".join(f"| {word} | x |" for word in words)),
    st.lists(st.tuples(TIMES, LINES).map("".join), min_size=1, max_size=20).map("\n".join),
    st.just("[link]: http://example.org"),
    st.just("Title\n====="),
)
TEXTS = st.tuples(st.lists(BLOCKS, max_size=12), st.sampled_from(["\n", "\n\n", "\r\n"])).map(lambda parts: parts[1].join(parts[0]))
HOSTILE = {
    "no line break": "word " * 200_000,
    "no space": "a" * 1_000_000,
    "ideographs": "日本。" * 100_000,
    "empty lines": "\n" * 200_000,
    "a gap": "word " * 300 + "\n" * 200_000 + "word " * 200 + "\n" * 200_000 + "end",
    "full stops": ". " * 100_000,
    "quotes": '."' * 200_000,
    "brackets": "[" * 200_000,
    "half a JSON line": '{"' + 'time":' * 50_000 + '\n{"a":' * 20_000,
    "digits": "2026-01-31 " * 100_000,
    "digits in lines": "1700000000\n" * 40_000,
    "levels": "INFO [" * 100_000 + "\nINFO" * 40_000,
    "quoted": "> " * 50_000 + "a",
    "fences": "```\n" * 20_001,
    "headings": "# a\n" * 20_000,
}


def hidden(text: str, pieces: list[Piece]) -> str:
    """The visible characters that no piece holds."""
    held = bytearray(len(text))
    for piece in pieces:
        held[piece.start : piece.end] = b"\1" * (piece.end - piece.start)
    return "".join(character for character, seen in zip(text, held, strict=True) if not seen and not character.isspace())


def without_reason(name: str, pieces: list[Piece]) -> list[Piece]:
    """The pieces below the minimum that a neighbour had room for, or that could have repeated some of it."""
    short = [place for place, piece in enumerate(pieces) if piece.tokens < MINIMUM and len(pieces) > 1]
    if name not in REPEATING:
        beside = [*(piece.tokens for piece in pieces[1:]), LIMIT]
        before = [LIMIT, *(piece.tokens for piece in pieces[:-1])]
        short = [place for place in short if pieces[place].tokens + min(before[place], beside[place]) <= LIMIT]
    return [pieces[place] for place in short]


@EACH
@given(text=TEXTS)
async def test_pieces_are_the_text_whole_and_within_limits(name: str, text: str) -> None:
    """Whatever the text: offsets are exact, nothing visible is lost, the order is kept, no piece is too long, and none too short for nothing."""
    cut = small(name)
    pieces = await cut(text)

    assert [text[piece.start : piece.end] for piece in pieces] == [piece.text for piece in pieces]
    assert [(piece.text.strip(), piece.start) for piece in pieces] == sorted(
        ((piece.text, piece.start) for piece in pieces), key=lambda pair: pair[1]
    )
    assert hidden(text, pieces) == ""
    assert [piece for piece in pieces if piece.tokens > LIMIT and name != "whole"] == []
    assert without_reason("structure" if name == "auto" else name, pieces) == []
    assert await cut(text) == pieces


@EACH
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_text_is_cut_like_any_other(name: str, text: str) -> None:
    """A megabyte on one line, or of nothing but line ends, takes time that grows with its length: the test's time limit is the judge."""
    pieces = await small(name)(text)

    assert hidden(text, pieces) == ""
    assert [piece for piece in pieces if piece.tokens > LIMIT and name != "whole"] == []


@EACH
@pytest.mark.parametrize("path", SAMPLES[::4], ids=lambda path: path.stem)
async def test_sample_documents_are_cut_within_the_default_limits(name: str, path: Path) -> None:
    """Real pages: up to 400 tokens, nothing lost; at least 100, where the backend repeats what is missing."""
    text = await asyncio.to_thread(path.read_text)
    pieces = await open_chunker(Settings(chunker=name), WordEmbedder()).cut(text, "text/markdown")

    assert hidden(text, pieces) == ""
    assert [piece.tokens for piece in pieces if piece.tokens > 400 and name != "whole"] == []
    assert [piece.tokens for piece in pieces if piece.tokens < 100 and name in REPEATING] == []


@EACH
async def test_a_text_without_words_gives_no_piece(name: str) -> None:
    """Nothing in, nothing out."""
    cut = small(name)

    assert await cut("") == await cut(" \n\n ") == []


# ------------------------------------------------------------------ choice


@pytest.mark.parametrize(
    ("setting", "content_type", "text", "expected"),
    [
        ("auto", "text/x-log", "No time anywhere.", "log"),
        ("auto", "text/plain; charset=utf-8", JAVA, "log"),
        ("auto", "text/plain", "A note of 2026-01-31 10:00:00.\n\nAnd more.", "structure"),
        ("auto", "text/markdown", JAVA, "structure"),
        ("fixed", "text/x-log", JAVA, "fixed"),
        ('{"text/x-log": "fixed", "*": "whole"}', "TEXT/X-LOG", JAVA, "fixed"),
        ('{"text/x-log": "fixed", "*": "whole"}', "text/plain", JAVA, "whole"),
        ('{"text/plain": "auto", "*": "whole"}', "text/plain", JAVA, "log"),
        ('{"application/pdf": "whole"}', "text/plain", JAVA, "log"),
    ],
)
async def test_the_setting_chooses_by_content_type(setting: str, content_type: str, text: str, expected: str) -> None:
    """A name for all, or a name for each; `auto` sees whether a plain text is a log, and stands in where nothing is said."""
    long = "\n".join([text] * 40)
    limits = {"chunk_tokens": LIMIT, "chunk_overlap": 12, "chunk_min_tokens": MINIMUM}
    chosen = open_chunker(Settings(chunker=setting, **limits), None)
    alone = open_chunker(Settings(chunker=expected, **limits), None)

    assert await alone.cut(long, content_type) == await chosen.cut(long, content_type)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("recursive", "names no chunker: 'recursive'"),
        ("", "names no chunker: ''"),
        ('{"*": ["log"]}', "names no chunker"),
        ('{"log": "log"}', "names no content type: 'log'"),
        ('{"*": ', "is no JSON"),
        ("semantic", "there is no embedder"),
        ('{"text/html": "semantic"}', "there is no embedder"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_the_start(setting: str, says: str) -> None:
    """With what is wrong, and what to write instead."""
    with pytest.raises(InvalidSetting, match="ROXY_CHUNKER") as caught:
        open_chunker(Settings(chunker=setting), None)

    assert says in str(caught.value)
    assert caught.value.remedy
