"""streams/exports/writing.py: an export as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from schemas.errors import InvalidInput
from streams.exports.manifest import hash_of, hash_of_file
from streams.exports.plan import KINDS, Kind
from tests.unit.streams.exports.log import a_log, an_export, said

#: A row of OpenAI's direct preference optimisation: one turn of the assistant on each side, no other fields.
OPENAI_TURN = {
    "type": "object",
    "required": ["role", "content"],
    "additionalProperties": False,
    "properties": {"role": {"enum": ["system", "user", "assistant", "tool"]}, "content": {"type": "string"}},
}
OPENAI_OUTPUT = {
    "type": "array",
    "minItems": 1,
    "maxItems": 1,
    "items": {"allOf": [OPENAI_TURN, {"properties": {"role": {"enum": ["assistant", "tool"]}}}]},
}
OPENAI_ROW = {
    "type": "object",
    "required": ["input", "preferred_output", "non_preferred_output"],
    "additionalProperties": False,
    "properties": {
        "input": {
            "type": "object",
            "required": ["messages"],
            "additionalProperties": False,
            "properties": {
                "messages": {"type": "array", "minItems": 1, "items": OPENAI_TURN},
                "tools": {"type": "array"},
                "parallel_tool_calls": {"type": "boolean"},
            },
        },
        "preferred_output": OPENAI_OUTPUT,
        "non_preferred_output": OPENAI_OUTPUT,
    },
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def lines(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format_name", ["trl", "argilla", pytest.param("parquet", marks=pytest.mark.full)])
async def test_the_same_bounds_give_the_same_bytes(tmp_path: Path, kind: Kind, format_name: str) -> None:
    """Card and manifest too, in another folder; nothing else is left lying there."""
    journal = await a_log()
    for name in ("one", "two"):
        await an_export(journal, tmp_path / name, kind, format=format_name, test_share=0.3)

    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert ["one", "two"] == names(tmp_path)


async def test_the_manifest_has_the_hash_of_every_file_and_every_row(tmp_path: Path) -> None:
    """Also of the card."""
    manifest = await an_export(await a_log(), tmp_path / "out", test_share=0.3)
    rows = [(file.name, row) for file in manifest.files if file.split for row in lines(tmp_path / "out" / file.name)]

    assert {file.name: file.sha256 for file in manifest.files} == {file.name: hash_of_file(tmp_path / "out" / file.name) for file in manifest.files}
    assert {"train.jsonl", "test.jsonl", "README.md"} == {file.name for file in manifest.files}
    assert all(manifest.hashes[name][row["pair_id"]] == hash_of(row) for name, row in rows)
    assert sum(manifest.rows.values()) == len(rows) == 16


async def test_openai_rows_pass_its_schema(tmp_path: Path) -> None:
    """Where they come from stands in a file beside, row by row."""
    await an_export(await a_log(), tmp_path / "out", format="openai", test_share=0.3)
    rows, beside = lines(tmp_path / "out" / "train.jsonl"), lines(tmp_path / "out" / "provenance" / "train.jsonl")

    assert [] == [error.message for row in rows for error in Draft202012Validator(OPENAI_ROW).iter_errors(row)]
    assert len(rows) == len(beside) > 0
    assert all(row["feedback_positions"] for row in beside)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "preferences"])
async def test_openai_takes_preferences_only(tmp_path: Path, kind: Kind) -> None:
    """Said before anything is read."""
    with pytest.raises(InvalidInput, match="preferences only"):
        await an_export(await a_log(), tmp_path / "out", kind, format="openai")


async def test_a_folder_that_holds_something_is_not_written_over(tmp_path: Path) -> None:
    """Somebody may train on it."""
    (tmp_path / "notes.txt").write_text("Mine.")
    with pytest.raises(InvalidInput, match="is there already"):
        await an_export(await a_log(), tmp_path)

    assert {"notes.txt": b"Mine."} == contents(tmp_path)


async def test_without_rows_nothing_is_written_and_the_reasons_are_told(tmp_path: Path) -> None:
    """An empty file is none that could be read."""
    with pytest.raises(InvalidInput, match="1 neither good nor bad"):
        await an_export(await a_log(said(0, stars=3)), tmp_path / "out", "kto")

    assert [] == names(tmp_path)


async def test_a_balance_of_one_side_is_refused(tmp_path: Path) -> None:
    """It would leave nothing to train on."""
    with pytest.raises(InvalidInput, match="not both"):
        await an_export(await a_log(said(0, stars=5)), tmp_path / "out", "kto", balance=True)


async def test_a_split_without_rows_has_no_file(tmp_path: Path) -> None:
    """And the card names none."""
    await an_export(await a_log(), tmp_path / "out", test_share=0)

    assert {"README.md", "manifest.json", "train.jsonl"} == contents(tmp_path / "out").keys()
    assert "split: test" not in (tmp_path / "out" / "README.md").read_text()
