"""Log lines and spans."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
import structlog
from opentelemetry.trace import INVALID_SPAN, get_current_span

from connectors.observability import configure, context_from, traceparent_of, tracer_provider
from schemas.settings import Settings

TRACEPARENT = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What a process sets once, a test puts back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    stamina.instrumentation.set_on_retry_hooks(None)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_lines_of_structlog_and_of_the_standard_library_look_alike(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON by setting, with what is bound to the request."""
    configure(Settings(log_format="json"), "test")
    with structlog.contextvars.bound_contextvars(tenant="acme", correlation="q1"):
        structlog.get_logger("roxy").info("asked", chars=4)
        logging.getLogger("uvicorn.error").warning("It is %s.", "late")
    ours, theirs = lines(capsys)

    assert (ours["event"], ours["chars"], ours["tenant"], ours["level"]) == ("asked", 4, "acme", "info")
    assert (theirs["event"], theirs["correlation"], theirs["logger"], theirs["level"]) == ("It is late.", "q1", "uvicorn.error", "warning")


def test_the_level_holds_for_both(capsys: pytest.CaptureFixture[str]) -> None:
    """And a chatty library says only what matters."""
    configure(Settings(log_format="json", log_level="info"), "test")
    structlog.get_logger().debug("no")
    logging.getLogger("any").debug("no")
    logging.getLogger("aiokafka").info("no")

    assert lines(capsys) == []


def test_a_retry_is_logged_without_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    """They may hold questions and documents."""
    configure(Settings(log_format="json"), "test")
    tries = []

    @stamina.retry(on=ValueError, attempts=2, wait_initial=0, wait_jitter=0)
    def ask(text: str) -> None:
        tries.append(text)
        if len(tries) == 1:
            raise ValueError(text)

    ask("a secret question")
    (line,) = lines(capsys)

    assert (line["event"], line["caused_by"], "secret" in json.dumps(line)) == ("retrying", "ValueError", False)


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_values(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """Local variables hold questions and keys."""
    configure(Settings(log_format=form), "test")  # type: ignore[arg-type]
    question = "a secret " + "question"
    try:
        raise KeyError(len(question))
    except KeyError:
        structlog.get_logger().exception("broken")
    text = capsys.readouterr().err

    assert ("KeyError" in text, "a secret question" in text) == (True, False)


def test_spans_go_to_a_file_a_line_each(tmp_path: Path) -> None:
    """With the service's name and the parent that the traceparent named."""
    provider = tracer_provider(Settings(state_dir=tmp_path, traces="file"), "api")
    provider.get_tracer("t").start_span("sse.deliver", context=context_from(TRACEPARENT)).end()
    provider.shutdown()
    (file,) = (tmp_path / "traces").iterdir()
    span = json.loads(file.read_text())

    assert file.name.startswith("api-")
    assert (span["name"], span["context"]["trace_id"], span["parent_id"]) == ("sse.deliver", "0x" + "1" * 32, "0x" + "2" * 16)
    assert span["resource"]["attributes"]["service.name"] == "roxy-api"


def test_without_an_exporter_a_span_still_has_a_trace(tmp_path: Path) -> None:
    """Its caller's, or one of its own; it is not recorded."""
    tracer = tracer_provider(Settings(state_dir=tmp_path, traces="none"), "api").get_tracer("t")
    own, callers = tracer.start_span("a"), tracer.start_span("b", context=context_from(TRACEPARENT))

    assert (own.is_recording(), own.get_span_context().is_valid) == (False, True)
    assert traceparent_of(callers).split("-")[1] == "1" * 32


@pytest.mark.parametrize("bad", [None, "", "nonsense", "00-" + "0" * 32 + "-" + "2" * 16 + "-01"])
def test_an_unreadable_traceparent_is_no_parent(bad: str | None) -> None:
    """A foreign producer's mistake does not stop its question."""
    assert get_current_span(context_from(bad)) is INVALID_SPAN


def test_no_span_is_a_trace_of_its_own() -> None:
    """Every record has a traceparent, and no two the same."""
    with warnings.catch_warnings():
        one, two = traceparent_of(INVALID_SPAN), traceparent_of(INVALID_SPAN)

    assert one != two
    assert get_current_span(context_from(one)).get_span_context().is_valid
