"""The bookkeeping of one incremental fetch session with one broker (KIP-227). No I/O.

A full fetch opens a session; each later one names only the partitions whose offset moved or that are new, and those to forget. The
broker answers with the partitions that have something to say.
"""

from __future__ import annotations

from typing import Any

from aiokafka.structs import TopicPartition

from connectors.kafka.wire import FetchSessionRequest

_LAST_EPOCH = 2**31 - 1  # then 1 again; 0 opens a session
_SESSION_ERRORS = frozenset({70, 71})  # FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH: the broker forgot the session


class FetchSession:
    """What the broker was told, and what it has to be told next."""

    def __init__(self, *, max_wait_ms: int, max_bytes: int) -> None:
        self._max_wait_ms, self._max_bytes = max_wait_ms, max_bytes
        self._session_id, self._epoch = 0, 0
        self._wanted: dict[TopicPartition, int] = {}
        self._told: dict[TopicPartition, int] = {}
        self._changed: set[TopicPartition] = set()

    def __len__(self) -> int:
        return len(self._wanted)

    def partitions(self) -> list[TopicPartition]:
        return list(self._wanted)

    def position(self, partition: TopicPartition) -> int | None:
        """The next offset that will be delivered; None if the partition is not wanted."""
        return self._wanted.get(partition)

    def answered(self, partition: TopicPartition) -> int | None:
        """The offset that the broker answers from; None if the answer is not for us: the partition is not wanted, or was wanted anew since,
        and be it from the same offset: another topic may have its name by now."""
        return None if partition in self._changed else self._wanted.get(partition)

    def want(self, partition: TopicPartition, offset: int) -> None:
        """Fetch the partition from that offset on."""
        self._wanted[partition] = offset
        self._changed.add(partition)

    def drop(self, partition: TopicPartition) -> None:
        """Fetch the partition no more."""
        self._wanted.pop(partition, None)
        self._changed.add(partition)

    def request(self) -> FetchSessionRequest:
        """The next request; it must be sent."""
        changed = self._changed if self._epoch else self._wanted.keys()
        wanted = {tp: self._wanted[tp] for tp in changed if tp in self._wanted}
        forgotten = [tp for tp in changed if tp not in self._wanted and tp in self._told]
        self._told.update(wanted)
        for partition in forgotten:
            del self._told[partition]
        self._changed.clear()
        return FetchSessionRequest(
            max_wait_ms=self._max_wait_ms,
            max_bytes=self._max_bytes,
            session_id=self._session_id,
            epoch=self._epoch,
            wanted=wanted,
            forgotten=forgotten,
        )

    def accept(self, response: Any) -> bool:
        """Take the answer's session. False: the broker forgot the session; ask again and a new one is opened."""
        if response.error_code in _SESSION_ERRORS:
            self.reset()
            return False
        self._session_id = response.session_id
        # id 0: the broker keeps no session; every fetch is a full one
        self._epoch = self._epoch % _LAST_EPOCH + 1 if response.session_id else 0
        return True

    def reset(self) -> None:
        """Open a new session with the next request: after a lost connection nobody knows what the broker was told."""
        self._session_id, self._epoch = 0, 0
        self._told.clear()
