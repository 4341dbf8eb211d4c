"""What every test shares: a clean environment, and one real Kafka for the whole run.

`broker` starts a one-node Kafka on free ports with its data in a temporary folder (5 s, at the first test that asks for it; the jars come
from the user's cache folder) and stops it at the end, also when pytest gets SIGTERM. `settings` are a test's own, pointing to it.
"""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest

# A busy machine is no fault of a property's.
hypothesis.settings.register_profile("roxy", deadline=None)
hypothesis.settings.load_profile("roxy")

for _name in [name for name in os.environ if name.startswith("ROXY_")]:
    del os.environ[_name]

# pytest ends fixtures on KeyboardInterrupt, but not on SIGTERM; brokers are detached, so they would stay.
signal.signal(signal.SIGTERM, signal.default_int_handler)

from infra import kafka, ollama, weaviate  # noqa: E402
from infra.environment import resolve  # noqa: E402
from infra.ports import free_block  # noqa: E402
from infra.topics import create_topics  # noqa: E402
from schemas.settings import Settings  # noqa: E402
from tests import reciting_model  # noqa: E402


class Broker(NamedTuple):
    """A running Kafka with its topics."""

    bootstrap: str
    settings: Settings  #: what it was started with


@pytest.fixture(scope="session")
def broker_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Where the broker is to run. Apart from `broker`, so that it is stopped also if pytest was interrupted while it started."""
    yield from a_home(tmp_path_factory.mktemp("broker"))


def a_home(state_dir: Path) -> Iterator[Settings]:
    """A place for a broker, which is stopped in the end, and its data taken away."""
    own = Settings(state_dir=state_dir, kafka_port=free_block(2), embedder="none")
    yield own
    kafka.stop(own)
    shutil.rmtree(state_dir, ignore_errors=True)


@pytest.fixture(scope="session")
async def broker(broker_home: Settings) -> Broker:
    """A real one-node Kafka, with the topics of `schemas/topics.py`."""
    return await a_broker(broker_home)


async def a_broker(home: Settings) -> Broker:
    """Started there, with its topics."""
    cluster = await kafka.start(home)
    resolved = resolve(home, cluster)
    await create_topics(resolved)
    return Broker(cluster.bootstrap, resolved)


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> Settings:
    """Settings of a test's own: the shared broker, a state folder and a consumer group that no other test has, no embedding model.

    No answer is given again: `answers` holds those of all tests.
    """
    own = {"state_dir": tmp_path, "consumer_group": f"roxy-{uuid.uuid4().hex[:8]}", "answer_cache": False}
    return broker.settings.model_copy(update=own)


@pytest.fixture(scope="session")
def weaviate_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Where the shared Weaviate is to run, its address and key to come."""
    first = free_block(6)
    own = Settings(state_dir=tmp_path_factory.mktemp("weaviate"), weaviate_port=first, weaviate_grpc_port=first + 1)
    yield own
    weaviate.SERVER.stop(own)
    shutil.rmtree(own.state_dir, ignore_errors=True)


@pytest.fixture(scope="session")
async def weaviate_server(weaviate_home: Settings) -> Settings:
    """A real Weaviate, for tests of the full tier: settings that reach it. It is built at the first start on a machine, with Go, in minutes."""
    await weaviate.SERVER.start(weaviate_home)
    return weaviate.reached(weaviate_home)


@pytest.fixture(scope="session")
def ollama_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Where the shared Ollama is to run."""
    port = free_block(1)
    state_dir = tmp_path_factory.mktemp("ollama")
    own = Settings(state_dir=state_dir, ollama_url=f"http://127.0.0.1:{port}", openai_url=f"http://127.0.0.1:{port}/v1")
    yield own
    ollama.SERVER.stop(own)
    shutil.rmtree(state_dir, ignore_errors=True)


@pytest.fixture(scope="session")
async def ollama_server(ollama_home: Settings) -> Settings:
    """A real Ollama with the models of tests/reciting_model.py, for tests of the full tier: settings that reach it, in both protocols.

    Built at the first start on a machine, with Go and a C++ compiler, in minutes.
    """
    await ollama.SERVER.start(ollama_home)
    await reciting_model.create(ollama_home.ollama_url, ollama_home.state_dir)
    return ollama_home
