"""Garbage: how often a process that serves looks for reference cycles (https://docs.python.org/3/library/gc.html)."""

from __future__ import annotations

import gc

#: Containers that are made and not yet freed. A record on its way is some 16 of them; by Python's 700 an API process that passed on 20,000 records/s
#: spent a third of its time looking through those that waited for their readers.
_MOST_NEW = 50_000


def collect_seldom() -> None:
    """What is there now stays and is looked at no more; what comes, once much of it was not freed. Called when a process begins to serve."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MOST_NEW, *gc.get_threshold()[1:])
