"""The session log's backends, each as a test's `bench`, and the protocols of models' servers, each as its `dialect`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.model_servers import OLLAMA, OPENAI, Dialect
from tests.contract.session_logs import Backend, Bench, open_bench

BACKENDS = ("memory, topic", "memory, lane", "kafka, topic", "kafka, lane")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    kind, placement = request.param.split(", ")
    return Backend(kind, placement, request.getfixturevalue("settings") if kind == "kafka" else None)


@pytest.fixture
async def bench(backend: Backend) -> AsyncIterator[Bench]:
    async with open_bench(backend) as bench:
        yield bench


@pytest.fixture(params=[OLLAMA, OPENAI], ids=lambda dialect: dialect.backend)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found
