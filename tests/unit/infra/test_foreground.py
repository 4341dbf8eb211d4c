"""A child in the foreground."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from infra.foreground import run_in_foreground

TIDY = """
import os, pathlib, signal, sys, time
def stop(*_):
    time.sleep(1.0)
    pathlib.Path(sys.argv[1]).write_text("tidied")
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
pathlib.Path(sys.argv[2]).write_text(str(os.getpid()))
time.sleep(60)
"""


def test_its_exit_code_comes_back() -> None:
    """Whatever it is."""
    assert run_in_foreground([sys.executable, "-c", "raise SystemExit(3)"], env=os.environ) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_may_tidy_up(number: signal.Signals, tmp_path: Path) -> None:
    """For longer than `subprocess.run` waits. A terminal sends Ctrl-C to both; SIGTERM comes to one."""
    tidied, begun = tmp_path / "tidied", tmp_path / "begun"

    def tell() -> None:
        while not begun.exists() or not begun.read_text():
            time.sleep(0.02)
        if number == signal.SIGINT:
            os.kill(int(begun.read_text()), number)
        os.kill(os.getpid(), number)

    telling = threading.Thread(target=tell)
    telling.start()
    code = run_in_foreground([sys.executable, "-c", TIDY, str(tidied), str(begun)], env=os.environ)
    telling.join()

    assert (code, tidied.read_text()) == (7, "tidied")
