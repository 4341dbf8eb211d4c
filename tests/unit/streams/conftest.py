"""What the tests of the streams share: no pauses between tries, and a session that is there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.session_log.memory import MemorySessionLog
from schemas.session_id import Session
from streams import step as step_module

SESSION = Session("default", "t1")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_module, "_FIRST_PAUSE_S", 0.0)


@pytest.fixture
async def session_log() -> AsyncIterator[MemorySessionLog]:
    async with MemorySessionLog() as log:
        await log.create(SESSION)
        yield log
