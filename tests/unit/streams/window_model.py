"""Work that ends when it is told to, and what a window promises about it, kept with plain sets."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from schemas.record import Record

Place = tuple[int, int]  # partition, offset


def a_record(partition: int, offset: int, key: str = "k", tenant: str = "default") -> Record:
    return Record("queries", partition, offset, key.encode(), b"{}", (("tenant", tenant.encode()),))


async def settled() -> None:
    """Let the loop run until nothing moves any more; the longest chain here (end, notify, start) takes fewer turns."""
    for _ in range(12):
        await asyncio.sleep(0)


class Bench:
    """Work that ends when it is told to, and writes down what it sees."""

    def __init__(self) -> None:
        self.gates: dict[Place, asyncio.Event] = {}
        self.running: list[Record] = []
        self.started: list[Record] = []
        self.finished: list[Record] = []
        self.cancelled: list[Record] = []

    async def work(self, record: Record) -> None:
        self.running.append(record)
        self.started.append(record)
        gate = self.gates[record.partition, record.offset] = asyncio.Event()
        try:
            await gate.wait()
            self.finished.append(record)
        except asyncio.CancelledError:
            self.cancelled.append(record)
            raise
        finally:
            self.running.remove(record)

    async def finish(self, partition: int, offset: int) -> None:
        self.gates[partition, offset].set()
        await settled()

    async def finish_all(self) -> None:
        while self.running:
            for record in list(self.running):
                self.gates[record.partition, record.offset].set()
            await settled()


class Model:
    """What the window promises, kept with plain sets. Offsets go on where they stopped; a revoked partition starts at its first unfinished record."""

    def __init__(self) -> None:
        self.records: dict[int, list[tuple[str, str]]] = defaultdict(list)  # by partition: key and tenant of each offset
        self.next: dict[int, int] = defaultdict(int)
        self.unfinished: dict[int, set[int]] = {}

    def admit(self, partition: int, key: str, tenant: str) -> Record:
        offset = self.next[partition]
        if offset == len(self.records[partition]):
            self.records[partition].append((key, tenant))
        self.next[partition] = offset + 1
        self.unfinished.setdefault(partition, set()).add(offset)
        key, tenant = self.records[partition][offset]
        return a_record(partition, offset, key, tenant)

    def heads(self) -> dict[tuple[str, int], int]:
        return {("queries", partition): min(left, default=self.next[partition]) for partition, left in self.unfinished.items()}

    def revoke(self, partition: int) -> None:
        left = self.unfinished.pop(partition, set())
        self.next[partition] = min(left, default=self.next[partition])
