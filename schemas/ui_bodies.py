"""Bodies of the AI SDK's chat protocol, as far as they are read: what the default transport sends. Other fields are let pass."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.http_bodies import Utf8
from schemas.openai_bodies import Lenient

#: What may stand behind the first letter of a session's id: the chat `abc` is the session `tabc`.
ChatId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class UiPart(Lenient):
    """A part of what was said. Only text is looked at."""

    type: str
    text: Utf8 = ""


class UiSaid(Lenient):
    """One entry of the conversation as the page has it."""

    role: str
    parts: tuple[UiPart, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts if part.type == "text")


class UiChatWanted(Lenient):
    """POST /api/chat."""

    id: ChatId = Field(description="The page's name for the conversation.")
    messages: tuple[UiSaid, ...] = Field(min_length=1, description="The last one of role `user` is the question.")

    @property
    def question(self) -> str:
        return next((said.text for said in reversed(self.messages) if said.role == "user"), "")
