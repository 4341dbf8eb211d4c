"""Prompting: a question and its chunks as the text that a generating model is given. Pure, but for reading the template once.

Called by the models that ask a server. The template is a file with a version in its name; its fingerprint stands in the parameters of
GenerationStarted and AnswerCompleted, so that of every answer one can say what was asked. Guarantees: chunks stand in order of rank, each
between marks that nothing inside a chunk can forge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from string import Template as Text
from typing import NamedTuple

from connectors.language_model.base import Prompt
from schemas.events import RetrievedChunk

ANSWER = "answer.v1"
_FOLDER = Path(__file__).parent / "templates"
_SECTION = re.compile(r"^--- (\w+) ---\n", re.MULTILINE)
_MARK = re.compile(r"<(?=\s*/?\s*document\b)", re.IGNORECASE)
_NO_DOCUMENTS = "(No documents were found.)"


class Asked(NamedTuple):
    """What a model is told, and what it is asked."""

    system: str
    user: str

    @property
    def text(self) -> str:
        """As the audit record keeps it."""
        return f"{self.system}\n\n{self.user}"

    def turns(self, prefix: str = "") -> list[dict[str, str]]:
        """As chat APIs take it. `prefix`: what the model has said already, and is to go on behind."""
        turns = [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]
        return [*turns, {"role": "assistant", "content": prefix}] if prefix else turns


class Template(NamedTuple):
    """The texts round a question and its chunks."""

    name: str
    sections: Mapping[str, Text]
    fingerprint: str

    @property
    def parameters(self) -> dict[str, str]:
        """What the events say of it."""
        return {"prompt": self.name, "prompt_hash": self.fingerprint}

    def asked(self, prompt: Prompt) -> Asked:
        """The prompt, in words."""
        chunks = sorted(prompt.chunks, key=lambda chunk: chunk.rank)
        documents = "\n\n".join(self._document(chunk) for chunk in chunks) or _NO_DOCUMENTS
        user = self.sections["user"].substitute(documents=documents, question=_unmarked(prompt.question))
        return Asked(self.sections["system"].substitute(), user)

    def _document(self, chunk: RetrievedChunk) -> str:
        title = " > ".join((chunk.title or chunk.source, *chunk.heading_path))
        line = " ".join(_unmarked(title).replace('"', "'").split())
        return self.sections["document"].substitute(number=chunk.rank, title=line, text=_unmarked(chunk.text).strip())


@cache
def template(name: str = ANSWER) -> Template:
    """The template of that name."""
    text = (_FOLDER / f"{name}.md").read_text(encoding="utf-8")
    _, *parts = _SECTION.split(text)
    sections = {section: Text(body.strip()) for section, body in zip(parts[::2], parts[1::2], strict=True)}
    return Template(name, sections, blake2b(text.encode(), digest_size=8).hexdigest())


def _unmarked(text: str) -> str:
    """Without the marks that part documents: a chunk that closes itself could go on as if it were the question."""
    return _MARK.sub("‹", text)
