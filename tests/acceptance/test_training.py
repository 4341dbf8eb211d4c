"""What reads exports reads ours: `datasets` every format of every kind, and TRL's trainers train on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.exports.plan import KINDS, FormatName, Kind
from tests import tiny_training
from tests.unit.streams.exports.log import a_log, an_export

pytestmark = [pytest.mark.full, pytest.mark.timeout(300), pytest.mark.filterwarnings("default")]  # the warnings are theirs

_FORMATS: list[tuple[Kind, FormatName]] = [(kind, name) for kind in KINDS for name in ("trl", "parquet", "argilla")]  # type: ignore[misc]
_FORMATS.append(("preferences", "openai"))
_STEPS = 2


@pytest.mark.parametrize(("kind", "format_name"), _FORMATS)
async def test_datasets_reads_every_format_as_the_card_says(tmp_path: Path, kind: Kind, format_name: FormatName) -> None:
    """From the folder alone: both splits, all rows, of one type."""
    manifest = await an_export(await a_log(), tmp_path / "out", kind, format=format_name, test_share=0.3)
    found = tiny_training.read_dataset(tmp_path / "out", tmp_path / "cache")

    assert manifest.rows == {split: len(rows) for split, rows in found.items()}
    assert found["train"].features == found["test"].features


@pytest.mark.parametrize(("kind", "trainer"), [("preferences", "DPO"), ("kto", "KTO"), ("reward", "Reward"), ("sft", "SFT")])
@pytest.mark.parametrize("format_name", ["trl", "parquet"])
async def test_trl_trains_on_it(tmp_path: Path, kind: Kind, trainer: tiny_training.Trainer, format_name: FormatName) -> None:
    """Two steps of a tiny random model."""
    await an_export(await a_log(), tmp_path / "out", kind, format=format_name, test_share=0.3)
    rows = tiny_training.read_dataset(tmp_path / "out", tmp_path / "cache")["train"]

    assert _STEPS == tiny_training.train(trainer, rows, tmp_path / "model", _STEPS)
