"""Spans `sse.deliver`: the last leg of a trace, from the record in the log to the client. Not one per frame: for an answer's first token
and its end only, each a child of the span that wrote the record.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from opentelemetry import trace

from api.reading import Shown, ShownGap
from connectors.observability import context_from
from schemas.events import TERMINAL


class DeliverySpans:
    """Made once a process; does nothing unless spans go somewhere."""

    def __init__(self, *, wanted: bool, tracer: trace.Tracer | None = None) -> None:
        self._wanted = wanted
        self._tracer = tracer or trace.get_tracer("roxy.api")

    def delivered(self, shown: Sequence[Shown | ShownGap]) -> None:
        """These have just been handed to the socket."""
        if not self._wanted:
            return
        for entry in shown:
            if isinstance(entry, Shown) and _is_worth_a_span(entry):
                self._span(entry)

    def _span(self, entry: Shown) -> None:
        record = entry.record
        span = self._tracer.start_span(
            "sse.deliver",
            context=context_from((entry.marks.traceparent or b"").decode("ascii", "replace")),
            kind=trace.SpanKind.CONSUMER,
            # From the moment that the broker dates the record: the span is the way through the log. In memory there is no such date.
            start_time=record.timestamp * 1_000_000 if record.timestamp else time.time_ns(),
            attributes={"roxy.query_id": entry.marks.correlation, "roxy.type": entry.type, "messaging.kafka.offset": record.offset},
        )
        span.end(max(time.time_ns(), record.timestamp * 1_000_000))


def _is_worth_a_span(entry: Shown) -> bool:
    return entry.type in TERMINAL or (entry.type == "TokensGenerated" and entry.marks.token_index == 0)
