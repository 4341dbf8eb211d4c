"""Row difference: which columns of a row are not as they should be, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

_ABSENT = "nothing"
_EXCERPT = 60
_NESTED = frozenset({"fields", "metadata"})  # of Argilla's records
_TEXTS = frozenset({"prompt", "chosen", "rejected", "completion", "input", "preferred_output", "non_preferred_output"})


class Difference(NamedTuple):
    """Of one column."""

    kind: Literal["text", "offset", "hash", "value"]
    what: str


def id_in(row: object) -> str:
    """The id that a row has of itself; OpenAI's have none."""
    found = next((row[name] for name in ("pair_id", "row_id", "id") if name in row), "") if isinstance(row, dict) else ""
    return found if isinstance(found, str) else ""


def differences(found: object, made: object) -> list[Difference]:
    """Column by column; those of nested objects by their own names."""
    here, there = dict(_columns(found)), dict(_columns(made))
    names = [*there, *(name for name in here if name not in there)]
    return [
        _difference(name, here.get(name, _ABSENT), there.get(name, _ABSENT)) for name in names if here.get(name, _ABSENT) != there.get(name, _ABSENT)
    ]


def _columns(row: object) -> Iterator[tuple[str, Any]]:
    if not isinstance(row, dict):
        yield "row", row
        return
    for name, value in row.items():
        if name in _NESTED and isinstance(value, dict):
            yield from value.items()
        else:
            yield name, value


def _difference(name: str, here: Any, there: Any) -> Difference:
    if name in _TEXTS:
        kind: Literal["text", "offset", "hash", "value"] = "text"
    elif name.endswith("positions"):
        kind = "offset"
    else:
        kind = "hash" if name.endswith("hash") else "value"
    return Difference(kind, f"the {kind} of `{name}` is {_around(here, there)}, and {_around(there, here)} by the log")


def _around(value: Any, other: Any) -> str:
    """The part of it where it begins to differ."""
    text, beside = str(value), str(other)
    first = next((place for place, (one, two) in enumerate(zip(text, beside, strict=False)) if one != two), min(len(text), len(beside)))
    begin = max(first - _EXCERPT // 3, 0)
    return repr(("…" if begin else "") + text[begin : begin + _EXCERPT] + ("…" if len(text) > begin + _EXCERPT else ""))
