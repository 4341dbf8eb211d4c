"""Code marks: whether a place in a text lies inside Markdown's code, told character by character as the text comes. Pure.

A code span that is not closed on its line is none: a stray backtick must not hide the rest of an answer. A fence lasts until it is closed.
"""

from __future__ import annotations

from typing import NamedTuple

_FENCE = 3  # marks in a row at the start of a line
_MOST_INDENT = 3  # blanks before a fence; four make a block of another kind


class _Run(NamedTuple):
    """The same mark several times."""

    mark: str
    length: int
    fence: bool  #: it could be one, by its length and place

    def closes(self, opened: _Run) -> bool:
        if opened.fence:
            return self.fence and self.mark == opened.mark and self.length >= opened.length
        return self.mark == opened.mark and self.length == opened.length


class CodeMarks:
    """Give it every character in order."""

    def __init__(self) -> None:
        self._opened: _Run | None = None
        self._mark, self._length = "", 0  # the run that may still grow
        self._indent: int | None = 0  # blanks since the line began; None: there was something else
        self._at: int | None = 0  # indent where the run began

    def inside_at(self, character: str) -> bool:
        """Whether the next character, this one, is code's."""
        if character != self._mark:
            self._settle()
        return self._opened is not None

    def feed(self, character: str) -> None:
        """One character more."""
        if character != self._mark:
            self._settle()
        if character in "`~":
            self._at = self._at if self._length else self._indent
            self._mark, self._length = character, self._length + 1
        if character == "\n":
            self._indent = 0
            if self._opened is not None and not self._opened.fence:
                self._opened = None
        elif character == " " and self._indent is not None and self._indent < _MOST_INDENT:
            self._indent += 1
        else:
            self._indent = None

    def _settle(self) -> None:
        """The run has its length now."""
        if not self._length:
            return
        run = _Run(self._mark, self._length, self._length >= _FENCE and self._at is not None)
        self._mark, self._length = "", 0
        if self._opened is not None:
            self._opened = None if run.closes(self._opened) else self._opened
        elif run.fence or run.mark == "`":
            self._opened = run
