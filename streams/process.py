"""A worker's process: what holds for all of it. Called once, before there are other threads."""

from __future__ import annotations

import ctypes
import sys

_SWITCH_S = 0.0005  # a record waits for the interpreter lock between Faust's thread and ours; Python's default is 5 ms
_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 1  # each thread that adds to an index would have one of its own: at 10,000 chunks 122 MiB, with one 62


def prepare_process() -> None:
    """Share the interpreter in small turns, and one arena of memory among the threads. The C library is asked where it can be."""
    sys.setswitchinterval(_SWITCH_S)
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
