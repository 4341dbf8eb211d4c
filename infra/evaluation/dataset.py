"""Dataset: a judged collection in the BEIR layout, read from a folder.

    corpus.jsonl          {"_id": …, "title": …, "text": …}    or pages (md, txt, html, pdf …) in `corpus/`, or in `docs/` beside the folder
    queries.jsonl         {"_id": …, "text": …}
    qrels/<split>.tsv     query-id, corpus-id, score; or TREC's form: query-id, 0, corpus-id, score

Each file may be compressed (.gz), a title may be missing, an id may be a number.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from connectors.parser import JSONL, content_type_of
from connectors.parser.text import as_title, cleaned
from infra.documents import document_id, submitted
from schemas.errors import InvalidDataset
from schemas.events import DocumentSubmitted

TENANT = "default"
_QRELS_ENDINGS = (".tsv", ".txt", ".trec", ".qrels")


class Question(NamedTuple):
    """A question that was judged."""

    id: str
    text: str


class Dataset(NamedTuple):
    """What there is to find, what is asked, and what is right."""

    name: str
    split: str
    documents: tuple[DocumentSubmitted, ...]
    names: Mapping[str, str]  #: a document's id in the index → its id in the judgements
    empty: int  #: documents without any text: left out
    questions: tuple[Question, ...]  #: those for which some document is relevant
    judgements: Mapping[str, Mapping[str, int]]  #: question → document → how relevant it is


def read_dataset(folder: Path, *, split: str = "test", limit: int | None = None) -> Dataset:
    """Read a folder. `limit`: only so many of its questions. Raises InvalidDataset."""
    if not folder.is_dir():
        raise InvalidDataset(f"{folder} is no folder.")
    judgements = {query: judged for query, judged in _judgements(_qrels_file(folder, split)).items() if any(score > 0 for score in judged.values())}
    questions = tuple(question for question in _questions(folder) if question.id in judgements)[:limit]
    if not questions:
        raise InvalidDataset(f"No question of {folder / 'queries.jsonl'} has a relevant document in split {split!r}.")
    names: dict[str, str] = {}
    documents = []
    empty = 0
    for name, document in _documents(folder):
        if document.document_id in names:
            raise InvalidDataset(f"{folder}: two documents have the id {name!r}.", remedy="Give each its own.")
        names[document.document_id] = name
        if document.content.strip():
            documents.append(document)
        else:
            empty += 1
    if not documents:
        raise InvalidDataset(f"{folder} has no document with text.")
    asked = {question.id for question in questions}
    return Dataset(
        name=folder.resolve().name,
        split=split,
        documents=tuple(documents),
        names=names,
        empty=empty,
        questions=questions,
        judgements={query: judged for query, judged in judgements.items() if query in asked},
    )


def _documents(folder: Path) -> Iterator[tuple[str, DocumentSubmitted]]:
    file = _found(folder / "corpus.jsonl")
    if file is not None:
        for where, row in _rows(file):
            name = _id(row, where)
            yield name, _document(name, row)
        return
    pages = next((place for place in (folder / "corpus", folder.resolve().parent / "docs") if place.is_dir()), None)
    if pages is None:
        raise InvalidDataset(f"{folder} has no corpus.jsonl.")
    yield from _pages(pages)


def _document(name: str, row: Mapping[str, Any]) -> DocumentSubmitted:
    """One without text consists of its title."""
    title = as_title(str(row.get("title") or ""))
    text = cleaned(str(row.get("text") or "")) or title or ""
    document = submitted(document_id(name), text.encode(), "text/plain", source="", tenant=TENANT)
    return document.model_copy(update={"title": title})


def _pages(folder: Path) -> Iterator[tuple[str, DocumentSubmitted]]:
    """A page's id is its file's name without the ending."""
    for file in sorted(folder.rglob("*")):
        content_type = content_type_of(file)
        if file.is_file() and content_type not in (None, JSONL):
            yield file.stem, submitted(document_id(file.stem), file.read_bytes(), str(content_type), source=file.name, tenant=TENANT)


def _questions(folder: Path) -> Iterator[Question]:
    file = _found(folder / "queries.jsonl")
    if file is None:
        raise InvalidDataset(f"{folder} has no queries.jsonl.")
    for where, row in _rows(file):
        text = cleaned(str(row.get("text") or ""))
        if not text:
            raise InvalidDataset(f"{where}: the question has no text.")
        yield Question(_id(row, where), text)


def _qrels_file(folder: Path, split: str) -> Path:
    for ending in _QRELS_ENDINGS:
        file = _found(folder / "qrels" / f"{split}{ending}")
        if file is not None:
            return file
    there = sorted({file.name.partition(".")[0] for file in (folder / "qrels").glob("*")})
    raise InvalidDataset(f"{folder} has no qrels/{split}.tsv.", remedy=f"Splits that are there: {', '.join(there)}." if there else "")


def _judgements(file: Path) -> dict[str, dict[str, int]]:
    judgements: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for number, line in enumerate(_lines(file), start=1):
        fields = line.split("\t") if "\t" in line else line.split()
        if len(fields) not in (3, 4):
            raise InvalidDataset(f"{file}, line {number}: {len(fields)} columns.", remedy="It needs query-id, corpus-id and score, or TREC's four.")
        query, document, score = fields[0].strip(), fields[-2].strip(), fields[-1].strip()
        try:
            judgements[query][document] = int(float(score))
        except ValueError as error:
            if number > 1:  # the first line may be a header
                raise InvalidDataset(f"{file}, line {number}: {score!r} is no score.") from error
    return dict(judgements)


def _rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's object, and where it stands."""
    for number, line in enumerate(_lines(file), start=1):
        where = f"{file}, line {number}"
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InvalidDataset(f"{where}: not valid JSON: {error}.") from error
        if not isinstance(row, dict):
            raise InvalidDataset(f"{where}: no JSON object.")
        yield where, row


def _lines(file: Path) -> Iterator[str]:
    """Lines that are not empty."""
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8-sig") as lines:
            yield from (line.rstrip("\r\n") for line in lines if line.strip())
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidDataset(f"{file} cannot be read: {error}.") from error


def _id(row: Mapping[str, Any], where: str) -> str:
    identity = str(row.get("_id", "")).strip()
    if not identity:
        raise InvalidDataset(f"{where}: no `_id`.")
    return identity


def _found(file: Path) -> Path | None:
    """The file as it is, or compressed."""
    return next((path for path in (file, file.with_name(f"{file.name}.gz")) if path.is_file()), None)
