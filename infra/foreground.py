"""A child in the foreground: a command that another one stands for, and that ends in its own way when it is told to."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_in_foreground(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None) -> int:
    """Its exit code. SIGTERM is handed on; Ctrl-C reaches it by itself. Either way it is waited for: what it has started, it stops.

    `subprocess.run` would kill it a quarter of a second later.
    """
    child = subprocess.Popen(argv, env=env, cwd=cwd)
    before = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue
    finally:
        signal.signal(signal.SIGTERM, before)
