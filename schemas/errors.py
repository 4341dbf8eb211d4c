"""Every error that Roxy raises on purpose. The class docstring is the message and the remedy.

RoxyError
├── InvalidInput                 the caller can mend it
│   ├── InvalidQuery
│   ├── InvalidDocument
│   │   └── UnreadableDocument
│   ├── InvalidDataset
│   ├── InvalidFeedback
│   ├── InvalidRegeneration
│   ├── InvalidSessionId
│   ├── InvalidSetting
│   ├── InvalidPosition
│   └── MalformedCursor
├── Refused                      the caller may not
│   ├── NotAuthenticated
│   ├── NotAllowed
│   ├── ForeignCursor
│   ├── TooManyConnections
│   ├── TooManyQuestions
│   ├── AlreadyReviewed
│   └── IdempotencyConflict
├── NotFound
│   ├── UnknownSession
│   ├── UnknownDocument
│   ├── UnknownQuery
│   ├── UnknownAnswer
│   ├── UnknownFeedback
│   ├── UnknownProposal
│   ├── UnknownResponse
│   ├── UnknownModel
│   ├── UnknownFlag
│   └── UnknownGeneration
├── GenerationDiffers            an index does not hold what the log says
├── UnreadableRecord             a record that no step can decode; goes to the dead letters
├── Unavailable                  may pass: retried with backoff
│   ├── LogUnavailable
│   ├── ModelUnavailable
│   ├── ModeratorUnavailable
│   ├── IndexUnavailable
│   ├── Overloaded
│   └── ShuttingDown
├── ModelRefused                 the language model would not take a request
├── IndexRefused                 a part of a shared index would not take some chunks
├── SlowReader                   ends one connection, with a cursor to come back with
├── ClientError                  what `roxy ask` and its like were told by the API
│   ├── ServerNotRunning
│   └── RequestRefused
└── LocalProcessError            what `roxy up` runs did not come up
    ├── BrokerNotReady
    ├── PortTaken
    └── MissingExtra
"""

from __future__ import annotations


class RoxyError(Exception):
    """Something went wrong in Roxy. See the log line with the same correlation id."""

    def __init__(self, detail: str = "", *, remedy: str = "") -> None:
        message, _, default_remedy = _sentences(type(self).__doc__)
        self.detail = detail or message
        self.remedy = remedy or default_remedy
        super().__init__(self.detail)

    def __str__(self) -> str:
        return f"{self.detail} {self.remedy}".strip()

    @classmethod
    def slug(cls) -> str:
        """`UnknownSession` -> `unknown-session`: the last part of a problem's type URI."""
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__).lstrip("-")


def _sentences(doc: str | None) -> tuple[str, str, str]:
    """First sentence (message), separator, the rest (remedy)."""
    text = " ".join((doc or "").split())
    head, dot, tail = text.partition(". ")
    return (head + "." if dot else head, dot, tail)


class InvalidInput(RoxyError):
    """The input is not valid. Correct it and send it again."""


class InvalidQuery(InvalidInput):
    """The question cannot be accepted. Send 1 or more visible characters, within the limit of ROXY_MAX_QUERY_CHARS."""


class InvalidDocument(InvalidInput):
    """The document cannot be accepted. Send text, or a PDF or DOCX file, within the limit of ROXY_MAX_DOCUMENT_BYTES."""


class UnreadableDocument(InvalidDocument):
    """No text could be read from the document. Check that the file opens in its own program and is of the type it claims."""


class InvalidDataset(InvalidInput):
    """The dataset cannot be read. It is a folder with corpus.jsonl, queries.jsonl and qrels/<split>.tsv; see docs/howto/evaluate-and-tune.md."""


class InvalidFeedback(InvalidInput):
    """The feedback does not fit the answer that it is about. Correct what the detail names; docs/howto/give-feedback.md says what is possible."""


class InvalidRegeneration(InvalidInput):
    """Another answer cannot be made so. Correct what the detail names; docs/howto/compare-answers.md says what may be set for one answer."""


class InvalidSessionId(InvalidInput):
    """The session id is not well formed. Use the id that POST /v1/sessions returned."""


class InvalidSetting(InvalidInput):
    """A ROXY_ environment variable is not valid. Run `roxy settings` to see every name, default and meaning."""


class InvalidPosition(InvalidInput):
    """There is no such position in the log. Give a time such as 2026-11-21T02:00:00Z, offsets such as 0:12,1:40, or query:ID."""


class MalformedCursor(InvalidInput):
    """The cursor cannot be read. Use an `id:` of this session's stream as it came, or leave it out to start at the beginning."""


class Refused(RoxyError):
    """The request was refused. Ask whoever runs this server for access."""


class NotAuthenticated(Refused):
    """No valid API key was given. Send `Authorization: Bearer <key>`."""


class NotAllowed(Refused):
    """This key's roles do not allow the request. Use a key with the role that the detail names."""


class ForeignCursor(Refused):
    """The cursor was made for another session or tenant. Use a cursor of this session."""


class TooManyConnections(Refused):
    """Too many open streams for this principal. Close some, or raise ROXY_SSE_MAX_PER_PRINCIPAL."""


class TooManyQuestions(Refused):
    """The tenant asks faster than it may. Ask again after the seconds that Retry-After names, or raise ROXY_QUESTIONS_PER_MIN."""

    def __init__(self, detail: str = "", *, remedy: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(detail, remedy=remedy)
        self.retry_after_s = retry_after_s


class AlreadyReviewed(Refused):
    """The correction was decided on before. An approved one is taken away by DELETE /v1/documents/{id}; a rejected one may still be approved."""


class IdempotencyConflict(Refused):
    """This Idempotency-Key was used before with another body. Use a new key for a new question."""


class NotFound(RoxyError):
    """Nothing is there under that id. Check the id."""


class UnknownSession(NotFound):
    """No session has this id. Create one with POST /v1/sessions; it may also have been forgotten."""


class UnknownDocument(NotFound):
    """No document has this id. List what was sent with `roxy ingest`, or submit it with POST /v1/documents."""


class UnknownQuery(NotFound):
    """Nothing was retrieved for a query of this id. Questions are kept for 30 days; `roxy replay all` lists those that there are."""


class UnknownAnswer(NotFound):
    """The session has no answer of this id. Take it from the session's GenerationStarted, or leave it out to mean the query's first one."""


class UnknownFeedback(NotFound):
    """You have given no feedback of this id in the session. Only who gave it takes it back; use the id that POST …/feedback returned."""


class UnknownProposal(NotFound):
    """No correction waits for a review under this id. See `roxy review list`; it may have been taken back, or put in other words since."""


class UnknownResponse(NotFound):
    """No response has this id. Use the id that POST /v1/responses returned, with a key of the same tenant."""


class UnknownModel(NotFound):
    """The server has no model of this name. Ask for `roxy`: which language model answers, the server decides."""


class UnknownFlag(NotFound):
    """There is no feature flag of this name. See `roxy flags list`."""


class UnknownGeneration(NotFound):
    """The index has no generation of this number. See `roxy index status`, or build one with `roxy index rebuild`."""


class GenerationDiffers(RoxyError):
    """A generation of the index does not hold what the log says. Build another one with `roxy index rebuild`; the one that serves goes on."""


class UnreadableRecord(RoxyError):
    """A record could not be decoded as the event that its headers name. See docs/asyncapi.json for its schema; redrive it once mended."""


class Unavailable(RoxyError):
    """Something that Roxy depends on is not available. Try again shortly."""

    def __init__(self, detail: str = "", *, remedy: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(detail, remedy=remedy)
        self.retry_after_s = retry_after_s  #: what it asked for itself; 0: nothing


class LogUnavailable(Unavailable):
    """Kafka could not be reached. Check `roxy status`, or ROXY_KAFKA_BOOTSTRAP for an outside cluster."""


class ModelUnavailable(Unavailable):
    """The language model did not answer. Check that its server runs and that ROXY_LANGUAGE_MODEL names it."""


class ModeratorUnavailable(Unavailable):
    """The moderator did not answer. Check its server, and ROXY_MODERATOR; with ROXY_MODERATION_REQUIRED off, questions go on without it."""


class IndexUnavailable(Unavailable):
    """A part of the index did not answer. Check `roxy status`, or ROXY_WEAVIATE_URL for an outside Weaviate."""


class Overloaded(Unavailable):
    """The server has more to do than it gets done. Come back after the seconds that Retry-After names; see docs/howto/load-test.md."""


class ShuttingDown(Unavailable):
    """The server is shutting down. Come back with the last cursor; another process takes over."""


class ModelRefused(RoxyError):
    """The language model would not take the request. Check ROXY_LANGUAGE_MODEL and what the detail names; trying again does not help."""


class IndexRefused(RoxyError):
    """The shared index would not take a chunk. Its record is in the dead letters; mend what the detail names, and submit the document again."""

    def __init__(self, detail: str = "", *, remedy: str = "", chunk_ids: frozenset[str] = frozenset()) -> None:
        super().__init__(detail, remedy=remedy)
        self.chunk_ids = chunk_ids


class SlowReader(RoxyError):
    """The reader fell too far behind. Reconnect with the last cursor and read faster."""


class LocalProcessError(RoxyError):
    """A process that Roxy runs on this machine did not come up. Read its log in the state folder (`roxy status` names it)."""


class BrokerNotReady(LocalProcessError):
    """The local Kafka broker did not become ready. Read its log in the state folder (`roxy status` names it)."""


class PortTaken(LocalProcessError):
    """A port that Roxy needs is in use. Stop the other program, or set ROXY_KAFKA_PORT or ROXY_API_PORT."""


class MissingExtra(LocalProcessError):
    """An optional package is not installed. Install the extra that the detail names."""


class ClientError(RoxyError):
    """The API did not do what was asked. Run `roxy status` to see what is up."""


class ServerNotRunning(ClientError):
    """No API answers there. Start one with `roxy up`, or give its address with --url or ROXY_URL."""


class RequestRefused(ClientError):
    """The API refused the request. Its own words say why."""
