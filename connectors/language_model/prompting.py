"""Prompting: a question, its chunks and its conversation as the text that a generating model is given. Pure, but for reading the template once.

Called by the models that ask a server. The template is a file with a version in its name; its fingerprint stands in the parameters of
GenerationStarted and AnswerCompleted, so that of every answer one can say what was asked. Guarantees: chunks stand in order of rank with
their ranks as numbers; nothing inside a chunk, a question or an old answer can forge the marks round documents and the summary, or the
signs by which chat templates part the turns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from string import Template as Text
from typing import NamedTuple

from connectors.language_model.base import Prompt, Turn
from schemas.errors import InvalidSetting
from schemas.events import RetrievedChunk

ANSWER = "answer.v1"
FOLDER = Path(__file__).parent / "templates"
#: The sections of a template, and what is filled into each.
SECTIONS: Mapping[str, frozenset[str]] = {
    "system": frozenset(),
    "turn": frozenset({"question"}),
    "summary": frozenset({"lines"}),
    "document": frozenset({"number", "title", "text"}),
    "user": frozenset({"summary", "documents", "question"}),
}
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_SECTION = re.compile(r"^--- (\w+) ---\n", re.MULTILINE)
#: Ours, and those of chat templates: <|im_end|>, <start_of_turn>, </s>, <<SYS>>, [INST]. Servers read them in a text as if they had set them.
_MARK = re.compile(r"<(?=\s*/?\s*(?:document|earlier)\b|[|｜]|(?:start|end)_of_turn>|/?s>|<?/?SYS>)|\[(?=/?INST\])", re.IGNORECASE)
_ROLE = re.compile(r"^--- (system|user|assistant) ---\n", re.MULTILINE)
_LIKE_A_ROLE = re.compile(r"^(\\*--- (?:system|user|assistant) ---)$", re.MULTILINE)
_LIKE_A_ROLE_WRITTEN = re.compile(r"^\\(\\*--- (?:system|user|assistant) ---)$", re.MULTILINE)
_NO_DOCUMENTS = "(No documents were found.)"


class Asked(NamedTuple):
    """What a model is told, what was said before, and what it is asked."""

    system: str
    user: str
    before: tuple[Turn, ...] = ()

    @property
    def text(self) -> str:
        """As the audit record keeps it: each turn under its role."""
        return written_turns(self.turns())

    def turns(self, prefix: str = "") -> list[dict[str, str]]:
        """As chat APIs take it. `prefix`: what the model has said already, and is to go on behind."""
        said = [("system", self.system)]
        for turn in self.before:
            said += [("user", turn.question), ("assistant", turn.answer)]
        said += [("user", self.user), *([("assistant", prefix)] if prefix else [])]
        return [{"role": role, "content": content} for role, content in said]


class Template(NamedTuple):
    """The texts round a question, its chunks and its conversation."""

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
        summary = self.sections["summary"].substitute(lines=_unmarked(prompt.summary)) if prompt.summary else ""
        user = self.sections["user"].substitute(summary=summary, documents=documents, question=_unmarked(prompt.question))
        return Asked(self.sections["system"].substitute(), user.strip(), tuple(self._turn(turn) for turn in prompt.turns))

    def _turn(self, turn: Turn) -> Turn:
        return Turn(self.sections["turn"].substitute(question=_unmarked(turn.question)), _unmarked(turn.answer))

    def _document(self, chunk: RetrievedChunk) -> str:
        title = " > ".join((chunk.title or chunk.source, *chunk.heading_path))
        line = " ".join(_unmarked(title).replace('"', "'").split())
        return self.sections["document"].substitute(number=chunk.rank, title=line, text=_unmarked(chunk.text).strip())


def written_turns(turns: Iterable[Mapping[str, str]]) -> str:
    """Each turn under its role, as one text. A line inside a turn that looks like a role gets a backslash in front, so that it forges none."""
    contents = [(turn["role"], _LIKE_A_ROLE.sub(r"\\\1", turn["content"])) for turn in turns]
    return "\n\n".join(f"--- {role} ---\n{content}" for role, content in contents)


def read_turns(text: str) -> list[dict[str, str]]:
    """The turns of such a text; of any other, one of the user."""
    before, *parts = _ROLE.split(text)
    if before or not parts:
        return [{"role": "user", "content": text}]
    contents = [*(content.removesuffix("\n\n") for content in parts[1:-1:2]), parts[-1]]
    return [{"role": role, "content": _LIKE_A_ROLE_WRITTEN.sub(r"\1", content)} for role, content in zip(parts[::2], contents, strict=True)]


@cache
def template(name: str = ANSWER, folder: Path | None = None) -> Template:
    """The template of that name: the user's own, in the folder, else one that Roxy brings. Raises InvalidSetting."""
    found = files(folder)
    if name not in found:
        remedy = f"There are {', '.join(found)}. Your own lie in ROXY_PROMPTS_DIR as <name>.md."
        raise InvalidSetting(f"ROXY_PROMPT names no template: {name!r}.", remedy=remedy)
    try:
        text = found[name].read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"The template {found[name]} cannot be read: {error}.", remedy="It is a text file in UTF-8.") from error
    return read(name, text, str(found[name]))


def files(folder: Path | None) -> dict[str, Path]:
    """Every template there is, by name; the user's own stands before one that Roxy brings. Raises InvalidSetting."""
    if folder is not None and not folder.is_dir():
        raise InvalidSetting(f"ROXY_PROMPTS_DIR is no folder: {folder}.", remedy="Make it, and put templates into it: <name>.md.")
    there = [file for each in (FOLDER, folder) if each is not None for file in sorted(each.glob("*.md"))]
    return {file.stem: file for file in there if _NAME.fullmatch(file.stem)}


def read(name: str, text: str, where: str) -> Template:
    """The template of that text. Raises InvalidSetting for one that lacks something, or asks for what there is not."""
    _, *parts = _SECTION.split(text)
    sections = {section: Text(body.strip()) for section, body in zip(parts[::2], parts[1::2], strict=True)}
    problem = _problem(sections, parts[::2])
    if problem:
        raise InvalidSetting(f"The template {where} {problem}.", remedy="Compare it with `roxy prompts show answer.v1`.")
    return Template(name, sections, blake2b(text.encode(), digest_size=8).hexdigest())


def _problem(sections: Mapping[str, Text], named: list[str]) -> str:
    """What is wrong with it, of the first section with which something is."""
    if len(named) > len(sections) or set(sections) != set(SECTIONS):
        return f"has not the sections {', '.join(SECTIONS)}, each once, each under `--- name ---`"
    for section, wanted in SECTIONS.items():
        text = sections[section]
        if not text.is_valid():
            return f"has a `$` in section {section} that begins no placeholder: write `$$` for the sign"
        found = set(text.get_identifiers())
        if found != wanted:
            lacking, unknown = (", ".join(f"${name}" for name in sorted(names)) for names in (wanted - found, found - wanted))
            return f"in section {section} {f'lacks {lacking}' if lacking else f'has {unknown}, which is not filled in'}"
    return ""


def _unmarked(text: str) -> str:
    """Without marks: a chunk that closes itself could go on as if it were the question."""
    return _MARK.sub(lambda mark: "‹" if mark[0] == "<" else "(", text)
