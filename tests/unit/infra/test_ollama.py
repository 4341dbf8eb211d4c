"""The local Ollama: where it can be started."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import ollama, weaviate
from infra.processes import Child
from infra.up import server_of
from schemas.errors import InvalidSetting
from schemas.settings import Settings


@pytest.mark.parametrize("url", ["http://elsewhere:11434", "http://127.0.0.1"])
async def test_one_is_started_on_this_machine_only(url: str, tmp_path: Path) -> None:
    """At an address with a port."""
    with pytest.raises(InvalidSetting, match="cannot be started"):
        await ollama.SERVER.start(Settings(state_dir=tmp_path, ollama_url=url))


def test_one_is_started_by_itself_where_it_was_before(tmp_path: Path) -> None:
    """Since the state folder holds its models, and as long as answers are asked for on this machine."""
    settings = Settings(state_dir=tmp_path)
    before = ollama.SERVER.wanted(settings)
    ollama.SERVER.folder(tmp_path)

    assert (False, True) == (before, ollama.SERVER.wanted(settings))
    assert not ollama.SERVER.wanted(settings.model_copy(update={"ollama_url": "http://elsewhere:11434"}))


def test_what_runs_beside_kafka_is_known_by_its_name(tmp_path: Path) -> None:
    """So that `roxy status` asks it in its own way, and `roxy down` stops it behind our own processes."""
    names = ("weaviate", "ollama", "worker-1", "kafka-1")
    children = [Child(name, 1, 0.0, tmp_path / "log", "127.0.0.1:1") for name in names]

    assert [weaviate.SERVER, ollama.SERVER, None, None] == [server_of(child) for child in children]
