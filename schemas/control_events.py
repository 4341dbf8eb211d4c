"""Events that steer the platform: feature flags, and who is reading."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.event import Event, Id


class FlagChanged(Event):
    """Someone switched a feature on or off. Topic `flags`: the last one of a tenant and flag holds."""

    SUBJECT = "flag"

    type: Literal["FlagChanged"] = "FlagChanged"
    version: Literal[1] = 1
    flag: Id  #: name of the setting that it stands above
    value: bool | None  #: null: as the settings say
    everywhere: bool = False  #: for all tenants that have not decided for themselves
    changed_by: str = "anonymous"
    reason: str = ""


class SessionRead(Event):
    """An API process has readers of a session. Topic `readers`, every now and then while they are there."""

    SUBJECT = "session_id"

    type: Literal["SessionRead"] = "SessionRead"
    version: Literal[1] = 1
    session_id: Id
    readers: int = Field(ge=1)
