"""`roxy up --ollama`: a real Ollama beside a Kafka of its own. Full tier."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.ports import free_block
from schemas.settings import Settings
from tests.acceptance.roxy_command import Ran, roxy

pytestmark = pytest.mark.full


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Settings]:
    first = free_block(4)
    url = f"http://127.0.0.1:{first + 3}"
    settings = Settings(state_dir=tmp_path, kafka_port=first, ollama_url=url, embedder="none")
    yield settings
    roxy(settings, "down")


def names(ran: Ran) -> list[str]:
    assert ran.exit_code == 0, ran.stderr
    return [one["name"] for one in ran.json["processes"]]


def test_ollama_is_started_once_asked_for_and_from_then_on_by_itself(own: Settings) -> None:
    """`status` knows whether it answers, `down` stops it."""
    before = names(roxy(own, "up", "--only-broker", "--json"))
    asked_for = names(roxy(own, "up", "--only-broker", "--ollama", "--json"))
    found = {part["name"]: part["state"] for part in roxy(own, "status", "--json").json["parts"]}
    stopped = roxy(own, "down", "--json").json["stopped"]
    again = names(roxy(own, "up", "--only-broker", "--json"))

    assert (["kafka-1"], ["kafka-1", "ollama"], ["kafka-1", "ollama"]) == (before, asked_for, again)
    assert {"kafka-1": "ready", "ollama": "ready"} == found
    assert ["kafka-1", "ollama"] == stopped
