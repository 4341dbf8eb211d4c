"""Bodies of OpenAI's two protocols, as far as they are read. Fields that are not here are let pass: clients send many, and few mean something here.

Of what a client sends as the conversation only the last entry of its user counts: what was said before is read from the session's log, if
the client names a session, and never taken from the client, who could have made it up.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.http_bodies import Utf8

MODEL = "roxy"  #: the only model's name; which language model answers is in the answer's records
_NAME_LENGTH = 200
SessionName = Annotated[str, Field(min_length=1, max_length=101)]


class Lenient(BaseModel):
    """A body, or a part of one, whose other fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Part(Lenient):
    """A part of what was said. Pictures and files are let pass, and not looked at."""

    type: str = "text"
    text: Utf8 = ""


def _one_text(content: Any) -> Any:
    return "" if content is None else content


class Said(Lenient):
    """One entry of the conversation as the client tells it."""

    role: str = "user"
    content: Annotated[Utf8 | tuple[Part, ...], BeforeValidator(_one_text)] = ""

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content if part.text)


class Named(Lenient):
    """What `metadata` may hold for us."""

    session_id: SessionName | None = Field(None, description="Ask in this session, instead of in one of its own.")


class StreamOptions(Lenient):
    """What a stream shall hold beside the text."""

    include_usage: bool = False


class ChatWanted(Lenient):
    """POST /v1/chat/completions."""

    model: str = Field(max_length=_NAME_LENGTH, description="`roxy`.")
    messages: tuple[Said, ...] = Field(min_length=1, description="The last one of role `user` is the question.")
    n: Literal[1] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    metadata: Named | None = None

    @property
    def question(self) -> str:
        return last_of_user(self.messages)


class Conversation(Lenient):
    """A session, in OpenAI's word."""

    id: SessionName


class ResponseWanted(Lenient):
    """POST /v1/responses."""

    model: str = Field(max_length=_NAME_LENGTH, description="`roxy`.")
    input: Utf8 | Annotated[tuple[Said, ...], Field(min_length=1)] = Field(description="A question, or a conversation that ends with one.")
    stream: bool | None = False
    background: bool | None = False
    previous_response_id: Annotated[str, Field(max_length=2_000)] | None = Field(None, description="Ask in the session of this response.")
    conversation: SessionName | Conversation | None = Field(None, description="Ask in the session of this id.")

    @model_validator(mode="after")
    def _one_session(self) -> Self:
        if self.previous_response_id is not None and self.conversation is not None:
            raise ValueError("give previous_response_id or conversation, not both")
        return self

    @property
    def question(self) -> str:
        return self.input if isinstance(self.input, str) else last_of_user(self.input)

    @property
    def session_id(self) -> str | None:
        return self.conversation.id if isinstance(self.conversation, Conversation) else self.conversation


def last_of_user(said: tuple[Said, ...]) -> str:
    """The question; empty if the user said nothing."""
    return next((one.text for one in reversed(said) if one.role == "user"), "")


class OpenAiError(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAiProblem(BaseModel):
    """An error in OpenAI's form."""

    error: OpenAiError


class ModelListed(BaseModel):
    """A model, as OpenAI lists it."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "roxy"


class ModelsListed(BaseModel):
    """GET /v1/models."""

    object: Literal["list"] = "list"
    data: list[ModelListed]
