"""Shapes: the columns of a row as others than TRL want them: OpenAI's preference tuning, and Argilla. Pure."""

from __future__ import annotations

from typing import Any

from schemas.errors import InvalidInput
from streams.exports.columns import Columns, id_column, trained_columns
from streams.exports.plan import PAIRED, Kind


def require_openai(kind: Kind) -> None:
    """Raises InvalidInput for a kind that the format has no rows for."""
    if kind != "preferences":
        raise InvalidInput(f"The format openai has no rows for {kind}: it holds preferences only.", remedy="Use --format trl, parquet or argilla.")


def openai_row(columns: Columns) -> dict[str, Any]:
    """Two answers to one prompt. It takes no other fields: where the row comes from stands in a file beside."""
    return {
        "input": {"messages": columns["prompt"], "tools": [], "parallel_tool_calls": True},
        "preferred_output": columns["chosen"],
        "non_preferred_output": columns["rejected"],
    }


def provenance_row(columns: Columns, kind: Kind) -> Columns:
    """What is left of a row without the texts."""
    return {name: value for name, value in columns.items() if name not in trained_columns(kind)}


def argilla_row(columns: Columns, kind: Kind) -> dict[str, Any]:
    """A record: what is looked at, what is known of it, and what was said of it, as a response that was handed in."""
    fields = {name: columns[name] for name in trained_columns(kind) if name != "label"}
    return {
        "id": columns[id_column(kind)],
        "fields": fields,
        "metadata": provenance_row(columns, kind),
        "responses": [{"question": question, "value": value, "status": "submitted"} for question, value in _responses(columns, kind)],
    }


def _responses(columns: Columns, kind: Kind) -> list[tuple[str, str]]:
    if kind in PAIRED:
        return [("preference", "chosen")]
    if kind == "kto":
        return [("desirable", "yes" if columns["label"] else "no")]
    return [("desirable", "yes")] if kind == "sft" else []
