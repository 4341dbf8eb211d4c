"""Columns: a row as a file has it: what TRL trains on, in its own names, then where it comes from. Pure.

Every column has one type in all rows, and none is ever null: `datasets` guesses types from what it sees. What is nested is JSON in a text.
"""

from __future__ import annotations

from typing import Any, Literal

import orjson

from schemas.events import AnswerCompleted
from streams.exports.plan import PAIRED, Kind
from streams.exports.row import Row
from streams.exports.split import Split

ColumnType = Literal["turns", "text", "texts", "flag", "number"]
Columns = dict[str, Any]

_TRAINED: dict[Kind, dict[str, ColumnType]] = {
    "preferences": {"prompt": "turns", "chosen": "turns", "rejected": "turns"},
    "reward": {"chosen": "turns", "rejected": "turns"},
    "kto": {"prompt": "turns", "completion": "turns", "label": "flag"},
    "sft": {"prompt": "turns", "completion": "turns"},
    "prompts": {"prompt": "turns"},
}
_OTHER_TYPES: dict[str, ColumnType] = {
    "same_context": "flag",
    "raters": "texts",
    "agreement": "number",
    "weight": "number",
    "answer_positions": "texts",
    "feedback_positions": "texts",
}


def id_column(kind: Kind) -> str:
    """Of pairs it is the pair's own id, as topic `preferences` has it."""
    return "pair_id" if kind in PAIRED else "row_id"


def trained_columns(kind: Kind) -> tuple[str, ...]:
    """Those that a trainer reads."""
    return tuple(_TRAINED[kind])


def type_of(kind: Kind, column: str) -> ColumnType:
    """Text, where nothing else is said."""
    return _TRAINED[kind].get(column) or _OTHER_TYPES.get(column, "text")


def columns_of(row: Row, kind: Kind, split: Split) -> Columns:
    """The whole row."""
    return {**_trained(row, kind), **_provenance(row, kind, split)}


def _trained(row: Row, kind: Kind) -> Columns:
    turns = row.turns
    said = [[{"role": "assistant", "content": text}] for text in row.texts]
    match kind:
        case "preferences":
            return {"prompt": turns, "chosen": said[0], "rejected": said[1]}
        case "reward":  # TRL takes what both have in common for the prompt
            return {"chosen": turns + said[0], "rejected": turns + said[1]}
        case "kto":
            return {"prompt": turns, "completion": said[0], "label": row.label}
        case "sft":
            return {"prompt": turns, "completion": said[0]}
        case _:
            return {"prompt": turns}


def _provenance(row: Row, kind: Kind, split: Split) -> Columns:
    source, context = row.source, row.source.context
    return {
        id_column(kind): row.row_id,
        "tenant": source.tenant,
        "session_id": source.session_id,
        "query_id": source.query_id,
        "prompt_hash": row.prompt_hash,
        "prompt_template": str(source.parameters.get("prompt", "")),
        "prompt_template_hash": str(source.parameters.get("prompt_hash", "")),
        **(_sides(row) if kind in PAIRED else {"answer_id": source.answer_id, **_made("", source)}),
        "ratings": _json([mark for mark in row.ratings if mark is not None]),
        "index": _json(context.index.model_dump()) if context else "",
        "context_hash": context.hash if context else "",
        "chunk_ids": _json([chunk.chunk_id for chunk in context.chunks] if context else []),
        "same_context": row.same_context,
        "answer_positions": list(map(str, row.answer_positions)),
        "feedback_positions": list(map(str, row.feedback_positions)),
        "signal": row.signal,
        "raters": list(row.raters),
        "agreement": row.agreement,
        "weight": row.weight,
        "judged_at": row.judged_at,
        "split": split,
    }


def _sides(row: Row) -> Columns:
    """A correction has no answer's id and no model: empty."""
    chosen, rejected = row.answers
    return {
        "chosen_answer_id": chosen.answer_id if chosen else "",
        "rejected_answer_id": rejected.answer_id if rejected else "",
        **_made("chosen_", chosen),
        **_made("rejected_", rejected),
    }


def _made(side: str, answer: AnswerCompleted | None) -> Columns:
    """By what an answer was made."""
    return {
        f"{side}model": answer.model if answer else "",
        f"{side}parameters": _json(answer.parameters if answer else {}),
        f"{side}arms": _json(answer.arms if answer else {}),
    }


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
