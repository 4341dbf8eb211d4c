"""Language model: a question and the chunks found for it to an answer, token by token.

Guarantees (tests/contract/test_language_model.py): the tokens joined are the answer's text; citations are `[n]` where n is a chunk's rank
(a served model may invent others: they are no citations); the last thing a stream yields is its Finish; closing the stream stops the work, a
server's too; a model whose `resumes` is "rerun" yields the same text for the same prompt every time.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from schemas.events import RetrievedChunk, Usage

if TYPE_CHECKING:
    from connectors.language_model.prompting import Template


#: how an answer that lost its worker goes on: run again and skip what is out; be given what is out as a prefix; begin again
Resumes = Literal["rerun", "prefix", "restart"]


class Turn(NamedTuple):
    """A question of the session before, and its answer."""

    question: str
    answer: str


class Prompt(NamedTuple):
    """What a model is asked."""

    question: str  #: whole: it leans on no question before
    chunks: tuple[RetrievedChunk, ...]
    turns: tuple[Turn, ...] = ()  #: of the session before the question, oldest first
    summary: str = ""  #: of what was said before these


class Finish(NamedTuple):
    """How a stream ended."""

    usage: Usage
    reason: Literal["stop", "length"] = "stop"
    prompt: str | None = None  #: the text that the model was given, turns and all, if it is given one
    checked: bool = False  #: the text is a draft's, read once more and mended


class LanguageModel(Protocol):
    """Streams answers."""

    name: str
    parameters: dict[str, Any]
    resumes: Resumes
    converses: bool  #: what was said before in the session is of use to it
    worth_keeping: bool  #: an answer takes it longer than finding one that was given before

    @property
    def template(self) -> Template | None:
        """The words in which it is asked. None: it is given no text, so none can be too long for it."""
        ...

    async def read_ahead(self, chunks: tuple[RetrievedChunk, ...]) -> None:
        """These chunks were found and will be asked about in a moment: what can be made ready may be. Gives way to other work."""
        ...

    def stream(self, prompt: Prompt, *, prefix: str = "") -> AsyncGenerator[str | Finish, None]:
        """Tokens, then one Finish. `prefix`: text that is out already, for a model that resumes by prefix: the stream goes on behind it.

        Raises ModelUnavailable for what may pass, ModelRefused for what somebody has to mend.
        """
        ...
