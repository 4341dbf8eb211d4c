"""Which chunker cuts which document: by its content type, as ROXY_CHUNKER says. `auto` also looks whether a plain text is a log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from json import JSONDecodeError, loads

from connectors.chunker.base import Chunker, Piece
from connectors.chunker.log_records import looks_like_log
from schemas.errors import InvalidSetting

LOG = "text/x-log"
PLAIN = "text/plain"
AUTO = "auto"
AUTO_CHOICES = ("log", "structure")
_ANY = "*"
_EXAMPLE = '{"text/x-log": "log", "*": "structure"}'


class ChunkerByContentType:
    """The chunkers that a setting names, and their choice. What ingestion works with."""

    def __init__(self, choice: Mapping[str, str], chunkers: Mapping[str, Chunker]) -> None:
        self._choice, self._chunkers = choice, chunkers

    async def cut(self, text: str, content_type: str) -> list[Piece]:
        """The text's pieces, by the chunker for this content type. Raises ModelUnavailable."""
        return await self._chunkers[self._name(text, content_type)].cut(text)

    def _name(self, text: str, content_type: str) -> str:
        kind = content_type.partition(";")[0].strip().lower()
        name = self._choice.get(kind) or self._choice.get(_ANY, AUTO)
        if name != AUTO:
            return name
        log, structure = AUTO_CHOICES
        return log if kind == LOG or (kind == PLAIN and looks_like_log(text)) else structure


def choice_of(setting: str, known: Collection[str]) -> dict[str, str]:
    """Content type to name; `*` is any other. Raises InvalidSetting."""
    choice = _from_json(setting) if setting.lstrip().startswith("{") else {_ANY: setting}
    wrong = sorted({repr(name) for name in choice.values() if name not in known})
    if wrong:
        raise InvalidSetting(f"ROXY_CHUNKER names no chunker: {', '.join(wrong)}.", remedy=f"Use {', '.join(known)}, or JSON such as {_EXAMPLE}.")
    return {kind.strip().lower(): str(name) for kind, name in choice.items()}


def _from_json(setting: str) -> dict[str, object]:
    try:
        choice: dict[str, object] = loads(setting)
    except JSONDecodeError as error:
        raise InvalidSetting(f"ROXY_CHUNKER is no JSON: {error}.", remedy=f"Write it as {_EXAMPLE}.") from error
    odd = [kind for kind in choice if kind.strip() != _ANY and "/" not in kind]
    if odd:
        raise InvalidSetting(f"ROXY_CHUNKER names no content type: {odd[0]!r}.", remedy=f"Write it as {_EXAMPLE}.")
    return choice
