"""The local Ollama: where it can be started."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import ollama
from schemas.errors import InvalidSetting
from schemas.settings import Settings


@pytest.mark.parametrize("url", ["http://elsewhere:11434", "http://127.0.0.1"])
async def test_one_is_started_on_this_machine_only(url: str, tmp_path: Path) -> None:
    """At an address with a port."""
    with pytest.raises(InvalidSetting, match="cannot be started"):
        await ollama.start(Settings(state_dir=tmp_path, ollama_url=url))
