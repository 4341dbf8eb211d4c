"""Contract of the chunker port, over its one backend."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.chunker import open_chunker
from connectors.chunker.base import Piece
from schemas.settings import Settings

LIMIT, MINIMUM = 60, 15
SMALL = open_chunker(Settings(chunk_tokens=LIMIT, chunk_overlap=12, chunk_min_tokens=MINIMUM))
DEFAULT = open_chunker(Settings())
SAMPLES = sorted(Path("infra/samples/docs").glob("*.md"))

WORDS = st.sampled_from(["alpha", "beta.", "gamma!", "日本語", "x=1", "`code`", "(d)", "long-word", "a" * 70, "é"])
LINES = st.lists(WORDS, min_size=1, max_size=60).map(" ".join)
BLOCKS = st.one_of(
    LINES,
    st.builds("{} {}".format, st.sampled_from(["#", "##", "####"]), WORDS),
    st.lists(LINES, min_size=1, max_size=20).map(lambda lines: "```\n" + "\n".join(lines) + "\n```"),
    st.lists(LINES, min_size=1, max_size=20).map(lambda lines: "\n".join(f"- {line}" for line in lines)),
    st.lists(WORDS, min_size=1, max_size=30).map(lambda words: "| a | b |\n|---|---|\n" + "\n".join(f"| {word} | x |" for word in words)),
    st.just("[link]: http://example.org"),
    st.just("Title\n====="),
)
TEXTS = st.tuples(st.lists(BLOCKS, max_size=12), st.sampled_from(["\n", "\n\n", "\r\n"])).map(lambda parts: parts[1].join(parts[0]))


def hidden(text: str, pieces: list[Piece]) -> str:
    """The visible characters that no piece holds."""
    held = bytearray(len(text))
    for piece in pieces:
        held[piece.start : piece.end] = b"\1" * (piece.end - piece.start)
    return "".join(character for character, seen in zip(text, held, strict=True) if not seen and not character.isspace())


@settings(deadline=None)
@given(TEXTS)
def test_pieces_are_the_text_whole_and_within_limits(text: str) -> None:
    """Whatever the text: offsets are exact, nothing visible is lost, no piece is too long, and none too short but a lone one."""
    pieces = SMALL.cut(text)

    assert [text[piece.start : piece.end] for piece in pieces] == [piece.text for piece in pieces]
    assert hidden(text, pieces) == ""
    assert [piece for piece in pieces if piece.tokens > LIMIT] == []
    assert [piece for piece in pieces if piece.tokens < MINIMUM] == [] or len(pieces) == 1
    assert SMALL.cut(text) == pieces


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample_documents_are_cut_within_the_default_limits(path: Path) -> None:
    """Real pages: 100 to 400 tokens, nothing lost."""
    text = path.read_text()
    pieces = DEFAULT.cut(text)

    assert hidden(text, pieces) == ""
    assert [piece.tokens for piece in pieces if not 100 <= piece.tokens <= 400] == []


def test_a_piece_knows_the_headings_above_it() -> None:
    """The path is outermost first, and a heading ends when one of its level comes."""
    body = "word " * 20
    pieces = SMALL.cut(f"# One\n\n{body}\n\n## *Two*\n\n{body}\n\n# Three\n\n{body}")

    assert [piece.heading_path for piece in pieces] == [("One",), ("One", "Two"), ("Three",)]


def test_short_sections_are_joined_under_the_headings_they_share() -> None:
    """A heading without text goes with what follows."""
    pieces = SMALL.cut("# Title\n\n## First\n\nOne line.\n\n## Second\n\nAnother line.")

    assert [piece.heading_path for piece in pieces] == [("Title",)]


@pytest.mark.parametrize("block", ["```py\n" + "x = 1\n" * 10 + "```", "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 5])
def test_code_and_tables_that_fit_are_kept_whole(block: str) -> None:
    """A fence or a table is cut only when it is too long by itself."""
    prose = "A sentence of some words stands here. " * 5
    pieces = SMALL.cut(f"{prose}\n\n{block.strip()}\n\n{prose}")

    assert [block.strip() in piece.text for piece in pieces].count(True) >= 1


def test_neighbours_in_one_section_overlap_from_where_a_sentence_begins() -> None:
    """Where a section was cut, the next piece repeats the end of the one before."""
    text = " ".join(f"Sentence number {number} is here." for number in range(40))
    pieces = SMALL.cut(text)

    assert len(pieces) > 2
    assert all(second.start < first.end for first, second in pairwise(pieces))
    assert {piece.text.split()[0] for piece in pieces} == {"Sentence"}


def test_hashes_in_code_are_no_headings() -> None:
    """A shell comment does not begin a section."""
    pieces = SMALL.cut("# Real\n\n```sh\n# comment\nls\n```\n\nText.")

    assert [piece.heading_path for piece in pieces] == [("Real",)]


def test_a_text_without_words_gives_no_piece() -> None:
    """Nothing in, nothing out."""
    assert SMALL.cut("") == SMALL.cut(" \n\n ") == []
