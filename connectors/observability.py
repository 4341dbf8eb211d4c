"""What a process tells of itself: log lines and spans. Both the API and the workers call `configure` first.

Lines go to standard error through structlog; what libraries log through the standard library comes out in the same form. A tracer
provider is always set, so that every record gets a trace id of its own: with ROXY_TRACES=none spans cost next to nothing, because
they are not recorded. Retries are logged without the arguments of what is retried, which would put questions into the log.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from io import TextIOBase
from pathlib import Path
from typing import Any

import orjson
import stamina.instrumentation
import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler
from opentelemetry.sdk.trace.sampling import ALWAYS_ON as SAMPLE_ALL
from opentelemetry.trace import Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from stamina.instrumentation import RetryDetails
from structlog.typing import EventDict, Processor, WrappedLogger

from schemas.errors import MissingExtra
from schemas.settings import Settings

_FLUSH_MS = 500  # a trace shall be in the file by the time somebody who saw the answer looks for it
_CHATTY = ("aiokafka", "kafka", "asyncio", "httpx2", "httpcore2")
_PROPAGATOR = TraceContextTextMapPropagator()


def configure(settings: Settings, process: str) -> None:
    """Set up log lines and spans of this process. May be called again: the last settings hold for lines, the first for spans."""
    _configure_logs(settings)
    stamina.instrumentation.set_on_retry_hooks([_log_retry])
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(tracer_provider(settings, process))


# ------------------------------------------------------------------------ logs


def _configure_logs(settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_ending(settings), foreign_pre_chain=_shared()))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace_id,
    ]


def _ending(settings: Settings) -> list[Processor]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if settings.log_format == "json":
        # No local variables: they hold questions and keys.
        tracebacks = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
        return [strip, tracebacks, structlog.processors.JSONRenderer(serializer=_json)]
    return [strip, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]


def _json(event: EventDict, **_: object) -> str:
    return orjson.dumps(event, default=repr).decode()


def _add_trace_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def _log_retry(details: RetryDetails) -> None:
    structlog.get_logger("stamina").warning(
        "retrying",
        call=details.name,
        retry=details.retry_num,
        caused_by=type(details.caused_by).__name__,
        wait_s=round(details.wait_for, 2),
        waited_s=round(details.waited_so_far, 2),
    )


# ----------------------------------------------------------------------- spans


def tracer_provider(settings: Settings, process: str) -> TracerProvider:
    """Where this process's spans go, by ROXY_TRACES. Raises MissingExtra for otlp without its package."""
    exporter = _exporter(settings, process)
    sampler: Sampler = ParentBased(SAMPLE_ALL) if exporter else ALWAYS_OFF
    provider = TracerProvider(sampler=sampler, resource=Resource.create({"service.name": f"roxy-{process}"}))
    if exporter is not None:
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_FLUSH_MS))
    return provider


def traceparent_of(span: Span) -> str:
    """The span's W3C `traceparent`. Of a span that is none, one that starts a trace of its own, so that a record always has one."""
    context = span.get_span_context()
    if not context.is_valid:
        return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00"
    return f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}-{context.trace_flags:02x}"


def context_from(traceparent: str | None) -> Context:
    """The context that a `traceparent` names, to start a span in; an empty one if there is none or it cannot be read."""
    return _PROPAGATOR.extract({"traceparent": traceparent} if traceparent else {}, context=Context())


def _exporter(settings: Settings, process: str) -> SpanExporter | None:
    if settings.traces == "none":
        return None
    if settings.traces == "file":
        return FileSpanExporter(settings.state_dir / "traces" / f"{process}-{os.getpid()}.jsonl")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise MissingExtra("ROXY_TRACES=otlp needs the package opentelemetry-exporter-otlp-proto-http.", remedy="Install roxy[otlp].") from error
    return OTLPSpanExporter()


class FileSpanExporter(SpanExporter):
    """Appends spans to a file, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIOBase | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            self._opened().write("".join(f"{span.to_json(indent=None)}\n" for span in spans))
        except OSError as error:
            structlog.get_logger(__name__).warning("spans_lost", path=str(self._path), spans=len(spans), error=str(error))
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        if self._file is not None:
            self._file.close()

    def _opened(self) -> Any:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8", buffering=1)
        return self._file
