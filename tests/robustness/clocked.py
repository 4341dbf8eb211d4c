"""A process whose clock can be set: `python -m tests.robustness.clocked MODULE` runs the module, by a clock that is as many seconds ahead as the
file in CLOCK_AHEAD says.

As when NTP or an operator sets a machine's clock (CLOCK_REALTIME): what is counted from its start (CLOCK_MONOTONIC) goes on. Of one process, and
without root. Until it is set for the first time nothing is different.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path
from threading import Thread

import time_machine

VARIABLE = "CLOCK_AHEAD"
_LOOKS_S = 0.1


def set_clock(file: Path, ahead_s: float) -> None:
    """Whole or not at all: it is read meanwhile."""
    file.parent.mkdir(exist_ok=True)
    fresh = file.with_suffix(".fresh")
    fresh.write_text(str(ahead_s), encoding="utf-8")
    fresh.replace(file)


def follow(file: Path) -> None:
    """Set this process's clock as the file says, for ever."""
    ahead_s, travel = 0.0, None
    while True:
        wanted = float(file.read_text(encoding="utf-8")) if file.exists() else 0.0
        if wanted != ahead_s:
            if travel is not None:
                travel.stop()
            travel = time_machine.travel(time.time() + wanted, tick=True)
            travel.start()
            ahead_s = wanted
        time.sleep(_LOOKS_S)


if __name__ == "__main__":
    Thread(target=follow, args=(Path(os.environ[VARIABLE]),), daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
