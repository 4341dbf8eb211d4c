"""Small judged collections, written as a user would have them."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from infra.evaluation.dataset import Dataset, read_dataset

ANIMALS = {
    name: f"The {name} is an animal that says {sound}." for name, sound in {"cow": "moo", "dog": "woof", "cat": "meow", "duck": "quack"}.items()
}
QRELS = "query-id\tcorpus-id\tscore\n"


def write_lines(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """JSON Lines; compressed if the name says so."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    file.write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)


def write_dataset(
    folder: Path, *, documents: Mapping[str, str] = ANIMALS, questions: Mapping[str, str] | None = None, qrels: str | None = None
) -> Path:
    """Titles, texts, a question for each document unless said otherwise, and its judgement."""
    asked = questions if questions is not None else {f"q-{name}": f"What says the {name}?" for name in documents}
    write_lines(folder / "corpus.jsonl", [{"_id": name, "title": name, "text": text} for name, text in documents.items()])
    write_lines(folder / "queries.jsonl", [{"_id": name, "text": text} for name, text in asked.items()])
    (folder / "qrels").mkdir(exist_ok=True)
    (folder / "qrels" / "test.tsv").write_text(qrels if qrels is not None else QRELS + "".join(f"q-{name}\t{name}\t1\n" for name in documents))
    return folder


def a_dataset(folder: Path, **written: Any) -> Dataset:
    return read_dataset(write_dataset(folder, **written))
