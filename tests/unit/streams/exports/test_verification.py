"""streams/exports/verification.py: whatever of an export is altered is found, with the row and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.journal.memory import MemoryJournal
from schemas.errors import InvalidInput
from streams.exports.manifest import NAME, hash_of_file, read_manifest
from streams.exports.plan import KINDS, Kind
from streams.exports.verification import Finding, verify
from tests.builders import CONTEXT
from tests.unit.streams.exports.log import a_log, an_export, answered, said, tools

Rows = list[dict[str, Any]]


async def findings(journal: MemoryJournal, folder: Path) -> tuple[Finding, ...]:
    return (await verify(journal, folder, read_manifest(folder), tools())).findings


async def after(tmp_path: Path, change: Callable[[Rows], None], kind: Kind = "preferences", format_name: str = "trl") -> dict[str, tuple[str, str]]:
    """Row and words by kind, of what is found when somebody has changed the rows, and the file's hash in the manifest with them."""
    journal, folder = await a_log(), tmp_path / "out"
    await an_export(journal, folder, kind, format=format_name, test_share=0)
    file = folder / ("train.json" if format_name == "argilla" else "train.jsonl")
    rows = orjson.loads(file.read_bytes()) if format_name == "argilla" else [orjson.loads(line) for line in file.read_bytes().splitlines()]
    change(rows)
    written = [orjson.dumps(row) for row in rows]
    file.write_bytes(b"[\n" + b",\n".join(written) + b"\n]\n" if format_name == "argilla" else b"\n".join(written) + b"\n")
    alter_manifest(folder, lambda fields: fields["files"][0].update(sha256=hash_of_file(file)))
    return {found.kind: (found.row, found.what) for found in await findings(journal, folder)}


def alter_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    fields = orjson.loads((folder / NAME).read_bytes())
    change(fields)
    (folder / NAME).write_bytes(orjson.dumps(fields))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format_name", ["trl", "argilla", pytest.param("parquet", marks=pytest.mark.full)])
async def test_an_export_is_what_the_log_says(tmp_path: Path, kind: Kind, format_name: str) -> None:
    """Also when the log has grown since: its bounds stand in the manifest."""
    journal = await a_log()
    await an_export(journal, tmp_path / "out", kind, format=format_name, test_share=0.3)
    await journal.append_all([answered(30)], CONTEXT)
    await journal.append_all([said(0, "dora", thumb="down"), said(30, "dora", correction="Else.")], CONTEXT)

    assert () == await findings(journal, tmp_path / "out")


async def test_an_altered_text_is_found(tmp_path: Path) -> None:
    """Which row, which column, and what it should be."""

    def change(rows: Rows) -> None:
        rows[3]["chosen"][0]["content"] = "Something else."

    found = await after(tmp_path, change)

    assert {"text"} == found.keys()
    row, what = found["text"]
    assert row.startswith("p-")
    assert what.startswith("the text of `chosen` is ")
    assert "Something else." in what


async def test_an_altered_offset_is_found(tmp_path: Path) -> None:
    """Of the feedback that a row claims to rest on."""
    found = await after(tmp_path, lambda rows: rows[0]["feedback_positions"].__setitem__(0, "feedback[0]@999"))

    assert {"offset"} == found.keys()
    assert "feedback[0]@999" in found["offset"][1]


async def test_an_altered_hash_in_a_row_is_found(tmp_path: Path) -> None:
    """Of its chunks."""
    found = await after(tmp_path, lambda rows: rows[0].update(context_hash="c9"))

    assert {"hash"} == found.keys()
    assert found["hash"][1].startswith("the hash of `context_hash` is 'c9'")


@pytest.mark.parametrize("format_name", ["openai", "argilla"])
async def test_other_formats_are_looked_into_as_well(tmp_path: Path, format_name: str) -> None:
    """OpenAI's rows have no id: their place in the file tells which one it is."""

    def change(rows: Rows) -> None:
        row = rows[5].get("fields", rows[5])
        row["preferred_output" if "preferred_output" in row else "chosen"][0]["content"] = "Else."

    found = await after(tmp_path, change, format_name=format_name)

    assert {"text"} == found.keys()
    assert found["text"][0].startswith("p-")


async def test_a_missing_and_an_additional_row_are_found(tmp_path: Path) -> None:
    """By their ids; the others are not blamed."""

    def change(rows: Rows) -> None:
        del rows[2]
        rows.append({**rows[0], "pair_id": "p-0"})

    found = await after(tmp_path, change)

    assert {"missing", "additional"} == found.keys()
    assert "p-0" == found["additional"][0]


async def test_a_row_that_stands_there_twice_is_found(tmp_path: Path) -> None:
    """It would count double in training."""
    found = await after(tmp_path, lambda rows: rows.append(rows[0]))

    assert {"additional"} == found.keys()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda fields: fields["hashes"]["train.jsonl"].update({next(iter(fields["hashes"]["train.jsonl"])): "0" * 64}), "hash"),
        (lambda fields: fields["files"][0].update(sha256="0" * 64), "hash"),
        (lambda fields: fields["hashes"]["train.jsonl"].update({"p-0": "0" * 64}), "additional"),
        (lambda fields: fields["rows"].update(train=99), "manifest"),
        (lambda fields: fields["feedback"]["end"].update({"0": 5}), "additional"),
        (lambda fields: fields["answers"]["end"].update({"0": 999}), "log"),
        (lambda fields: fields["plan"].update(min_chars=999), "manifest"),
    ],
)
async def test_an_altered_manifest_is_found(tmp_path: Path, change: Callable[[dict[str, Any]], None], kind: str) -> None:
    """Hashes, counts, bounds, settings."""
    journal, folder = await a_log(), tmp_path / "out"
    await an_export(journal, folder, test_share=0)
    alter_manifest(folder, change)

    assert kind in {found.kind for found in await findings(journal, folder)}


async def test_an_altered_card_and_a_lost_file_are_found(tmp_path: Path) -> None:
    """Whoever reads the card believes it."""
    journal, folder = await a_log(), tmp_path / "out"
    await an_export(journal, folder, test_share=0.3)
    (folder / "README.md").write_text((folder / "README.md").read_text().replace("12 rows", "13 rows"))
    (folder / "test.jsonl").unlink()
    (folder / "more.jsonl").write_text("{}\n")

    found = {(each.kind, each.where) for each in await findings(journal, folder)}

    assert {("file", "README.md"), ("hash", "README.md"), ("missing", "test.jsonl"), ("additional", "more.jsonl")} == found


async def test_a_file_that_is_cut_off_is_found(tmp_path: Path) -> None:
    """In the middle of a row."""
    journal, folder = await a_log(), tmp_path / "out"
    await an_export(journal, folder, test_share=0)
    (folder / "train.jsonl").write_bytes((folder / "train.jsonl").read_bytes()[:-40])

    assert {"file", "hash", "missing"} == {found.kind for found in await findings(journal, folder)}


async def test_a_log_that_holds_less_is_named(tmp_path: Path) -> None:
    """Nothing else is said then: the rows cannot be made again."""
    await an_export(await a_log(), tmp_path / "out")
    (found, *others) = await findings(await a_log(said(0, thumb="up")), tmp_path / "out")

    assert ("log", "feedback[0]", []) == (found.kind, found.where, others)


async def test_another_salt_is_said_to_be_one(tmp_path: Path) -> None:
    """Every rater would differ."""
    journal = await a_log()
    await an_export(journal, tmp_path / "out")

    with pytest.raises(InvalidInput, match="ROXY_EXPORT_SECRET"):
        await verify(journal, tmp_path / "out", read_manifest(tmp_path / "out"), tools("salt"))


async def test_a_folder_without_a_manifest_is_no_export(tmp_path: Path) -> None:
    """Said with what to give instead."""
    with pytest.raises(InvalidInput, match=r"holds no manifest\.json"):
        read_manifest(tmp_path)
