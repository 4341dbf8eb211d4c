"""The session log's backends, each as a test's `bench`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

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
