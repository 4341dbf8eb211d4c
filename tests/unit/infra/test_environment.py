"""Settings as a child's environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from infra.environment import as_variables, environment, fingerprint, resolve, resolved_embedder
from infra.kafka import Cluster
from infra.kafka_config import nodes
from schemas.answering_settings import Price
from schemas.settings import ApiKey, Settings, load_settings


def test_settings_read_back_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child sees exactly the settings of `roxy up`: numbers, paths, secrets, lists."""
    key = ApiKey(key=SecretStr("s3cret"), tenant="acme", roles=("ask", "ingest"))
    given = Settings(
        api_keys=(key,),
        kafka_password=SecretStr("pw"),
        state_dir=Path("/tmp/x"),
        drain_s=2.5,
        embedder="none",
        partitions=3,
        prices={"small": Price(prompt=1, completion=2)},
    )
    for name, value in as_variables(given).items():
        monkeypatch.setenv(name, value)

    assert given == load_settings()


def test_a_child_inherits_no_setting_that_was_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's own ROXY_ variables are replaced, not mixed in; the rest of the environment stays."""
    monkeypatch.setenv("ROXY_TOP_K", "50")
    monkeypatch.setenv("LANG", "C.UTF-8")

    env = environment(Settings(top_k=7), api_port=8007)

    assert (env["ROXY_TOP_K"], env["ROXY_API_PORT"], env["LANG"]) == ("7", "8007", "C.UTF-8")
    assert "ROXY_KAFKA_PASSWORD" not in env
    assert env["PYTHONPATH"].split(os.pathsep)[0] == str(Path(__file__).parents[3])


def test_the_local_cluster_decides_address_and_replication(tmp_path: Path) -> None:
    """Unless the user said otherwise."""
    cluster = Cluster(nodes(tmp_path, 9092, 3), ())

    found = resolve(Settings(state_dir=tmp_path), cluster)
    told = resolve(Settings(state_dir=tmp_path, kafka_min_insync=1), cluster)

    assert (found.kafka_bootstrap, found.kafka_replicas, found.kafka_min_insync) == (cluster.bootstrap, 3, 2)
    assert (told.kafka_replicas, told.kafka_min_insync) == (3, 1)


def test_the_cursor_secret_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    """Cursors outlive a restart, and nobody else on the machine can sign one."""
    first, second = (resolve(Settings(state_dir=tmp_path), None).cursor_secret for _ in range(2))

    assert first is not None
    assert first == second
    assert (tmp_path / "cursor-secret").stat().st_mode & 0o777 == 0o600


def test_an_embedder_that_was_named_is_kept() -> None:
    """Only `auto` is looked up."""
    assert resolved_embedder("none") == "none"
    assert resolved_embedder("sentence-transformers:other") == "sentence-transformers:other"
    assert resolved_embedder("auto") != "auto"


def test_a_fingerprint_sees_settings_only() -> None:
    """Two shells with another PATH start the same processes."""
    assert fingerprint({"ROXY_TOP_K": "1", "PATH": "a"}) == fingerprint({"PATH": "b", "ROXY_TOP_K": "1"})
    assert fingerprint({"ROXY_TOP_K": "1"}) != fingerprint({"ROXY_TOP_K": "2"})
