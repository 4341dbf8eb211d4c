"""Language model: a question and its chunks to an answer. `open_language_model` makes the one that ROXY_LANGUAGE_MODEL names."""

from __future__ import annotations

from connectors.language_model.base import LanguageModel
from schemas.errors import InvalidSetting


def open_language_model(setting: str) -> LanguageModel:
    """The model. Raises InvalidSetting."""
    backend, _, script = setting.partition(":")
    if setting == "extractive":
        from connectors.language_model.extractive import ExtractiveModel

        return ExtractiveModel()
    if backend == "scripted":
        from connectors.language_model.scripted import ScriptedModel

        return ScriptedModel.from_json(script)
    raise InvalidSetting(f"ROXY_LANGUAGE_MODEL names no language model: {setting!r}.", remedy="Use extractive, or scripted:<JSON of its script>.")
