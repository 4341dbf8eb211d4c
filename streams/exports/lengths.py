"""Lengths: how long the prompts of an export are. A trainer drops without a word what is longer than its `max_length`, so this is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from connectors.tokenizer.base import Tokenizer
from streams.exports.row import Row

TRL_MAX_LENGTH = 1_024  #: default of TRL's trainers


class Lengths(NamedTuple):
    """Tokens of prompts, as `tokenizer` counts them."""

    tokenizer: str
    p50: int
    p95: int
    longest: int
    over_1024: int  #: rows whose prompt alone fills the default of TRL's `max_length`


def lengths_of(rows: Iterable[Row], tokenizer: Tokenizer) -> Lengths:
    """Of rows that there are: at least one."""
    counts = sorted(tokenizer.count(row.prompt) for row in rows)
    return Lengths(
        tokenizer=tokenizer.name,
        p50=counts[(len(counts) - 1) // 2],
        p95=counts[(len(counts) - 1) * 95 // 100],
        longest=counts[-1],
        over_1024=sum(count >= TRL_MAX_LENGTH for count in counts),
    )
