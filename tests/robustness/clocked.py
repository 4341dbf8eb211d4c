"""A process whose clock can be set: `python -m tests.robustness.clocked MODULE` runs the module, by a clock that is as many seconds ahead as the
file in CLOCK_AHEAD says.

As when NTP or an operator sets a machine's clock (CLOCK_REALTIME): what is counted from its start (CLOCK_MONOTONIC) goes on. Of one process, and
without root. Until it is set for the first time nothing is different. What Python tells is set: events' times, session ids, ages. The times that
Kafka's records bear are not, for aiokafka's compiled part asks the machine.
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
    ahead_s, traveller = 0.0, None
    while True:
        wanted = float(file.read_text(encoding="utf-8")) if file.exists() else 0.0
        if wanted != ahead_s:
            traveller = traveller or _started()
            traveller.shift(wanted - ahead_s)
            ahead_s = wanted
        time.sleep(_LOOKS_S)


def _started() -> time_machine.Traveller:
    """Once, and never stopped: another thread may ask for the time meanwhile. Its clock goes from when it is first asked."""
    traveller = time_machine.travel(time.time(), tick=True).start()
    time.time()
    return traveller


if __name__ == "__main__":
    Thread(target=follow, args=(Path(os.environ[VARIABLE]),), daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
