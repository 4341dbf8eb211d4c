"""Event: what every event holds. The events themselves are in the files beside, by what they are about."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/#@-]*$")]
TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
Tenant = Annotated[str, Field(pattern=rf"^{TENANT.pattern}$")]


def rfc3339(moment: datetime) -> str:
    """A time as RFC 3339 in UTC with milliseconds, so that two compare as texts."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """The present time, as `time` and `ce_time` hold it."""
    return rfc3339(datetime.now(UTC))


class Value(BaseModel):
    """A part of an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(Value):
    """What every event holds. `subject` is the noun that the fact is about: a session, a document, a chunk."""

    SUBJECT: ClassVar[str]  #: name of the field that is the record's key and `ce_subject`
    CORRELATION: ClassVar[str | None] = None  #: name of the field that is the `correlation` header

    type: str  #: name of the event
    version: int  #: of the event's fields; an older one is upcast when it is read
    id: Id  #: the same fact has the same id, however often it is written
    tenant: Tenant  #: whose it is
    time: str = Field(default_factory=now)  #: when it happened: RFC 3339, UTC

    @property
    def subject(self) -> str:
        return str(getattr(self, self.SUBJECT))

    @property
    def correlation(self) -> str:
        return str(getattr(self, self.CORRELATION)) if self.CORRELATION else self.subject
