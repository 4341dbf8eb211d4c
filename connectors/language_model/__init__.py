"""Language model: a question and its chunks to an answer. `open_language_model` makes the one that ROXY_LANGUAGE_MODEL names."""

from __future__ import annotations

from importlib.util import find_spec

from connectors.language_model.base import LanguageModel
from connectors.language_model.prompting import template
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

        return ScriptedModel.from_json(rest, template(settings.prompt, settings.prompts_dir))
    package = backend.partition("@")[0]
    if package == "ollama" and rest:
        _require(package, setting)
        from connectors.language_model.ollama import OllamaModel

        return OllamaModel(setting, settings)
    if package == "openai" and rest:
        _require(package, setting)
        from connectors.language_model.openai import OpenAIModel

        return OpenAIModel(setting, settings)
    raise InvalidSetting(
        f"There is no language model {setting!r}.",
        remedy="Use extractive, ollama:<model>, openai:<model>, openai@<name in ROXY_ENDPOINTS>:<model>, or scripted:<JSON of its script>.",
    )


def _require(package: str, setting: str) -> None:
    if find_spec(package) is None:
        raise MissingExtra(
            f"The language model {setting} needs the package {package}, which is not installed.", remedy=f"Install the extra `{package}` of roxy."
        )
