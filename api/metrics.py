"""What the API counts, in Prometheus' text form at /metrics. One registry an app, so that several apps can live in one process (tests)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Sent:
    """What streams have sent. Plain numbers: they change with every write, and a Counter's `inc` takes a lock."""

    __slots__ = ("records", "size")

    def __init__(self) -> None:
        self.records = 0
        self.size = 0


class SentByTenant(Collector):
    """The same for /metrics."""

    def __init__(self) -> None:
        self._sent: defaultdict[str, Sent] = defaultdict(Sent)

    def of(self, tenant: str) -> Sent:
        return self._sent[tenant]

    def collect(self) -> Iterator[CounterMetricFamily]:
        records = CounterMetricFamily("roxy_stream_records", "Records sent on streams.", labels=["tenant"])
        size = CounterMetricFamily("roxy_stream_bytes", "Bytes sent on streams.", labels=["tenant"])
        for tenant, sent in self._sent.items():
            records.add_metric([tenant], sent.records)
            size.add_metric([tenant], sent.size)
        yield from (records, size)


class Metrics:
    """The API's counters. Labels are bounded: tenants by the API keys, routes by the table of routes."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.open_streams = Gauge("roxy_open_streams", "Streams open now, long polls included.", ["tenant"], registry=registry)
        self.sent = SentByTenant()
        registry.register(self.sent)
        self.resumes = Counter("roxy_stream_resumes", "Streams opened with Last-Event-ID.", ["tenant"], registry=registry)
        self.gaps = Counter("roxy_stream_gaps", "Gaps that readers were told of.", ["tenant", "reason"], registry=registry)
        self.slow_readers = Counter("roxy_stream_slow_readers", "Streams ended because their reader fell behind.", ["tenant"], registry=registry)
        self.queries = Counter("roxy_queries", "Questions written to the log.", ["tenant"], registry=registry)
        self.refused = Counter("roxy_refused", "Questions and streams that were not let in.", ["tenant", "reason"], registry=registry)
        self.unanswered = Gauge("roxy_unanswered", "Questions of this process that wait for the end of their answer.", registry=registry)
        self.lag = Gauge("roxy_loop_lag_seconds", "By how much this process is late.", registry=registry)
        self.documents = Counter("roxy_documents", "Documents written to the log.", ["tenant"], registry=registry)
        self.requests = Counter("roxy_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry)
        self.request_seconds = Histogram(
            "roxy_http_request_seconds",
            "Time to the end of the answer; streams are left out.",
            ["route"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=registry,
        )

    def text(self) -> bytes:
        """All of it, and what the process-wide registry holds (memory, file descriptors, collections)."""
        return generate_latest(self._registry) + generate_latest(REGISTRY)
