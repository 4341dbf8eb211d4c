"""The local Weaviate: when one is used, and what it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from infra import weaviate
from infra.environment import PROJECT
from infra.ollama_install import OLLAMA
from infra.weaviate_install import WEAVIATE
from schemas.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", cache_dir=tmp_path / "cache", weaviate_port=1001, weaviate_grpc_port=2001)


def make_key(settings: Settings) -> None:
    (settings.state_dir / "weaviate").mkdir(parents=True)
    (settings.state_dir / "weaviate" / "key").write_text("secret")


def test_a_state_folder_that_holds_one_says_where_the_index_lies(settings: Settings) -> None:
    """Address and key, and both parts of the index, unless a setting says otherwise."""
    before = weaviate.reached(settings)
    make_key(settings)
    found = weaviate.reached(settings)

    assert before == settings
    assert (found.weaviate_url, found.weaviate_key) == ("http://127.0.0.1:1001", SecretStr("secret"))
    assert (found.vector_index, found.keyword_index) == ("weaviate", "weaviate")
    assert weaviate.reached(Settings(state_dir=settings.state_dir, keyword_index="tantivy")).keyword_index == "tantivy"


def test_an_outside_one_is_taken_as_it_is(settings: Settings) -> None:
    """Nothing is started, and no key of ours is sent there."""
    make_key(settings)
    outside = settings.model_copy(update={"weaviate_url": "https://elsewhere:443", "vector_index": "weaviate"})

    assert not weaviate.SERVER.wanted(outside)
    assert weaviate.reached(outside) == outside


def test_one_is_wanted_where_a_part_of_the_index_lies_in_it(settings: Settings) -> None:
    """By setting, or since the state folder holds one."""
    named = settings.model_copy(update={"keyword_index": "weaviate"})
    before = weaviate.SERVER.wanted(settings), weaviate.SERVER.wanted(named)
    make_key(settings)

    assert before == (False, True)
    assert weaviate.SERVER.wanted(settings)


def test_the_containers_are_of_the_versions_that_the_tests_run_against() -> None:
    """Weaviate's, Ollama's and Kafka's, and Weaviate is told the same of its search."""
    compose = (PROJECT / "infra" / "compose" / "compose.yaml").read_text()
    kafka = (PROJECT / "infra" / "kafka_jars.txt").read_text().split("kafka_2.13:")[1].split()[0]

    assert f"weaviate:{WEAVIATE.version.removeprefix('v')}" in compose
    assert f"ollama:{OLLAMA.version.removeprefix('v')}" in compose
    assert f"kafka:{kafka}" in compose
    assert 'BLOCKMAX_WAND_PER_SEGMENT_LIMIT: "100000"' in compose
