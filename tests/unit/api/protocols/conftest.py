"""A running API whose questions are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from tests.scripted_worker import working


@pytest.fixture
async def answering(api: Any) -> AsyncIterator[Any]:
    """The API, and a worker."""
    async with working(api.journal, api.log):
        yield api


@pytest.fixture
async def client(answering: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's own client, at the API."""
    async with openai.AsyncOpenAI(base_url=f"{answering.base}/v1", api_key="none", max_retries=0) as client:
        yield client
