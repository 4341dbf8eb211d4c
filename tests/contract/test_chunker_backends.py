"""Of each chunker, what no contract asks; test_chunker.py has the rest."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from connectors.chunker import open_chunker
from connectors.chunker.words import count_words
from connectors.embedder import open_embedder
from schemas.settings import Settings
from tests.contract.chunkers import JAVA, LIMIT, small
from tests.unit.streams.corpus import WordEmbedder

# --------------------------------------------------------------- structure


async def test_a_piece_knows_the_headings_above_it() -> None:
    """The path is outermost first, and a heading ends when one of its level comes."""
    body = "word " * 20
    pieces = await small("structure")(f"# One\n\n{body}\n\n## *Two*\n\n{body}\n\n# Three\n\n{body}")

    assert [piece.heading_path for piece in pieces] == [("One",), ("One", "Two"), ("Three",)]


async def test_short_sections_are_joined_under_the_headings_they_share() -> None:
    """A heading without text goes with what follows."""
    pieces = await small("structure")("# Title\n\n## First\n\nOne line.\n\n## Second\n\nAnother line.")

    assert [piece.heading_path for piece in pieces] == [("Title",)]


@pytest.mark.parametrize("name", ["structure", "semantic"])
@pytest.mark.parametrize("block", ["```py\n" + "x = 1\n" * 10 + "```", "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 5])
async def test_code_and_tables_that_fit_are_kept_whole(name: str, block: str) -> None:
    """A fence or a table is cut only when it is too long by itself."""
    prose = "A sentence of some words stands here. " * 5
    pieces = await small(name)(f"{prose}\n\n{block.strip()}\n\n{prose}")

    assert [block.strip() in piece.text for piece in pieces].count(True) >= 1


async def test_a_table_that_is_too_long_is_cut_between_its_rows() -> None:
    """Each piece holds whole rows."""
    rows = [f"| {number} | row |" for number in range(60)]
    pieces = await small("structure")("\n".join(["| number | text |", "|---|---|", *rows]))

    assert len(pieces) > 2
    assert [line for piece in pieces for line in piece.text.split("\n") if not (line.startswith("|") and line.endswith("|"))] == []


async def test_neighbours_in_one_section_overlap_from_where_a_sentence_begins() -> None:
    """Where a section was cut, the next piece repeats the end of the one before."""
    text = " ".join(f"Sentence number {number} is here." for number in range(40))
    pieces = await small("structure")(text)

    assert len(pieces) > 2
    assert all(second.start < first.end for first, second in pairwise(pieces))
    assert {piece.text.split()[0] for piece in pieces} == {"Sentence"}


async def test_hashes_in_code_are_no_headings() -> None:
    """A shell comment does not begin a section."""
    pieces = await small("structure")("# Real\n\n```sh\n# comment\nls\n```\n\nText.")

    assert [piece.heading_path for piece in pieces] == [("Real",)]


# -------------------------------------------------------- fixed, whole, semantic


async def test_windows_are_of_one_size_and_overlap() -> None:
    """Headings or not: as many words as the limit allows, cut between words, each beginning with the end of the one before."""
    text = " ".join(f"# word{number}\n" if number % 30 == 0 else f"word{number}" for number in range(200))
    pieces = await small("fixed")(text)

    assert {count_words(piece.text) for piece in pieces[:-1]} <= {47, 48}
    assert all(second.start < first.end for first, second in pairwise(pieces))
    assert {word for piece in pieces for word in piece.text.split()} == set(text.split())
    assert {piece.heading_path for piece in pieces} == {()}


async def test_a_whole_document_is_one_piece() -> None:
    """However long; without the white space at its ends."""
    text = "# Title\n\n" + "word " * 1_000
    pieces = await small("whole")(text)

    assert [(piece.text, piece.tokens > LIMIT) for piece in pieces] == [(text.strip(), True)]


async def test_a_piece_ends_where_the_meaning_changes() -> None:
    """Three subjects without a heading or an empty line between them are three pieces."""
    subjects = ["Cats purr and sleep.", "Rivers carry cold water.", "Brokers replicate partitions quickly."]
    text = " ".join(" ".join([subject] * 8) for subject in subjects)
    chunker = open_chunker(Settings(chunker="semantic", chunk_tokens=200, chunk_min_tokens=20), WordEmbedder())
    pieces = await chunker.cut(text, "text/markdown")

    assert [" ".join([subject] * 8) for subject in subjects] == [piece.text for piece in pieces]


@pytest.mark.full
async def test_a_model_tells_subjects_apart_that_share_no_words() -> None:
    """all-MiniLM-L6-v2: the sentences on each subject differ, and the breaks are where the subject changes."""
    pages = [
        "Cats sleep most of the day. A kitten purrs when it is stroked. Tomcats mark where they live. Whiskers help them in the dark.",
        "A broker keeps partitions on disk. Consumers commit their offsets. Producers wait for acknowledgements. Retention deletes old segments.",
        "Glaciers carve valleys. Meltwater feeds the rivers below. Moraines show how far the ice went. Snow turns to ice under its own weight.",
    ]
    model = await asyncio.to_thread(open_embedder, "sentence-transformers:all-MiniLM-L6-v2")
    pieces = await open_chunker(Settings(chunker="semantic", chunk_tokens=50, chunk_min_tokens=20), model).cut(" ".join(pages), "text/plain")

    assert pages == [piece.text for piece in pieces]


async def test_a_short_text_is_not_embedded_to_be_cut() -> None:
    """No break would leave two pieces that are long enough."""
    embedder = WordEmbedder()
    pieces = await open_chunker(Settings(chunker="semantic"), embedder).cut("One sentence. And another. And a third.", "text/markdown")

    assert (1, []) == (len(pieces), embedder.texts)


# --------------------------------------------------------------------- log


PYTHON = """WARNING:root:Disk at 91 %
ERROR:root:Cannot write
Traceback (most recent call last):
  File "store.py", line 7, in write
    os.write(fd, data)
OSError: [Errno 28] No space left on device
INFO:root:Stopped"""
GO = """2026/01/31 10:00:00 listening on :8080
2026/01/31 10:00:01 http: panic serving 10.0.0.1:5000: nil map
goroutine 18 [running]:
net/http.(*conn).serve.func1(0xc0000b4000)
\t/usr/local/go/src/net/http/server.go:1801 +0x147
2026/01/31 10:00:02 closed"""
NODE = """{"level":"info","time":1769850000000,"msg":"up"}
{"level":"error","time":1769850001000,"msg":"failed"}
Error: connect ECONNREFUSED
    at TCPConnectWrap.afterConnect (node:net:1595:16)
{"level":"info","time":1769850002000,"msg":"down"}"""
TRACES = {
    "java": (JAVA, 1, 7),
    "python": (PYTHON, 1, 6),
    "go": (GO, 1, 5),
    "node": (NODE, 1, 4),
}


@pytest.mark.parametrize(("text", "first", "last"), TRACES.values(), ids=TRACES.keys())
@pytest.mark.parametrize("limit", [70, 90, 110, 130])
async def test_a_stack_trace_stays_with_its_record(text: str, first: int, last: int, limit: int) -> None:
    """Whatever stands before it: the record is in one piece, from its first line to its last."""
    record = "\n".join(text.split("\n")[first:last])
    chunker = open_chunker(Settings(chunker="log", chunk_tokens=max(limit, count_words(record) * 5 // 4 + 2), chunk_min_tokens=10), None)
    pieces = await chunker.cut("\n".join([text] * 9), "text/x-log")

    assert sum(piece.text.count(record) for piece in pieces) == 9


async def test_a_piece_of_a_log_says_from_when_to_when() -> None:
    """As the lines have it, so that a question with a date or an hour finds it."""
    lines = [f"2026-01-31T10:{minute:02}:00Z INFO tick number {minute} of the clock" for minute in range(10)]
    pieces = await small("log")("\n".join(lines))
    times = [(piece.text.split()[0], piece.text.split("\n")[-1].split()[0]) for piece in pieces]

    assert len(pieces) > 2
    assert [piece.heading_path for piece in pieces] == [(first if first == last else f"{first} – {last}",) for first, last in times]


async def test_a_record_above_the_limit_is_cut_between_lines_and_its_parts_name_it() -> None:
    """The first line stands above every part but the first."""
    text = "2026-01-31 10:00:00 ERROR Failed\n" + "\n".join(f"\tat org.example.Frame{number}.call(Frame.java:{number})" for number in range(30))
    pieces = await small("log")(text)

    assert len(pieces) > 2
    assert {piece.heading_path for piece in pieces[1:]} == {("2026-01-31 10:00:00", "2026-01-31 10:00:00 ERROR Failed")}
    assert [line for piece in pieces for line in piece.text.split("\n") if line and not line.endswith((")", "Failed"))] == []
