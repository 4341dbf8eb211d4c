"""Faults of what is around our processes: the network between clients and an API process, and the language model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.robustness.system import System

_DELAY_S = 0.3  # a piece


@asynccontextmanager
async def network_cut(system: System, name: str) -> AsyncIterator[dict[str, Any]]:
    """Connections break, and no new one comes about."""
    system.proxies[name].cut()
    yield {}
    system.proxies[name].heal()


@asynccontextmanager
async def network_hung(system: System, name: str) -> AsyncIterator[dict[str, Any]]:
    """Connections stay open, and nothing comes through."""
    system.proxies[name].hang()
    yield {}
    system.proxies[name].heal()


@asynccontextmanager
async def network_delayed(system: System, name: str) -> AsyncIterator[dict[str, Any]]:
    """What is said comes late."""
    system.proxies[name].slow(_DELAY_S)
    yield {"delay_s": _DELAY_S}
    system.proxies[name].heal()


@asynccontextmanager
async def model_broken(system: System, trouble: str) -> AsyncIterator[dict[str, Any]]:
    """The model's server fails, in one of the ways in which they fail."""
    system.model.trouble = trouble
    yield {}
    system.model.heal()
