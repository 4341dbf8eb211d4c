"""Processes for the acceptance tests."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from infra.demo import SAMPLES
from infra.documents import find_documents
from infra.ingest import submit_and_wait
from infra.processes import Child
from schemas.settings import Settings
from tests.acceptance.fleet import Api, Fleet
from tests.acceptance.new_group import begin_here
from tests.conftest import Broker


class Running(NamedTuple):
    """A worker, two API processes, the sample documents indexed."""

    fleet: Fleet
    worker: Child
    one: Api
    two: Api

    @property
    def settings(self) -> Settings:
        return self.fleet.settings


@pytest.fixture
async def settings(settings: Settings) -> Settings:
    """Those of every test, whose group begins where the log ends."""
    return await begin_here(settings)


@pytest.fixture
async def fleet(settings: Settings) -> AsyncIterator[Fleet]:
    """Processes of one test. What they are asked has no answer in documents: mostly there are none, and models say what they are told to.

    Insights of the answers of all tests before are for the test of insights only.
    """
    fleet = Fleet(settings.model_copy(update={"refusals": False, "insights_every_s": 0.0}))
    yield fleet
    await fleet.close()


@pytest.fixture(scope="module")
async def running(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """What most tests of a module need, started once."""
    folder = tmp_path_factory.mktemp("running")
    changed = {"state_dir": folder, "consumer_group": f"roxy-{uuid.uuid4().hex[:8]}", "traces": "file", "log_format": "json", "insights_every_s": 0.0}
    fleet = Fleet(await begin_here(broker.settings.model_copy(update=changed)))
    try:
        worker, one, two = await fleet.worker(), await fleet.api(), await fleet.api()
        found = find_documents([SAMPLES], tenant="default", tags=(), max_bytes=10**7)
        done = await submit_and_wait(fleet.settings, found.documents)
        assert (found.total, 0, []) == (len(done.indexed), done.waiting, done.failed)
        yield Running(fleet, worker, one, two)
    finally:
        await fleet.close()
