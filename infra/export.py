"""`roxy export`: training data out of the log, and whether it is still what the log says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from infra.environment import for_local_cluster
from infra.exports import left_out, plan_of, run_export, run_verification
from infra.index import Json, print_json, print_line, progress, table
from schemas.errors import InvalidInput
from schemas.settings import load_settings
from streams.exports.lengths import TRL_MAX_LENGTH
from streams.exports.manifest import Manifest
from streams.exports.plan import KINDS, Kind

_HELP: dict[Kind, str] = {
    "preferences": "Pairs of answers of which one is preferred: DPO and its kin.",
    "kto": "Single answers, desirable or not, from marks: KTO.",
    "sft": "Corrections and well-rated answers: supervised fine-tuning.",
    "reward": "Pairs of whole conversations: reward models.",
    "prompts": "Prompts alone: trainers that make their own answers.",
}
_SHOWN = 20  # findings; --json has all


def register(app: typer.Typer) -> None:
    """Add `roxy export`."""
    group = typer.Typer(name="export", help="Training data out of the log, and its verification.", no_args_is_help=True)
    for kind in KINDS:
        group.command(kind, help=_HELP[kind])(_export_command(kind))
    group.command("verify")(verify_command)
    app.add_typer(group)


def _export_command(kind: Kind) -> Callable[..., None]:
    """The command of one kind: all take the same options."""

    def export_command(
        out: Annotated[Path, typer.Option(help="Folder to write, which is empty or not there yet.")],
        format_name: Annotated[str, typer.Option("--format", help="trl | openai | parquet | argilla.")] = "trl",
        at: Annotated[str | None, typer.Option(help="The log as it was then: a time, or offsets as a manifest has them. Default: now.")] = None,
        since: Annotated[str | None, typer.Option(help="Judged then or later: a time.")] = None,
        until: Annotated[str | None, typer.Option(help="Judged before then.")] = None,
        tenant: Annotated[str | None, typer.Option(help="Only this one's.")] = None,
        model: Annotated[list[str] | None, typer.Option(help="Only answers by it; may be repeated.")] = None,
        signals: Annotated[str | None, typer.Option(help="Of correction,comparison,ratings,implicit, with commas. Default: all.")] = None,
        min_rating: Annotated[float | None, typer.Option(help="Mark from which on an answer is good, 0 to 1; four stars are 0.75.")] = None,
        min_agreement: Annotated[float | None, typer.Option(help="Share of the raters that have to agree, 0 to 1.")] = None,
        same_context: Annotated[bool, typer.Option("--same-context/--any-context", help="Only pairs that were made from the same chunks.")] = True,
        min_chars: Annotated[int | None, typer.Option(help="Shortest answer.")] = None,
        max_tokens: Annotated[int | None, typer.Option(help="Longest prompt with its answer.")] = None,
        test_share: Annotated[float | None, typer.Option(help="Share of the prompts to test on. Default: 0.1.")] = None,
        balance: Annotated[bool, typer.Option("--balance", help="kto: as many undesirable as desirable ones, to 3:4.")] = False,
        deduplicate: Annotated[bool, typer.Option(help="Leave out rows that say the same.")] = True,
        pii: Annotated[str, typer.Option(help="keep | scrub: replace addresses, numbers of phones, cards and accounts.")] = "keep",
        without_subjects: Annotated[Path | None, typer.Option(help="Who is left out: a rater, or session:ID, a line.")] = None,
        as_json: Json = False,
    ) -> None:
        settings = for_local_cluster(load_settings())
        if balance and kind != "kto":
            raise InvalidInput("--balance is for kto only.", remedy="Leave it out.")
        options: dict[str, object] = {"format": format_name, "since": since, "until": until, "tenant": tenant, "models": model, "pii": pii}
        options |= {"signals": signals.split(",") if signals else None, "min_rating": min_rating, "min_agreement": min_agreement}
        options |= {"same_context": same_context, "min_chars": min_chars, "max_tokens": max_tokens, "test_share": test_share}
        options |= {"balance": balance, "deduplicate": deduplicate, "without": left_out(settings, without_subjects)}
        plan = plan_of(settings, kind=kind, **options)
        with progress("Reading", quiet=as_json) as (total, advance):
            manifest = asyncio.run(run_export(settings, plan, out, at=at, total=total, advance=advance))
        if as_json:
            print_json({"out": str(out), **manifest.model_dump(exclude={"hashes"})})
        else:
            _show(manifest, out)

    return export_command


def verify_command(folder: Annotated[Path, typer.Argument(help="A folder that an export has written.")], as_json: Json = False) -> None:
    """Make the rows again from the log, and compare them one by one."""
    with progress("Reading", quiet=as_json) as (total, advance):
        done = asyncio.run(run_verification(for_local_cluster(load_settings()), folder, total=total, advance=advance))
    if as_json:
        print_json({"verified": not done.findings, "rows": done.rows, "findings": [finding._asdict() for finding in done.findings]})
    else:
        for finding in done.findings[:_SHOWN]:
            print_line(f"[red]{finding.kind}[/] {escape(str(finding))}")
        more = len(done.findings) - _SHOWN
        print_line(f"… and {more} more; --json has them." if more > 0 else "")
        print_line(f"[red]{len(done.findings)} things differ.[/]" if done.findings else f"[green]All {done.rows} rows are what the log says.[/]")
    if done.findings:
        raise typer.Exit(1)


def _show(manifest: Manifest, out: Path) -> None:
    """How many rows, what was left out, and how long the prompts are."""
    rows = [(name, f"{count:,}") for name, count in manifest.rows.items()]
    rows += [(f"left out: {reason}", f"{count:,}") for reason, count in manifest.left_out.items()]
    rows += [(f"to train on: {name}", f"{count:,}") for name, count in manifest.labels.items()]
    rows += [(f"scrubbed: {kind}", f"{count:,}") for kind, count in manifest.scrubbed.items()]
    lengths = manifest.lengths
    rows += [(f"tokens of a prompt, {name}", str(lengths[name])) for name in ("p50", "p95", "longest")]
    Console().print(table((f"{manifest.plan.kind}, {manifest.plan.format}", "rows"), rows))
    if lengths["over_1024"]:
        print_line(
            f"[yellow]{lengths['over_1024']} prompts have {TRL_MAX_LENGTH} tokens or more ({lengths['tokenizer']}): "
            "TRL drops such rows without a word unless `max_length` is set.[/]"
        )
    print_line(f"Written to [bold]{escape(str(out))}[/]. Next: `roxy export verify {escape(str(out))}`.")
