"""Request and response bodies of the API. Unknown fields are refused. The event inside a record's JSON is the record's value as it lies in Kafka."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.event import rfc3339
from schemas.events import Filters
from schemas.flags import Standing
from schemas.settings import Placement, Settings

#: Shorter than an event's Id, so that ids derived from it still fit; `/` lets a document be called by its path.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/#@-]*$"
ID_LENGTH = 150
_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # category Cc without \t and \n
TEXT_PATTERN = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"  # one visible character at least


def _encodable(text: str) -> str:
    """JSON may spell half a surrogate pair (`\\ud800`), which no UTF-8 text can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("the text is not valid Unicode: it holds half a surrogate pair") from error
    return text


Utf8 = Annotated[str, AfterValidator(_encodable)]
Plain = Annotated[Utf8, Field(min_length=1, pattern=TEXT_PATTERN)]  #: text with something visible and no control characters but \t and \n
_OF_OUR_TIME = re.compile(r"(?:19|20)\d\d-\d\d-\d\d")


def _written_out(moment: object) -> object:
    """A number might be seconds or milliseconds, and a year that is far off cannot be told in UTC."""
    if not isinstance(moment, str) or not _OF_OUR_TIME.match(moment):
        raise ValueError("the time is not written as RFC 3339, such as 2026-01-31T12:00:00Z, between the years 1900 and 2099")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
ExternalId = Annotated[str, Field(min_length=1, max_length=ID_LENGTH, pattern=ID_PATTERN)]


class Body(BaseModel):
    """A body of a request or a response."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# ------------------------------------------------------------------ requests


class SessionWanted(Body):
    """POST /v1/sessions."""

    placement: Placement | None = Field(None, description="Where the session's records shall lie; the server's setting if left out.")


class FiltersWanted(Body):
    """Which chunks a question may find. Every part that is given must hold; of a part with several values, one of them."""

    sources: tuple[Annotated[Plain, Field(max_length=2_000)], ...] = Field(
        (), max_length=50, description="Where the document came from; one that ends in `*` stands for all that begin so."
    )
    tags: tuple[Annotated[Plain, Field(max_length=100)], ...] = Field((), max_length=50)
    since: Moment | None = Field(None, description="The chunk was written, or changed, then or later: RFC 3339 with an offset.")
    until: Moment | None = Field(None, description="And before then.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    @property
    def filters(self) -> Filters:
        """As the event has them."""
        since, until = (None if moment is None else rfc3339(moment) for moment in (self.since, self.until))
        return Filters(sources=self.sources, tags=self.tags, since=since, until=until)


class QueryWanted(Body):
    """POST /v1/sessions/{id}/queries."""

    text: Plain = Field(description="The question: no control characters but tab and newline, not only blanks.")
    filters: FiltersWanted = Field(FiltersWanted(), description="Which chunks it may find; all if left out.")


class DocumentWanted(Body):
    """POST /v1/documents as JSON. Exactly one of text and content_base64."""

    document_id: ExternalId | None = Field(None, description="Made from `source` if left out, else by chance.")
    title: Annotated[Plain, Field(max_length=500)] | None = None
    source: Annotated[Plain, Field(max_length=2_000)] | None = Field(None, description="Path or URL that the document came from.")
    content_type: str = Field("text/markdown", max_length=100)
    text: Utf8 | None = None
    content_base64: str | None = None
    tags: tuple[Annotated[Plain, Field(max_length=100)], ...] = Field((), max_length=50)

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if (self.text is None) == (self.content_base64 is None):
            raise ValueError("give exactly one of text and content_base64")
        return self


class FlagWanted(Body):
    """PUT /v1/flags/{name}."""

    value: bool | None = Field(strict=True, description="On or off; null: as the settings say, or as it stands everywhere.")
    reason: Annotated[Utf8, Field(max_length=1_000)] = Field("", description="Why, for whoever asks later.")


# ----------------------------------------------------------------- responses


class SessionCreated(Body):
    """A session, and where to go on."""

    session_id: str
    tenant: str
    placement: Placement
    cursor: str = Field(description="Of the session's first record.")
    links: dict[str, str]


class QueryAccepted(Body):
    """The question is in the log. Read on at `cursor` to miss nothing of its answer."""

    query_id: str
    answer_id: str
    session_id: str
    cursor: str
    links: dict[str, str]


class CancelAccepted(Body):
    """The wish to stop is in the log."""

    query_id: str
    session_id: str


class DocumentAccepted(Body):
    """The document's version, or its deletion, is in the log."""

    document_id: str
    links: dict[str, str]


class DocumentStatus(Body):
    """What became of the document's last version."""

    document_id: str
    status: Literal["pending", "indexing", "indexed", "failed", "removed"]
    time: str | None = None
    title: str | None = None
    stage: Literal["cut", "embedding"] | None = Field(None, description="indexing: what is being done. Only large documents say so.")
    chunks: int | None = Field(None, description="Of the version.")
    done: int | None = Field(None, description="indexing: chunks that can be found already.")
    kept: int | None = Field(None, description="indexed: chunks that were there as they are.")
    reused: int | None = Field(None, description="indexed: chunks whose vector was known.")
    embedded: int | None = Field(None, description="indexed: chunks whose content was new.")
    removed: int | None = Field(None, description="indexed, removed: chunks of the version before that are gone.")
    error: str | None = None
    detail: str | None = None
    remedy: str | None = None


class FlagStatus(Body):
    """How a feature flag stands for the tenant, and since which change."""

    flag: str
    value: bool = Field(description="What new questions are answered by.")
    by: Literal["settings", "everywhere", "tenant"] = Field(description="Who decided. A tenant's own change stands above one for everywhere.")
    changed_by: str | None = None
    reason: str | None = None
    time: str | None = None

    @classmethod
    def of(cls, standing: Standing, settings: Settings) -> Self:
        """Where nobody has switched it, the settings say it."""
        change = standing.changed
        if change is None or standing.value is None:
            return cls(flag=standing.flag, value=getattr(settings, standing.flag), by="settings")
        by: Literal["everywhere", "tenant"] = "everywhere" if change.everywhere else "tenant"
        return cls(flag=standing.flag, value=standing.value, by=by, changed_by=change.changed_by, reason=change.reason, time=change.time)


class FlagsListed(Body):
    """All feature flags."""

    tenant: str
    flags: tuple[FlagStatus, ...]


class FlagAccepted(Body):
    """The change is in the log; workers that run follow within a moment."""

    flag: str
    value: bool | None
    changed_by: str


class ReadRecord(Body):
    """One record. `cursor` is what to go on with after it."""

    cursor: str
    type: str
    event: dict[str, Any] | None = Field(description="The record's value; null if it is no JSON.")


class ReadGap(Body):
    """Records that are gone."""

    requested: str
    resumes: str
    reason: Literal["expired", "recreated"]


class RecordsPolled(Body):
    """The long-polling form of a session's stream."""

    records: list[ReadRecord]
    cursor: str
    ended: bool = Field(description="With ?query=: nothing more will come.")
    gap: ReadGap | None = None


class ModelUsage(Body):
    """What one model's answers took."""

    model: str
    answers: int
    prompt_tokens: int
    completion_tokens: int
    cost: dict[str, float] = Field(description="By currency; empty if ROXY_PRICES does not name the model.")


class SessionUsage(Body):
    """What the answers of a session took, as far as they are kept."""

    session_id: str
    models: tuple[ModelUsage, ...]


class RecordsPage(Body):
    """A bounded part of a session's records."""

    records: list[ReadRecord]
    cursor: str
    more: bool
    gap: ReadGap | None = None


class Health(Body):
    """Whether this process lives, or can serve."""

    status: Literal["live", "ready"]


class FieldProblem(Body):
    """What is wrong with one field."""

    where: str
    problem: str


class Problem(Body):
    """RFC 9457 problem details, with what to do about it."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    instance: str
    errors: list[FieldProblem] | None = None
