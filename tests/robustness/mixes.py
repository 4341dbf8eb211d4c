"""Mixes: what a run is made of, by name. How many brokers, how much traffic, which faults at what pace, which model answers."""

from __future__ import annotations

from typing import NamedTuple

#: Of which processes a fault may take one; `session` and `workers` choose theirs when they begin.
WORKERS, APIS = ("worker-1", "worker-2"), ("api-1", "api-2")


class Kind(NamedTuple):
    """A kind of fault: what it may hit, and how long it lasts."""

    targets: tuple[str, ...]
    shortest_s: float
    longest_s: float


KINDS: dict[str, Kind] = {
    "kill-worker": Kind(WORKERS, 1, 12),
    "stop-worker": Kind(WORKERS, 1, 6),
    "pause-worker": Kind(WORKERS, 3, 20),
    "kill-api": Kind(APIS, 1, 6),
    "stop-api": Kind(APIS, 1, 6),
    "pause-api": Kind(APIS, 2, 12),
    "kill-broker": Kind(("leader",), 1, 8),
    "stop-broker": Kind(("leader",), 1, 6),
    "pause-broker": Kind(("leader",), 2, 12),
    "clock-ahead": Kind((*WORKERS, *APIS), 3, 15),
    "clock-behind": Kind((*WORKERS, *APIS), 3, 15),
    "cut-network": Kind(APIS, 1, 8),
    "hang-network": Kind(APIS, 2, 10),
    "delay-network": Kind(APIS, 4, 12),
    "cut-off-broker": Kind(("leader",), 1, 8),
    "hang-broker": Kind(("leader",), 2, 10),
    "delay-broker": Kind(("leader",), 4, 12),
    "fill-disk-of-broker": Kind(("leader",), 1, 6),
    "slow-broker": Kind(("leader",), 4, 12),
    "break-model": Kind(("refuses", "breaks off", "is silent"), 2, 10),
    "kill-weaviate": Kind(("weaviate",), 1, 10),
    "stop-weaviate": Kind(("weaviate",), 1, 6),
    "pause-weaviate": Kind(("weaviate",), 2, 15),
    "rebalance-storm": Kind(("workers",), 15, 25),
    "forget-session": Kind(("session",), 1, 2),
    "cut-retention": Kind(("session",), 1, 2),
}
_KILLS = ("kill-worker", "kill-api", "kill-broker")
_PROCESSES = ("kill-worker", "stop-worker", "pause-worker", "kill-api", "stop-api", "pause-api")
_BROKER = ("kill-broker", "stop-broker", "pause-broker", "fill-disk-of-broker", "slow-broker")
_CLOCKS = ("clock-ahead", "clock-behind")
_BROKER_NETWORK = ("cut-off-broker", "hang-broker", "delay-broker")  #: between all others and the broker; brokers' votes go another way
_AROUND = ("cut-network", "hang-network", "delay-network", "break-model", "forget-session", "cut-retention", *_CLOCKS)
_WEAVIATE = ("kill-weaviate", "stop-weaviate", "pause-weaviate")


class Mix(NamedTuple):
    """What one run is made of."""

    decks: tuple[tuple[str, ...], ...]  #: faults of one deck come one after the other, each before any comes again; decks at the same time
    brokers: int = 1
    pause_s: tuple[float, float] = (4.0, 10.0)  #: from a fault's end to the next of its deck
    asks_per_min: float = 40.0
    models: tuple[str, ...] = ("ollama:robust", "openai:robust", "extractive")  #: one of them, by the seed

    @property
    def proxied(self) -> bool:
        """Whether the brokers are reached through a network that can be broken. It costs time, so only where it is."""
        return any(kind in _BROKER_NETWORK for deck in self.decks for kind in deck)

    @property
    def weaviate(self) -> bool:
        """Whether what is searched lies in Weaviate, not in each worker. It has to be built with Go, so only where it is broken."""
        return any(kind in _WEAVIATE for deck in self.decks for kind in deck)


MIXES: dict[str, Mix] = {
    "all": Mix(((*_PROCESSES, *_BROKER, *_AROUND, "rebalance-storm"),)),
    "calm": Mix(((),)),
    "ci": Mix(((*_PROCESSES, *_BROKER, *_AROUND, "rebalance-storm"),), pause_s=(3.0, 6.0), models=("ollama:robust",)),
    "clocks": Mix(((*_CLOCKS, "kill-worker", "kill-api"),), pause_s=(3.0, 6.0)),
    "cluster": Mix((_BROKER,), brokers=3, pause_s=(12.0, 18.0)),
    "kills": Mix((_KILLS,), brokers=3, pause_s=(13.0, 17.0), asks_per_min=50.0),
    "network": Mix(((*_BROKER_NETWORK, "cut-network", "hang-network", "delay-network"),), brokers=3),
    "short": Mix((_KILLS,), pause_s=(4.0, 5.0), models=("ollama:robust",)),
    "storm": Mix((("rebalance-storm", *_PROCESSES[:3]), (*_PROCESSES[3:], *_AROUND), _BROKER), pause_s=(2.0, 12.0)),
    "weaviate": Mix((_WEAVIATE, _PROCESSES[:3]), pause_s=(8.0, 14.0)),
    "workers": Mix((_PROCESSES[:3],), pause_s=(10.0, 14.0), asks_per_min=50.0),
}
