"""Events of the index: its generations, which of them serves, and which worker serves it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.event import Event, Id, Tenant


class IndexEvent(Event):
    """An event of the index. There is one, which holds all tenants' chunks, so all its events lie in one partition, in order."""

    SUBJECT = "index"

    tenant: Tenant = "default"  #: the index is everybody's
    index: Literal["chunks"] = "chunks"
    generation: int = Field(ge=0)  #: of the index; 0: what every worker makes of `chunks` by itself


class IndexGenerationBuilt(IndexEvent):
    """A generation of the index was built from the log and verified. Topic `generations`; with these fields anybody can build it again."""

    type: Literal["IndexGenerationBuilt"] = "IndexGenerationBuilt"
    version: Literal[1] = 1
    source: Literal["chunks", "documents"]  #: the topic that it was built from
    offsets: dict[str, int]  #: of `chunks`: the next one to apply, by partition
    document_offsets: dict[str, int] = Field(default_factory=dict)  #: of `documents`, where those are the source
    live: bool  #: it goes on following `chunks`; else it stays as it is
    identity: str  #: embedder, vector and keyword backend
    cutting: str = ""  #: fingerprint of the chunkers' settings, where documents are the source
    epoch: str  #: identity of the source topic: offsets of one mean nothing in another of the same name
    chunks: int
    documents: int = 0  #: versions that were cut, where documents are the source
    failed: int = 0  #: of them, those that could not be read
    digest: str  #: of the contents; the order in which they came makes no difference
    at: str | None = None  #: what was asked for: a time, offsets, a question; null: the present
    took_ms: float


class IndexGenerationSwapped(IndexEvent):
    """From now on this generation answers questions. Topic `generations`."""

    type: Literal["IndexGenerationSwapped"] = "IndexGenerationSwapped"
    version: Literal[1] = 1
    before: int = Field(ge=0)  #: the generation that served until now
    swapped_by: str = "cli"


class IndexGenerationServed(IndexEvent):
    """A worker answers with this generation from now on. Topic `generations`."""

    type: Literal["IndexGenerationServed"] = "IndexGenerationServed"
    version: Literal[1] = 1
    worker: Id  #: host and process id
    chunks: int
    digest: str
    offsets: dict[str, int]
    took_ms: float


class IndexGenerationRefused(IndexEvent):
    """A worker could not load this generation, and goes on with the one it has. Topic `generations`."""

    type: Literal["IndexGenerationRefused"] = "IndexGenerationRefused"
    version: Literal[1] = 1
    worker: Id
    serves: int = Field(ge=0)  #: the generation that it goes on with
    error: str
    detail: str
    remedy: str
