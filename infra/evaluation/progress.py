"""Progress of an evaluation: a bar for each kind of work that takes long, on stderr, and only on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

Advance = Callable[[int], None]  #: so many more are done
Report = Callable[[str, int], Advance]  #: what begins, and how many there are of it


def quietly(kind: str, total: int) -> Advance:
    """A report to nobody."""
    return lambda _: None


@contextmanager
def bars() -> Iterator[Report]:
    """A report that draws. What begins again takes the bar that it had."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    drawn: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def begin(kind: str, total: int) -> Advance:
            if kind not in drawn:
                drawn[kind] = progress.add_task(kind)
            progress.reset(drawn[kind], total=total)
            return lambda count: progress.advance(drawn[kind], count)

        yield begin
