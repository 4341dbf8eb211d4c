"""JSON Schemas (2020-12) of the events, one document each, with the meaning of every field.

Used by `schemas/contracts.py`. What a field means stands in its `#:` comment in schemas/events.py and is taken from there.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from schemas import events
from schemas.events import EVENTS, Event

Schema = dict[str, Any]

DIALECT = GenerateJsonSchema.schema_dialect
_NOTE = re.compile(r"^    (\w+): .*#: (.+)$", re.MULTILINE)


class _Untitled(GenerateJsonSchema):
    """Leaves out pydantic's titles of fields, which only repeat their names ("Chunk Id")."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def event_schema(event: type[Event]) -> Schema:
    """The schema of one event's JSON. `type` and `version` have defaults in Python, but no record is read without them."""
    schema = event.model_json_schema(mode="serialization", schema_generator=_Untitled)
    for name, part in schema.get("$defs", {}).items():
        _describe(part, vars(events)[name])
    _describe(schema, event)
    schema["required"] = ["type", "version", *schema.get("required", [])]
    head = {"$schema": DIALECT, "$id": f"urn:roxy:event:{event.__name__}:v{version_of(event)}", "title": schema.pop("title")}
    return {**head, "description": sentence_of(event), **{name: part for name, part in schema.items() if name != "description"}}


def event_schemas() -> Mapping[str, Schema]:
    """Schemas of all events by file name."""
    return {schema_file(event): event_schema(event) for event in EVENTS.values()}


def schema_file(event: type[Event]) -> str:
    """Where an event's schema is kept, from docs/ on."""
    return f"events/{event.__name__}.v{version_of(event)}.json"


def version_of(event: type[Event]) -> int:
    """The version that is written today."""
    return int(event.model_fields["version"].default)


def sentence_of(model: type) -> str:
    """The docstring on one line."""
    return " ".join((model.__doc__ or "").split())


def notes_of(model: type) -> dict[str, str]:
    """What the model's fields mean, by the `#:` comments of its class and those above it."""
    ours = [part for part in reversed(model.__mro__) if part.__module__.startswith("schemas.")]
    return {name: note for part in ours for name, note in _NOTE.findall(inspect.getsource(part))}


def as_text(document: Mapping[str, Any]) -> str:
    """JSON as it is kept in docs/: the same bytes for the same content."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _describe(schema: Schema, model: type[BaseModel]) -> None:
    notes = notes_of(model)
    for name, part in schema["properties"].items():
        if name in notes:
            part["description"] = notes[name]
