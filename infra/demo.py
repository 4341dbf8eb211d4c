"""`roxy demo`: everything up, sample documents in, a question, its cited answer, and where to go next."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from infra.ask import Answer, ask, show_end
from infra.client import Client
from infra.ingest import ingest, show
from infra.up import Up, up
from schemas.settings import Settings, load_settings

SAMPLES = Path(__file__).parent / "samples" / "docs"
QUESTION = "What happens to a question when the worker that is answering it is killed?"


def demo(settings: Settings, question: str, *, lite: bool, console: Console) -> tuple[Up, Answer]:
    """Start what does not run, ingest the samples (what is unchanged costs nothing), ask."""
    running = _up(settings.model_copy(update={"embedder": "none"}) if lite else settings, console)
    console.print(f"[green]Up[/]: Kafka at {running.bootstrap}, {', '.join(f'{one.name} at {one.address}' for one in running.processes[1:])}.")
    found, done = ingest(running.settings, [SAMPLES], console=console)
    show(found, done, console)
    console.print(f"\n[bold]{question}[/]\n")
    with Client(running.settings) as client:
        answer = ask(client, question, console=console)
    return running, answer


def _up(settings: Settings, console: Console) -> Up:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Starting", total=None)

        def say(text: str) -> None:
            if console.is_terminal:
                progress.update(task, description=text)
            else:
                console.print(f"{text} …")

        return asyncio.run(up(settings, say=say, progress=lambda done, total: progress.update(task, completed=done, total=total)))


def _next_steps(running: Up, answer: Answer, console: Console) -> None:
    console.print(
        f"""
[bold]Next[/]
  ./roxy ask "How do I see consumer lag?"     ask something of your own
  ./roxy ingest PATH…                         take your documents in
  ./roxy tail {answer.session_id}   watch that session's records
  {_docs(running)}/docs                  the HTTP API
  ./roxy down                                 stop everything; documents and answers are kept
""",
        highlight=False,
        soft_wrap=True,
    )


def _docs(running: Up) -> str:
    return next((one.address for one in running.processes if one.name == "api-1"), "")


def register(app: typer.Typer) -> None:
    """Add `roxy demo`."""

    @app.command("demo")
    def demo_command(
        question: Annotated[str, typer.Argument(help="What to ask.")] = QUESTION,
        lite: Annotated[bool, typer.Option("--lite", help="Without the embedding model: retrieval by keywords only.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print the answer's record and where things run.")] = False,
    ) -> None:
        """Start everything, take sample documents in, ask, and show the cited answer."""
        console, begun = Console(stderr=as_json), time.perf_counter()
        running, answer = demo(load_settings(), question, lite=lite, console=console)
        if as_json:
            typer.echo(orjson.dumps(_summary(running, answer)).decode())
        else:
            show_end(answer, console)
            console.print(f"\n[dim]{time.perf_counter() - begun:.1f} s in all.[/]")
            _next_steps(running, answer, console)
        if not answer.completed:
            raise typer.Exit(1)


def _summary(running: Up, answer: Answer) -> dict[str, Any]:
    return {"bootstrap": running.bootstrap, "processes": [one._asdict() for one in running.processes], "answer": answer.terminal}
