"""Changed settings: those that may stand otherwise for some sessions or for one answer, and their values as a process has them. Pure.

Asked by experiments for their arms; and for another answer to a question by the API before it writes, and by the worker before it answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import orjson
from pydantic import TypeAdapter, ValidationError

from schemas.errors import InvalidRegeneration, InvalidSetting
from schemas.settings import PREFIX, Settings

#: How a question is searched for (streams/search/plan.py).
SEARCHING: tuple[str, ...] = (
    *("top_k", "candidates", "fusion", "keyword_weight", "feedback_chunks", "feedback_weight", "smoothing", "chunk_votes_weight"),
    *("reranker", "rerank_chunks", "diversity", "neighbours", "near_duplicate", "context_tokens"),
)
#: What an arm may change: how a question is searched for, and how it is answered. All of it is read anew for each question.
CHANGEABLE: tuple[str, ...] = (
    *SEARCHING,
    *("language_model", "tiers", "fallback_models", "routing", "routes"),
    *("model_temperature", "model_max_tokens", "model_seed"),
    *("prompt", "prompt_tokens", "history_turns"),
    *("answer_cache", "answer_cache_s", "semantic_cache", "semantic_threshold"),
    *("refusals", "refuse_below", "screening", "self_check"),
)
#: What whoever asks for another answer may change. Not what guards answers, nor what says where models are.
OF_A_SIBLING: tuple[str, ...] = (
    *SEARCHING,
    *("language_model", "routing", "model_temperature", "model_max_tokens", "model_seed"),
    *("prompt", "prompt_tokens", "history_turns"),
    *("refusals", "refuse_below", "self_check"),
)
_TEMPLATE = re.compile(r"[\w.-]{1,100}")
_SHOWN = 100  # characters of what was asked for, in an error
_DEAREST = ("model_max_tokens", "prompt_tokens")  # what is paid for: less may be asked for, not more


def value_of(name: str, value: Any) -> Any:
    """A setting's value as the process has it. Strict, as JSON has types: a `"0.7"` for 0.7 is a mistake somewhere else too.

    Raises InvalidSetting.
    """
    field = Settings.model_fields[name]
    reader: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]
    try:
        return reader.validate_json(orjson.dumps(value), strict=True)
    except (ValidationError, TypeError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InvalidSetting(f"{name}: {problem}.", remedy=f"Give what docs/settings.md says of {PREFIX}{name.upper()}.") from error


def for_a_sibling(wanted: Mapping[str, Any], settings: Settings, *, looks_up: bool = True) -> dict[str, Any]:
    """What another answer's settings change, read. `looks_up`: whether its question is searched for again. Raises InvalidRegeneration.

    A model that is asked for by name answers itself: no rule routes the question elsewhere, and no other model stands in for it.
    """
    read = {name: _read(name, value, looks_up=looks_up) for name, value in wanted.items()}
    _require_allowed("language_model", read, models_of(settings))
    if "prompt" in read and not _TEMPLATE.fullmatch(read["prompt"]):
        raise InvalidRegeneration("prompt: this is no template's name.", remedy="`roxy prompts list` lists them.")
    _require_allowed("reranker", read, {"none", settings.reranker, *_of_arms("reranker", settings)})
    if read.get("chunk_votes_weight") and not _counts_votes(settings):
        remedy = f"Set {PREFIX}CHUNK_VOTES_WEIGHT, or an arm's: workers follow votes from their start on."
        raise InvalidRegeneration("chunk_votes_weight: votes are not counted here.", remedy=remedy)
    for name in _DEAREST:
        if read.get(name, 0) > getattr(settings, name):
            raise InvalidRegeneration(f"{name}: at most {getattr(settings, name)} here.")
    return {"routing": False, "fallback_models": (), **read} if "language_model" in read else read


def models_of(settings: Settings) -> set[str]:
    """The models that may be asked for another answer."""
    named = {settings.language_model, *settings.tiers.values(), *settings.fallback_models, *settings.sibling_models}
    return {"extractive", *named, *_of_arms("language_model", settings)}


def _counts_votes(settings: Settings) -> bool:
    """Whether votes on chunks count for anybody (streams/ports.py)."""
    weights = (arm.settings.get("chunk_votes_weight") for experiment in settings.experiments for arm in experiment.arms)
    return bool(settings.chunk_votes_weight) or any(weights)


def _of_arms(name: str, settings: Settings) -> Iterator[str]:
    for experiment in settings.experiments:
        for arm in experiment.arms:
            if isinstance(value := arm.settings.get(name), str):
                yield value


def _read(name: str, value: Any, *, looks_up: bool) -> Any:
    if name not in OF_A_SIBLING:
        raise InvalidRegeneration(f"{name} cannot be set for one answer.", remedy=f"There are {', '.join(OF_A_SIBLING)}.")
    if name in SEARCHING and not looks_up:
        raise InvalidRegeneration(f"{name} says how a question is looked up.", remedy="Ask for `look_up_again` too, or leave it out.")
    try:
        return value_of(name, value)
    except InvalidSetting as error:
        raise InvalidRegeneration(error.detail, remedy=error.remedy) from error


def _require_allowed(name: str, read: Mapping[str, Any], allowed: set[str]) -> None:
    if name in read and read[name] not in allowed:
        raise InvalidRegeneration(f"{name}: {read[name][:_SHOWN]!r} is not served here.", remedy=f"There are {', '.join(sorted(allowed))}.")
