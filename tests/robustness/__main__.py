"""`python -m tests.robustness`: one run, its tables, exit code 1 if its history breaks a rule. `roxy chaos` is this."""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
from pathlib import Path

import orjson
from rich.console import Console

from schemas.errors import RoxyError
from tests.robustness.mixes import MIXES
from tests.robustness.report import as_dict, show
from tests.robustness.run import Wanted, run

RUNS = Path("robustness-runs")


def main() -> None:
    arguments = _parser().parse_args()
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    wanted = Wanted(seed, arguments.minutes, arguments.mix)
    print(f"Seed {seed}. To repeat it: {wanted.command}", file=sys.stderr, flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: all that was started is stopped
    folder = (arguments.folder or free_folder(RUNS, f"{wanted.mix}-{seed}")).resolve()
    try:
        outcome = asyncio.run(run(wanted, folder))
    except RoxyError as error:
        sys.exit(f"roxy: {error}")
    if arguments.json:
        print(orjson.dumps(as_dict(outcome)).decode())
    else:
        show(outcome, Console())
    sys.exit(1 if outcome.violations else 0)


def free_folder(below: Path, name: str) -> Path:
    """A folder that is not there yet."""
    numbers = (below / (f"{name}-{number}" if number else name) for number in range(1_000))
    return next(folder for folder in numbers if not folder.exists())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.robustness", description="Traffic under faults, and what its history breaks.")
    parser.add_argument("--minutes", type=float, default=5.0, help="How long traffic and faults last.")
    parser.add_argument("--seed", type=int, help="Of faults and clients; by chance if left out.")
    parser.add_argument("--mix", choices=sorted(MIXES), default="all", help="Which faults, how much traffic, how many brokers.")
    parser.add_argument("--folder", type=Path, help=f"Of the history; below {RUNS}/ if left out.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
    return parser


if __name__ == "__main__":
    main()
