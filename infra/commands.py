"""The commands that run things: up, down, status, topics, settings, test, lock."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add them to the app."""
    for command in (up, down, status, topics, settings, lock):
        app.command(command.__name__)(command)
    # What pytest is told is passed on as it is.
    app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(run_tests)


def up(
    brokers: Annotated[int | None, typer.Option(min=1, max=3, help="Kafka nodes of a new cluster: 1, or 3 with replication factor 3.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes.")] = 1,
    apis: Annotated[int, typer.Option(min=0, help="API processes, on ports from ROXY_API_PORT.")] = 1,
    only_broker: Annotated[bool, typer.Option("--only-broker", help="Kafka and its topics, no process of ours.")] = False,
    weaviate: Annotated[bool, typer.Option("--weaviate", help="Weaviate too, with the index in it; from then on by itself.")] = False,
    ollama: Annotated[bool, typer.Option("--ollama", help="Ollama too, for models of your own; from then on by itself.")] = False,
    as_json: Json = False,
) -> None:
    """Start broker, topics, workers and API, where absent."""
    from infra import ollama as local_ollama
    from infra import weaviate as local_weaviate
    from infra.show import reporter, show_up
    from infra.up import up as start
    from schemas.settings import load_settings

    asked_for = ((weaviate, local_weaviate.SERVER), (ollama, local_ollama.SERVER))
    with reporter(quiet=as_json) as (say, progress):
        started = asyncio.run(
            start(
                load_settings(),
                brokers=brokers,
                workers=workers,
                apis=apis,
                only_broker=only_broker,
                with_servers=[server for wanted, server in asked_for if wanted],
                say=say,
                progress=progress,
            )
        )
    if as_json:
        _print({"bootstrap": started.bootstrap, "topics": _dicts(started.topics), "processes": _dicts(started.processes)})
    else:
        show_up(started)


def down(as_json: Json = False) -> None:
    """Stop what `roxy up` started; records are kept."""
    from infra.up import down as stop
    from schemas.settings import load_settings

    stopped = stop(load_settings())
    if as_json:
        _print({"stopped": [child.name for child in stopped]})
    else:
        typer.echo(f"Stopped {', '.join(child.name for child in stopped)}." if stopped else "Nothing was running.")


def status(as_json: Json = False) -> None:
    """Say what runs, where, and whether it is ready."""
    from infra.show import show_status
    from infra.status import status as look
    from schemas.settings import load_settings

    found = asyncio.run(look(load_settings()))
    if as_json:
        _print({**found._asdict(), "parts": _dicts(found.parts)})
    else:
        show_status(found)


def topics(
    check: Annotated[bool, typer.Option("--check", help="Only report; exit code 1 if anything differs.")] = False, as_json: Json = False
) -> None:
    """Create topics, mend those that differ from the table."""
    from infra.environment import for_local_cluster
    from infra.topics import create_topics
    from schemas.settings import load_settings

    found = asyncio.run(create_topics(for_local_cluster(load_settings()), check=check))
    left = [one for one in found if check or not one.mends]
    if as_json:
        _print({"differences": _dicts(found), "left": len(left)})
    else:
        for one in found:
            typer.echo(f"{'differs' if one in left else 'mended'}  {one}")
        typer.echo(f"{len(found) - len(left)} mended, {len(left)} left." if found else "Every topic is as the table says.")
    if left:
        raise typer.Exit(1)


def settings(as_json: Json = False) -> None:
    """List every setting: its name, its value, what it means."""
    from infra.show import setting_rows, show_settings
    from schemas.settings import load_settings

    rows = setting_rows(load_settings())
    if as_json:
        _print({"settings": _dicts(rows)})
    else:
        show_settings(rows)


def run_tests(
    context: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Also what needs more than Python: models, Node, Go, a browser.")] = False,
    only_full: Annotated[bool, typer.Option("--only-full", help="Of the full tier, only what the base tier has not run.")] = False,
    as_json: Json = False,
) -> None:
    """Check style, types and imports, then run the tests.

    Arguments that are not named here go to pytest.
    """
    from infra.checks import planned_checks, run

    outcomes = run(planned_checks(full=full, only_full=only_full, pytest_args=context.args))
    failed = [outcome.name for outcome in outcomes if outcome.exit_code != 0]
    if as_json:
        _print({"checks": _dicts(outcomes), "failed": failed})
    else:
        typer.echo(f"\nFailed: {', '.join(failed)}." if failed else f"\nAll {len(outcomes)} checks passed.")
    if failed:
        raise typer.Exit(1)


def lock(as_json: Json = False) -> None:
    """Write the lock files of packages and jars anew."""
    from infra.lock import lock as write
    from schemas.settings import load_settings

    files = write(load_settings().cache_dir / "maven")
    if as_json:
        _print({"files": [str(file) for file in files]})
    else:
        typer.echo(f"Wrote {', '.join(file.name for file in files)} and kafka_jars.txt.")


def _dicts(rows: Any) -> list[dict[str, Any]]:
    return [row._asdict() for row in rows]


def _print(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, default=lambda path: str(path) if isinstance(path, Path) else path))
