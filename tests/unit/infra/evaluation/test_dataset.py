"""Datasets: what is read of a folder, and what is said of one that cannot be."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from infra.environment import PROJECT
from infra.evaluation.dataset import read_dataset
from schemas.errors import InvalidDataset
from tests.unit.infra.evaluation.collections import ANIMALS, QRELS, a_dataset, write_dataset, write_lines


def test_a_folder_holds_documents_questions_and_judgements(tmp_path: Path) -> None:
    """With the ids that they have there."""
    dataset = a_dataset(tmp_path / "animals")

    assert ("animals", "test", 0) == (dataset.name, dataset.split, dataset.empty)
    assert list(ANIMALS) == [dataset.names[document.document_id] for document in dataset.documents]
    assert [(name, text) for name, text in ANIMALS.items()] == [(document.title, document.content) for document in dataset.documents]
    assert {"q-cow": {"cow": 1}} == {query: dict(judged) for query, judged in dataset.judgements.items() if query == "q-cow"}
    assert ("q-cow", "What says the cow?") == dataset.questions[0]


@pytest.mark.parametrize(
    "qrels", [f"{QRELS}1\t7\t2\n", "1\t7\t2\n", "1 0 7 2\n", "1\t0\t7\t2\n", "query-id corpus-id score\n1 7 2\n", f"{QRELS}1\t7\t2.0\n\n"]
)
def test_judgements_come_with_and_without_a_header_and_in_trecs_form(tmp_path: Path, qrels: str) -> None:
    """With tabs or blanks between the columns."""
    write_dataset(tmp_path, documents={"7": "Seven."}, questions={"1": "One?"}, qrels=qrels)

    assert {"1": {"7": 2}} == read_dataset(tmp_path).judgements


def test_compressed_files_numbers_as_ids_and_no_titles_are_read_too(tmp_path: Path) -> None:
    """As some collections have them."""
    write_lines(tmp_path / "corpus.jsonl.gz", [{"_id": 7, "text": "Seven."}])
    write_lines(tmp_path / "queries.jsonl.gz", [{"_id": 1, "text": "One?"}])
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "dev.txt.gz").write_bytes(gzip.compress(b"1 0 7 1\n"))
    dataset = read_dataset(tmp_path, split="dev")

    assert [("1", "One?")] == list(dataset.questions)
    assert [("7", None, "Seven.")] == [(one.document_id, one.title, one.content) for one in dataset.documents]


def test_an_id_that_the_index_cannot_have_is_given_back_in_the_end(tmp_path: Path) -> None:
    """Blanks and brackets, and two that differ in those only."""
    names = ["Dog (animal)", "Dog [animal]"]
    dataset = a_dataset(tmp_path, documents=dict.fromkeys(names, "Woof."))

    assert names == [dataset.names[document.document_id] for document in dataset.documents]


def test_a_document_without_text_consists_of_its_title_or_is_left_out(tmp_path: Path) -> None:
    """And is counted then."""
    write_dataset(tmp_path)
    write_lines(tmp_path / "corpus.jsonl", [{"_id": "cow", "title": "Cow", "text": " "}, {"_id": "dog", "title": "", "text": ""}])
    dataset = read_dataset(tmp_path)

    assert ["Cow"] == [document.content for document in dataset.documents]
    assert 1 == dataset.empty


def test_questions_without_a_relevant_document_are_not_asked(tmp_path: Path) -> None:
    """Nothing could be right for them: not judged in this split, or judged as irrelevant only."""
    dataset = a_dataset(tmp_path, qrels=f"{QRELS}q-cow\tcow\t0\nq-dog\tdog\t1\nq-dog\tcow\t0\n")

    assert ["q-dog"] == [question.id for question in dataset.questions]
    assert {"q-dog": {"dog": 1, "cow": 0}} == dataset.judgements


def test_a_limit_takes_the_first_questions(tmp_path: Path) -> None:
    """All documents stay: a smaller haystack would flatter."""
    dataset = read_dataset(write_dataset(tmp_path), limit=2)

    assert ["q-cow", "q-dog"] == [question.id for question in dataset.questions] == list(dataset.judgements)
    assert len(ANIMALS) == len(dataset.documents)


def test_pages_in_a_folder_are_documents_too(tmp_path: Path) -> None:
    """By the names of their files; what is no page is passed over."""
    write_dataset(tmp_path).joinpath("corpus.jsonl").unlink()
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "cow.md").write_text("# The cow\n\nMoo.")
    (tmp_path / "corpus" / "barn.xyz").write_text("?")

    assert [("cow", "text/markdown")] == [(one.document_id, one.content_type) for one in read_dataset(tmp_path).documents]


def test_the_samples_are_a_dataset() -> None:
    """Their pages lie in the folder beside it, and every judged page is there."""
    dataset = read_dataset(PROJECT / "infra" / "samples" / "beir")
    judged = {name for rows in dataset.judgements.values() for name in rows}

    assert 40 == len(dataset.questions)
    assert set() == judged - set(dataset.names.values())


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("corpus.jsonl", None, "no corpus.jsonl"),
        ("corpus.jsonl", "{", "corpus.jsonl, line 1: not valid JSON"),
        ("corpus.jsonl", "[1]", "corpus.jsonl, line 1: no JSON object"),
        ("corpus.jsonl", '{"text": "Moo."}', "corpus.jsonl, line 1: no `_id`"),
        ("corpus.jsonl", '{"_id": "1", "text": "Moo."}\n{"_id": 1, "text": "Woof."}', "two documents have the id '1'"),
        ("corpus.jsonl", '{"_id": "1"}', "no document with text"),
        ("queries.jsonl", None, "no queries.jsonl"),
        ("queries.jsonl", '\n{"_id": "1", "text": ""}', "the question has no text"),
        ("queries.jsonl", '{"_id": "other", "text": "?"}', "has a relevant document in split 'test'"),
        ("qrels/test.tsv", None, "no qrels/test.tsv"),
        ("qrels/test.tsv", "one\ttwo\n", "line 1: 2 columns"),
        ("qrels/test.tsv", f"{QRELS}q-cow\tcow\tgood\n", "line 2: 'good' is no score"),
        ("qrels/test.tsv", "\udcff", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path, file: str, text: str | None, says: str) -> None:
    """With the file and the line."""
    path = write_dataset(tmp_path / "animals") / file
    path.unlink() if text is None else path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(InvalidDataset) as raised:
        read_dataset(tmp_path / "animals")

    assert says in raised.value.detail
    assert raised.value.remedy


def test_a_missing_split_is_answered_with_those_that_are_there(tmp_path: Path) -> None:
    """And a folder that is not there, with its name."""
    with pytest.raises(InvalidDataset, match="Splits that are there: test") as raised:
        read_dataset(write_dataset(tmp_path), split="dev")
    with pytest.raises(InvalidDataset, match="is no folder") as absent:
        read_dataset(tmp_path / "absent")

    assert "dev.tsv" in str(raised.value)
    assert "absent" in str(absent.value)
