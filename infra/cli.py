"""The command line: `roxy`. Each command reads the settings, calls one function, and prints what it returned.

Guarantees: an error is one sentence with a remedy on stderr, exit code 1; every command that reports has `--json`; `roxy --help` imports
none of what the commands need. A command elsewhere is named in ELSEWHERE; its module offers `register(app)`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, NamedTuple

import typer

from infra import commands
from schemas.errors import RoxyError


class Elsewhere(NamedTuple):
    """A command, or a group of commands, of another module: imported only when it is called."""

    module: str
    help: str


ELSEWHERE: dict[str, Elsewhere] = {
    "demo": Elsewhere("infra.demo", "Start everything, take documents in, ask, and show the cited answer."),
    "ingest": Elsewhere("infra.ingest", "Index documents."),
    "ask": Elsewhere("infra.ask", "Ask a question and watch the cited answer come."),
    "regenerate": Elsewhere("infra.regenerate", "Ask for another answer to a question, and watch it come."),
    "tail": Elsewhere("infra.tail", "Follow a session's records."),
    "history": Elsewhere("infra.history", "A session from its beginning to now: questions, chunks, answers, feedback."),
    "feedback": Elsewhere("infra.feedback", "Judge an answer: thumb, stars, correction, comparison, comment, tags."),
    "review": Elsewhere("infra.review", "Corrections that may become documents: list, show, approve, reject."),
    "preferences": Elsewhere("infra.preferences", "Preference pairs: compare the topic with the log, and mend it."),
    "contracts": Elsewhere("infra.contracts", "Generate what docs/ says of schemas/, or check it."),
    "bench": Elsewhere("infra.bench", "Measure, beside a baseline of the same run."),
    "chaos": Elsewhere("infra.chaos", "Break a Roxy of its own while clients use it, and say what did not hold."),
    "index": Elsewhere("infra.index", "Generations of the index: look, build from the log, swap."),
    "flags": Elsewhere("infra.flags", "Feature flags: see them, switch them, see who did."),
    "replay": Elsewhere("infra.replay", "Ask past questions again, and see what changes."),
    "insights": Elsewhere("infra.insights", "Figures over answers and what people said of them."),
    "export": Elsewhere("infra.export", "Training data out of the log, and its verification."),
    "usage": Elsewhere("infra.usage", "Tokens and cost of all answers, by tenant and model."),
    "prompts": Elsewhere("infra.prompts", "Templates of prompts: list them, show one."),
    "eval": Elsewhere("infra.evaluation.eval_command", "Measure retrieval on a judged collection."),
    "tune": Elsewhere("infra.evaluation.tune_command", "Search for settings that retrieve better on a judged collection."),
}


def main() -> None:
    """Entry point of `roxy` and of `python -m infra`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what a command has started for itself is stopped
    try:
        if "--help" not in sys.argv:
            _log_to_stderr()
        build(sys.argv[1:])(prog_name="roxy")
    except RoxyError as error:
        typer.echo(f"roxy: {error}", err=True)
        sys.exit(1)


def build(arguments: Sequence[str]) -> typer.Typer:
    """The app; of the commands elsewhere, only the one that the arguments call is imported."""
    app = typer.Typer(
        name="roxy",
        help="Event-sourced RAG: every query, retrieved chunk set, token and feedback event is a Kafka record.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    commands.register(app)
    called = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, elsewhere in ELSEWHERE.items():
        if find_spec(elsewhere.module) is None:
            continue
        if name == called:
            import_module(elsewhere.module).register(app)
        else:
            app.command(name, help=elsewhere.help)(_only_in_help)
    return app


def _log_to_stderr() -> None:
    """What a command prints may be read by a program."""
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def _only_in_help(arguments: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> None:
    """Stands in the list of `roxy --help` for a command whose module was not asked for."""
