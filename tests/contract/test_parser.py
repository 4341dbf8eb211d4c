"""Contract of the parser port: every format to Markdown, and every fault to an UnreadableDocument that says what is wrong."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from connectors.parser import JSONL, content_type_of, parse
from connectors.parser.json import read_line
from connectors.parser.text import as_title
from schemas.errors import UnreadableDocument

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_HTML = b"""<html><head><title>Page title</title><script>var secret = 1;</script></head><body><nav><a href="/">Home</a></nav>
<h1>Consumer lag</h1><p>Lag is counted in <b>records</b>.</p><ul><li>one</li><li>two</li></ul>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><pre><code>ls -l</code></pre>
<footer>All rights reserved</footer></body></html>"""


def a_pdf(text: str, title: str = "", reads: str = "") -> bytes:
    """One page with these lines. `reads`: what its font says that an X reads as, UTF-16 in hex digits."""
    cmap = b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <58> <%s> endbfchar endcmap" % reads.encode()
    lines = b" T* ".join(b"(" + line.encode() + b") Tj" for line in text.split("\n"))
    stream = b"BT /F1 12 Tf 14 TL 72 720 Td " + lines + b" ET" if text else b""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica%s>>" % (b"/ToUnicode 7 0 R" if reads else b""),
        b"<</Title(%s)>>" % title.encode(),
        b"<</Length %d>>stream\n%s\nendstream" % (len(cmap), cmap),
    ]
    file, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    return file + head + table + b"trailer<</Size %d/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(file))


def a_docx(body: str, title: str = "") -> bytes:
    """A Word file with this body."""
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Default Extension="xml" ContentType="{word}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>',
        "docProps/core.xml": f'<c xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></c>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def a_paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def encrypted(pdf: bytes) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    writer.encrypt("secret", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_markdown_is_kept_as_it_is() -> None:
    """Text is not touched but for line ends and a byte order mark."""
    parsed = parse("\ufeff# Lag\r\n\r\nText with *marks*.".encode(), "text/markdown; charset=utf-8", source="lag.md")

    assert (parsed.title, parsed.text) == ("Lag", "# Lag\n\nText with *marks*.")


def test_front_matter_names_the_title_and_is_taken_off() -> None:
    """Else Markdown would read it as a heading."""
    parsed = parse(b'---\ntitle: "The title"\ntags: x\n---\n# Other\n', "text/markdown", source="x.md")

    assert parsed == ("The title", "# Other\n")


def test_a_log_is_kept_as_it_is_but_for_its_colours() -> None:
    """Indentation stays, a `#` is no heading, and what was meant for a terminal goes."""
    text = "2026-01-31 10:00:00 \x1b[1;31mERROR\x1b[0m Failed\n# of tries: 3\n\tat Main.java:1\n"

    assert parse(text.encode(), "text/x-log", source="a.log") == (None, "2026-01-31 10:00:00 ERROR Failed\n# of tries: 3\n\tat Main.java:1\n")


def test_a_hash_in_code_is_no_title() -> None:
    """The first heading outside a fence counts."""
    assert parse(b"```\n# no\n```\n\n# **Yes** `x` #\n", "text/markdown", source="x.md").title == "Yes x"


def test_html_keeps_structure_and_drops_chrome() -> None:
    """Headings, lists, tables and code survive; menus, scripts and footers do not."""
    parsed = parse(_HTML, "text/html", source="lag.html")

    assert parsed.title == "Consumer lag"
    assert [part in parsed.text for part in ("# Consumer lag", "- one", "| a | b |", "ls -l")] == [True] * 4
    assert [part in parsed.text for part in ("secret", "All rights", "Home")] == [False] * 3


def test_pdf_gives_text_and_title() -> None:
    """Words that were cut at a line's end are whole again."""
    assert parse(a_pdf("The default reten-\ntion is seven days.", "Keeping"), "application/pdf", source="k.pdf") == (
        "Keeping",
        "The default retention is seven days.",
    )


@pytest.mark.parametrize(("code", "expected"), [("D83D", "\ufffd"), ("D83DDE00", "\U0001f600")], ids=["half", "pair"])
def test_half_a_surrogate_pair_in_a_pdf_is_replaced(code: str, expected: str) -> None:
    """No event could hold it: UTF-8 has no such character. Two halves that belong together are one."""
    halves = "".join(chr(int(code[at : at + 4], 16)) for at in range(0, len(code), 4))
    parsed = parse(a_pdf("Lag X", reads=code), "application/pdf", source="s.pdf")

    assert parsed.text == f"Lag {expected}"
    assert as_title(halves) == expected


def test_docx_keeps_headings_and_tables() -> None:
    """Through HTML, since mammoth's own Markdown drops tables."""
    cell = "<w:tc>{}</w:tc>".format
    table = "<w:tbl><w:tr>" + cell(a_paragraph("a")) + cell(a_paragraph("b")) + "</w:tr></w:tbl>"
    parsed = parse(a_docx(a_paragraph("Lag", "Heading1") + a_paragraph("Records wait.") + table, "Core title"), DOCX, source="lag.docx")

    assert parsed.title == "Lag"
    assert "Records wait." in parsed.text
    assert "| a | b |" in parsed.text


def test_json_has_text_and_title() -> None:
    """Other fields are let pass."""
    assert parse(b'{"title": "T", "text": "Body", "_id": 1}', "application/json", source="x.json") == ("T", "Body")


def test_a_line_of_jsonl_is_a_document() -> None:
    """It can be parsed by itself; a blank line is none."""
    line = read_line(b'\xef\xbb\xbf{"text": "b", "title": "B"}\r\n', 3, "x.jsonl")

    assert line is not None
    assert (3, {"text": "b", "title": "B"}) == (line.number, line.fields)
    assert ("B", "b") == parse(line.content, "application/json", source="x.jsonl:3")
    assert read_line(b" \n", 4, "x.jsonl") is None


@pytest.mark.parametrize(
    ("content", "content_type", "says"),
    [
        (b"", "text/markdown", "empty"),
        (b" \n ", "text/plain", "empty"),
        (b"", "application/pdf", "empty"),
        (b"caf\xe9", "text/plain", "byte 0xe9 at position 3"),
        (b"one\ntwo\x00", "text/plain", "U+0000 at position 7, line 2"),
        (b"a\x1b[31m", "text/markdown", "U+001B"),
        (b"--- *** ---", "text/markdown", "no readable text"),
        (b"<html><body><script>x()</script></body></html>", "text/html", "no readable text"),
        (b"%PDF-1.7 nonsense", "application/pdf", "no PDF file"),
        (a_pdf("Text.")[:300], "application/pdf", "no PDF file"),
        (a_pdf(""), "application/pdf", "scanned"),
        (encrypted(a_pdf("Text.")), "application/pdf", "encrypted"),
        (b"PK\x03\x04 nonsense", DOCX, "no DOCX file"),
        (a_docx("")[:200], DOCX, "no DOCX file"),
        (a_docx("<broken"), DOCX, "no DOCX file"),
        (b"\xd0\xcf\x11\xe0 old", DOCX, "encrypted, or in Word's old format"),
        (b'{"text": 1}', "application/json", "`text`"),
        (b"[1]", "application/json", "no object"),
        (b"{", "application/json", "no JSON"),
        (b'{"text": "a\\u0000"}', "application/json", "U+0000"),
        (b"x", "image/png", "image/png"),
        (b"x", JSONL, JSONL),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason_and_a_remedy(content: bytes, content_type: str, says: str) -> None:
    """The error names the file and the fault."""
    with pytest.raises(UnreadableDocument) as refused:
        parse(content, content_type, source="the file")

    assert says in refused.value.detail
    assert "the file" in refused.value.detail
    assert refused.value.remedy


@pytest.mark.parametrize("line", [b"{", b"[]", b"\xff"])
def test_a_bad_line_of_jsonl_is_named_by_its_number(line: bytes) -> None:
    """So that it can be found in a long file."""
    with pytest.raises(UnreadableDocument, match="Line 2 of x"):
        read_line(line, 2, "x")


@pytest.mark.parametrize("cut", range(40, 600, 60))
def test_a_pdf_cut_anywhere_never_raises_anything_else(cut: int) -> None:
    """Damage is told, not passed on as a library's own error."""
    with pytest.raises(UnreadableDocument):
        parse(a_pdf("Some text on a page.")[:cut], "application/pdf", source="cut.pdf")


def test_deeply_nested_html_is_read_or_refused() -> None:
    """5,000 nested elements end neither the process nor in a foreign error."""
    try:
        text = parse(b"<div>" * 5_000 + b"<p>deep</p>", "text/html", source="x.html").text
    except UnreadableDocument as refused:
        text = str(refused)

    assert re.search("deep", text)


@pytest.mark.parametrize(
    ("name", "expected"), [("a.MD", "text/markdown"), ("a.jsonl", JSONL), ("a.log", "text/x-log"), ("a.png", None), ("Makefile", None)]
)
def test_content_types_go_by_suffix(name: str, expected: str | None) -> None:
    """Case does not matter; what cannot be read has none."""
    assert content_type_of(Path(name)) == expected
