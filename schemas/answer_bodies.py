"""Bodies of another answer over HTTP: POST /v1/sessions/{id}/queries/{id}/answers. Which settings it may name, schemas/changed_settings.py says."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from schemas.http_bodies import Body

_MOST = 30  # there are fewer that may be set
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z_]+$")]


class RegenerationWanted(Body):
    """POST /v1/sessions/{id}/queries/{id}/answers."""

    settings: dict[Name, Any] = Field(
        default_factory=dict, max_length=_MOST, description="What it shall be made with, by the settings' names in lower case, without ROXY_."
    )
    look_up_again: bool = Field(False, strict=True, description="Search for the question anew; else the answer is made from the same chunks.")


class AnswerAccepted(Body):
    """The wish for another answer is in the log. Read on at `cursor` to miss nothing of it."""

    answer_id: str
    query_id: str
    session_id: str
    cursor: str
    links: dict[str, str]
