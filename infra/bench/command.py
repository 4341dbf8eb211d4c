"""`roxy bench`: runs a bench, prints its table, writes its JSON."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from infra.bench.report import Report, show
from schemas.settings import load_settings

_RESULTS = Path("bench-results")


def register(app: typer.Typer) -> None:
    """Add `roxy bench latency` and `roxy bench streams`."""
    benches = typer.Typer(help="Measure, beside a baseline of the same run.", no_args_is_help=True)

    @benches.command("latency")
    def latency(
        embedder: Annotated[str, typer.Option(help="none, or auto for the model that is installed.")] = "none",
        questions: Annotated[int, typer.Option(min=1, help="How many, in sequence.")] = 200,
        chunks: Annotated[int, typer.Option(min=0, help="Chunks in the index.")] = 10_000,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """POST of a question → its first token at an SSE client; beside one process without Kafka."""
        from infra.bench.latency import bench_latency

        _finish(asyncio.run(bench_latency(load_settings(), count=questions, chunks=chunks, embedder=embedder)), as_json)

    @benches.command("streams")
    def streams(
        scenario: Annotated[list[str] | None, typer.Option(help="placement:sessions:rate, such as lane:1000:5; may be repeated.")] = None,
        seconds: Annotated[float, typer.Option(min=1, help="How long each one lasts.")] = 15.0,
        idle: Annotated[int, typer.Option(min=0, help="Idle connections whose memory is measured.")] = 2_000,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Tokens through Kafka to SSE clients of one API process; beside the same without Kafka."""
        from infra.bench.streams import SCENARIOS, bench_streams, scenario_of

        chosen = [scenario_of(text) for text in scenario] if scenario else list(SCENARIOS)
        chosen = [one._replace(seconds=seconds) for one in chosen]
        _finish(asyncio.run(bench_streams(load_settings(), scenarios=chosen, idle=idle)), as_json)

    app.add_typer(benches, name="bench")


def _finish(result: Report, as_json: bool) -> None:
    written = orjson.dumps(result.as_dict(), option=orjson.OPT_INDENT_2)
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / f"{result.bench.replace(' ', '-')}.json").write_bytes(written + b"\n")
    if as_json:
        typer.echo(orjson.dumps(result.as_dict()).decode())
    else:
        show(result, Console())
