"""Spelling: the words of the index that a word it does not have may be meant for. Pure.

Candidates are the word with one letter left out, put in, changed, or changed places with the next (Norvig's way): a few hundred, which the
index is asked for in one go. The first letter stays: it is rarely the wrong one, and it halves the false friends.
"""

from __future__ import annotations

import re
from string import ascii_lowercase

_SPELT = re.compile(r"[A-Za-z][a-z]{5,24}")  # no acronym, no name with capitals or signs inside; in shorter words one letter makes another word


def may_be_misspelt(word: str) -> bool:
    """Whether a word that the index does not have is worth looking at."""
    return _SPELT.fullmatch(word) is not None


def spelt_nearly(word: str) -> list[str]:
    """Every word that is one slip away."""
    low = word.lower()
    cuts = [(low[:place], low[place:]) for place in range(1, len(low) + 1)]
    left_out = [head + tail[1:] for head, tail in cuts if tail]
    swapped = [head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1]
    changed = [head + letter + tail[1:] for head, tail in cuts if tail for letter in ascii_lowercase]
    put_in = [head + letter + tail for head, tail in cuts for letter in ascii_lowercase]
    return list(dict.fromkeys(each for each in (*swapped, *left_out, *put_in, *changed) if each != low))
