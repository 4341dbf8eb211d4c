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
    """Add `roxy bench` and its commands."""
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
        idle: Annotated[int, typer.Option(min=0, help="Idle connections whose memory is measured.")] = 5_000,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Tokens through Kafka to SSE clients of one API process; beside the same without Kafka."""
        from infra.bench.streams import SCENARIOS, bench_streams, scenario_of

        chosen = [scenario_of(text) for text in scenario] if scenario else list(SCENARIOS)
        chosen = [one._replace(seconds=seconds) for one in chosen]
        _finish(asyncio.run(bench_streams(load_settings(), scenarios=chosen, idle=idle)), as_json)

    _register_load(benches)
    _register_answers(benches)
    _register_scale(benches)
    _register_index(benches)
    _register_understanding(benches)
    _register_routing(benches)
    _register_export(benches)
    _register_insights(benches)
    _register_replay(benches)
    app.add_typer(benches, name="bench")


def _register_load(benches: typer.Typer) -> None:
    """The bench of everything at a time."""

    @benches.command("load")
    def load(
        clients: Annotated[int, typer.Option(min=1, help="Clients, each with a session and an open stream.")] = 1_000,
        minutes: Annotated[float, typer.Option(min=0.01, help="How long, once the rate is known.")] = 10.0,
        rate: Annotated[float | None, typer.Option(min=0.1, help="Operations a second; else the highest that is sustained is looked for.")] = None,
        placement: Annotated[str, typer.Option(help="topic or lane: where the sessions' records lie.")] = "topic",
        workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
        apis: Annotated[int, typer.Option(min=1, help="API processes; the clients are spread over them.")] = 1,
        generators: Annotated[int, typer.Option(min=1, help="Processes that the clients live in.")] = 1,
        overload: Annotated[float, typer.Option(min=0, help="Afterwards so many seconds at twice the rate, then at half of it.")] = 0.0,
        soak: Annotated[bool, typer.Option("--soak", help="Also how memory and file handles of every process grow.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Many clients and a real day's work, in an open loop; beside one client alone."""
        from infra.bench.load import bench_load, wish_of

        wish = wish_of(
            clients=clients,
            seconds=minutes * 60,
            rate=rate,
            placement=placement,
            workers=workers,
            apis=apis,
            generators=generators,
            overload_s=overload,
            soak=soak,
        )
        _finish(asyncio.run(bench_load(load_settings(), wish)), as_json)


def _register_scale(benches: typer.Typer) -> None:
    """The bench of what things cost."""

    @benches.command("scale")
    def scale(
        layout: Annotated[list[str] | None, typer.Option(help="brokers:workers:apis, such as 1:2:2; may be repeated.")] = None,
        answers: Annotated[int, typer.Option(min=10, help="How many of each length.")] = 300,
        at_once: Annotated[int, typer.Option(min=1, help="Clients that ask at a time.")] = 32,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """What an answer and its tokens cost, by process; beside what that lets the machine's cores give."""
        from infra.bench.scale import LAYOUTS, bench_scale, layout_of

        chosen = [layout_of(text) for text in layout] if layout else LAYOUTS
        _finish(asyncio.run(bench_scale(load_settings(), layouts=chosen, count=answers, at_once=at_once)), as_json)


def _register_answers(benches: typer.Typer) -> None:
    """The benches of many answers at a time, and of what one survives."""

    @benches.command("answers")
    def answers(
        questions: Annotated[int, typer.Option(min=1, help="How many.")] = 200,
        at_once: Annotated[int, typer.Option(min=1, help="Clients that ask at a time.")] = 32,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Answers of a model at 50 tokens a second to SSE clients, through one worker; beside the model alone."""
        from infra.bench.answers import bench_answers

        _finish(asyncio.run(bench_answers(load_settings(), count=questions, at_once=at_once)), as_json)

    @benches.command("survival")
    def survival(
        sessions: Annotated[int, typer.Option(min=2, help="Answers under way when a worker is killed.")] = 40,
        cancels: Annotated[int, typer.Option(min=1, help="Answers that are cancelled.")] = 200,
        kind: Annotated[list[str] | None, typer.Option(help="prefix, rerun or restart; may be repeated.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """A worker is killed: the pause to the next token. An answer is cancelled: the time to its end."""
        from infra.bench.survival import KINDS, bench_survival

        _finish(asyncio.run(bench_survival(load_settings(), sessions=sessions, cancels=cancels, kinds=kind or KINDS)), as_json)


def _register_index(benches: typer.Typer) -> None:
    """The benches of the index and what fills it."""

    @benches.command("index")
    def index(
        chunks: Annotated[str, typer.Option(help="Sizes of the topic, with commas.")] = "10000,100000",
        full: Annotated[bool, typer.Option("--full", help="300,000 chunks too: some minutes more.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """The topic `chunks` into an index that serves; beside bare consumption and bare adds to usearch and tantivy."""
        from infra.bench.index import FULL, bench_index

        sizes = [int(size) for size in chunks.split(",")]
        _finish(asyncio.run(bench_index(load_settings(), FULL if full else sizes)), as_json)

    @benches.command("retrieval")
    def retrieval(
        chunks: Annotated[int, typer.Option(min=1_000, help="Chunks in the index.")] = 100_000,
        questions: Annotated[int, typer.Option(min=1, help="How many, in sequence.")] = 1_000,
        weaviate: Annotated[bool, typer.Option("--weaviate", help="Also Weaviate's hybrid search, on a server of its own.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """A question to its chunks, without its embedding; beside rank_bm25, and Weaviate, on the same chunks."""
        import uvloop

        from infra.bench.retrieval import bench_retrieval

        _finish(uvloop.run(bench_retrieval(load_settings(), chunks=chunks, count=questions, weaviate=weaviate)), as_json)

    @benches.command("ingest")
    def ingest(
        chunks: Annotated[int, typer.Option(min=20, help="Chunks of made-up documents, without a model.")] = 20_000,
        model: Annotated[bool, typer.Option(help="Also embed the sample documents, if the model is installed.")] = True,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Documents to chunks through Kafka and one worker; beside the bare embedding model on the same chunks."""
        from infra.bench.ingest import bench_ingest

        _finish(asyncio.run(bench_ingest(load_settings(), chunks=chunks, model=model)), as_json)

    @benches.command("chunkers")
    def chunkers(
        embedder: Annotated[str, typer.Option(help="none, or auto for the model that is installed: it cuts by meaning.")] = "none",
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Texts to chunks, by each chunker; beside the counting of the same texts' words."""
        from infra.bench.chunkers import bench_chunkers

        _finish(asyncio.run(bench_chunkers(load_settings(), embedder=embedder)), as_json)


def _register_understanding(benches: typer.Typer) -> None:
    """The bench of what comes before the search."""

    @benches.command("understanding")
    def understanding(
        chunks: Annotated[int, typer.Option(min=1_000, help="Chunks in the index.")] = 10_000,
        questions: Annotated[int, typer.Option(min=1, help="How many of each kind.")] = 1_000,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """What is made of a question before it is looked up; beside the keyword search of its words."""
        from infra.bench.understanding import bench_understanding

        _finish(asyncio.run(bench_understanding(load_settings().keyword_index, chunks=chunks, count=questions)), as_json)


def _register_routing(benches: typer.Typer) -> None:
    """The bench of who answers."""

    @benches.command("routing")
    def routing(
        embedder: Annotated[str, typer.Option(help="none, or auto for the model that is installed.")] = "auto",
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """200 labelled questions to the tiers that answer them; beside the cost of the large tier for all."""
        from infra.bench.routing import bench_routing

        _finish(asyncio.run(bench_routing(load_settings().model_copy(update={"embedder": embedder}))), as_json)


def _register_insights(benches: typer.Typer) -> None:
    """The bench of figures over answers."""

    @benches.command("insights")
    def insights(
        answers: Annotated[str, typer.Option(help="How many there are of two days, with commas.")] = "10000,100000",
        lags: Annotated[int, typer.Option(min=1, help="Answers whose rows are waited for.")] = 20,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Rows of windows kept up while answers come: what they take, and how late they are; beside a fold of all answers."""
        from infra.bench.insights import bench_insights

        _finish(asyncio.run(bench_insights(load_settings(), [int(size) for size in answers.split(",")], lags)), as_json)


def _register_export(benches: typer.Typer) -> None:
    """The bench of what comes out."""

    @benches.command("export")
    def export(
        full: Annotated[bool, typer.Option("--full", help="A million records too: some minutes more.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Answers and feedback into pairs and rows; beside bare consumption and parsing of the same records."""
        from infra.bench.export import FULL, SIZES, bench_export

        _finish(asyncio.run(bench_export(load_settings(), FULL if full else SIZES)), as_json)


def _register_replay(benches: typer.Typer) -> None:
    """The bench of what has been."""

    @benches.command("replay")
    def replay(
        records: Annotated[int, typer.Option(min=64, help="Of sessions in lanes, most of them tokens.")] = 100_000,
        as_json: Annotated[bool, typer.Option("--json", help="Print one object.")] = False,
    ) -> None:
        """Sessions' records decoded and folded into answers; beside bare librdkafka and orjson on the same records."""
        from infra.bench.replay import bench_replay

        _finish(asyncio.run(bench_replay(load_settings(), count=records)), as_json)


def _finish(result: Report, as_json: bool) -> None:
    written = orjson.dumps(result.as_dict(), option=orjson.OPT_INDENT_2)
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / f"{result.bench.replace(' ', '-')}.json").write_bytes(written + b"\n")
    if as_json:
        typer.echo(orjson.dumps(result.as_dict()).decode())
    else:
        show(result, Console())
