"""Manifest: what an export was made of and how, and the hashes of what it holds: enough to make it once more, and to say what was altered."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.errors import InvalidInput
from schemas.event import Value
from streams.exports.plan import Plan
from streams.preferences.replay import Bounds

NAME = "manifest.json"
_REMEDY = "Give a folder that `roxy export` has written."


class Place(Value):
    """Where the log was read: from its first offset to one past the last, by partition. JSON has only texts for names."""

    begin: dict[str, int]
    end: dict[str, int]


class WrittenFile(Value):
    """A file of the export."""

    name: str
    split: str | None = None  #: null: the card
    rows: int = 0
    sha256: str


class Manifest(Value):
    """No time of writing, no machine, no path: the same rows have the same manifest wherever they are made."""

    plan: Plan
    feedback: Place
    answers: Place
    salt: str  #: fingerprint of ROXY_EXPORT_SECRET
    rows: dict[str, int]  #: by split
    left_out: dict[str, int]  #: by reason
    scrubbed: dict[str, int]  #: pieces of personal data, by kind; of all rows, also those that were said already
    labels: dict[str, int]  #: of KTO: desirable and undesirable rows to train on
    lengths: dict[str, int | str]  #: tokens of the prompts
    files: tuple[WrittenFile, ...]
    hashes: dict[str, dict[str, str]]  #: by file and row id, of the row as it stands there

    @property
    def bounds(self) -> Bounds:
        return Bounds(numbers(self.feedback.end), numbers(self.answers.end))


def place(begin: Mapping[int, int], end: Mapping[int, int]) -> Place:
    """In order of partitions."""
    return Place(begin=_texts(begin), end=_texts(end))


def hash_of(row: object) -> str:
    """Of a row as it stands in a file, whatever the order of its fields."""
    return sha256(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).hexdigest()


def hash_of_file(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / NAME).write_bytes(orjson.dumps(manifest.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read_manifest(folder: Path) -> Manifest:
    """Raises InvalidInput."""
    try:
        fields: dict[str, Any] = orjson.loads((folder / NAME).read_bytes())
        return Manifest.model_validate(fields)
    except OSError as error:
        raise InvalidInput(f"{folder} holds no {NAME}.", remedy=_REMEDY) from error
    except (orjson.JSONDecodeError, ValidationError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InvalidInput(f"{folder / NAME} cannot be read: {problem}.", remedy=_REMEDY) from error


def _texts(offsets: Mapping[int, int]) -> dict[str, int]:
    return {str(partition): offsets[partition] for partition in sorted(offsets)}


def numbers(offsets: Mapping[str, int]) -> dict[int, int]:
    """Offsets by partition."""
    return {int(partition): offset for partition, offset in offsets.items()}
