"""Language model: a question and its chunks to an answer. `open_language_model` makes the one that ROXY_LANGUAGE_MODEL names."""

from __future__ import annotations

from importlib.util import find_spec

from connectors.language_model.base import LanguageModel
from schemas.errors import InvalidSetting, MissingExtra
from schemas.settings import Settings


def open_language_model(setting: str, settings: Settings) -> LanguageModel:
    """The model. Nothing is asked of its server yet. Raises InvalidSetting, MissingExtra."""
    backend, _, rest = setting.partition(":")
    if setting == "extractive":
        from connectors.language_model.extractive import ExtractiveModel

        return ExtractiveModel()
    if backend == "scripted":
        from connectors.language_model.scripted import ScriptedModel

        return ScriptedModel.from_json(rest)
    if backend == "ollama" and rest:
        _require(backend)
        from connectors.language_model.ollama import OllamaModel

        return OllamaModel(rest, settings)
    if backend == "openai" and rest:
        _require(backend)
        from connectors.language_model.openai import OpenAIModel

        return OpenAIModel(rest, settings)
    raise InvalidSetting(
        f"ROXY_LANGUAGE_MODEL names no language model: {setting!r}.",
        remedy="Use extractive, ollama:<model>, openai:<model>, or scripted:<JSON of its script>.",
    )


def _require(package: str) -> None:
    if find_spec(package) is None:
        raise MissingExtra(
            f"ROXY_LANGUAGE_MODEL asks for the package {package}, which is not installed.", remedy=f"Install the extra `{package}` of roxy."
        )
