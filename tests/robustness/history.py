"""History: what a run's clients sent and saw, what the log held when all was quiet, and what was said of it then. Values only.

recorder.py writes it, history_files.py reads it back, validators/ judge it. Times are seconds since the run began, by one monotonic clock;
`Run.began` says when that was. A run's folder:

- `history/clients/<client>.jsonl`: one operation or one reader's connection a line, in the order in which they ended;
- `history/topics/<topic>.jsonl`: one record a line, of sessions' own topics, too;
- `history/run.json`: the run itself.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from schemas.events import answer_id_of
from schemas.record import Record
from schemas.session_id import Session

#: What a client may do; each line says what its request and response hold. Of ids, tenant and client are the operation's own.
Kind = Literal[
    "ask",  # {session, text[, key, follows]} -> {query_id, answer_id, cursor}
    "regenerate",  # {session, query_id[, settings]} -> {query_id, answer_id, cursor}
    "cancel",  # {session, query_id} -> {}
    "feedback",  # {session, answer_id, feedback_id, given_by, and what it says: thumb, stars, correction, better_than …} -> {query_id, answer_id}
    "retract",  # {session, feedback_id, given_by} -> {query_id, answer_id}
    "ingest",  # {document_id, word}: a word that no other version of any document holds -> {}
    "delete",  # {document_id} -> {}
    "forget",  # {session} -> {}: its topic is deleted, by its client or by a fault
]
#: `unknown`: the connection broke, or the answer was a 5xx: it may have happened or not, and may happen yet. A server that has too much to do says so
#: before it does anything: its 503 is `refused`.
Outcome = Literal["ok", "refused", "unknown"]
#: How a connection ended: the client left; it broke; the server said goodbye; of one query, nothing more will come (the end of the stream, or 204);
#: it was refused; the client had seen all that there was, at the end of the run; it was still waiting then, and was stopped.
Ending = Literal["cut", "broke", "closing", "over", "refused", "caught-up", "hung"]


class Operation(NamedTuple):
    """Something that a client asked for once. A repetition under the same idempotency key is another one."""

    client: str
    kind: Kind
    tenant: str
    start: float
    end: float
    at: str  #: when it began, by the wall's clock: RFC 3339, UTC
    request: dict[str, Any]
    outcome: Outcome
    status: int | None = None  #: of HTTP
    response: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default, which nobody writes to

    @property
    def session(self) -> Session:
        return Session(self.tenant, str(self.request["session"]))


class Frame(NamedTuple):
    """A server-sent event with data, as a client got it. Of one of type `gap`, `text` is the reason."""

    at: float
    cursor: str
    type: str
    digest: str = ""  #: of its data, as `digest_of` makes it of a record's value
    id: str = ""  #: of the event
    tenant: str = ""
    session: str = ""
    query: str = ""
    answer: str = ""
    attempt: int = 0
    index: int = 0  #: of TokensGenerated; of GenerationStarted where it resumes; of an end `tokens_end`
    text: str = ""  #: of TokensGenerated and AnswerCompleted


class Connection(NamedTuple):
    """One connection of a reader. Those of one client with the same `reader` go on where the one before was."""

    client: str
    reader: str
    tenant: str
    session_id: str
    start: float
    end: float
    at: str
    after: str | None  #: the cursor that was asked from; null: the session's beginning
    query: str | None  #: its records and its first answer's; null: all of the session, or one answer
    ended: Ending
    status: int | None = None
    frames: tuple[Frame, ...] = ()
    answer: str | None = None  #: only this one's records

    @property
    def only(self) -> str | None:
        """The answer whose records alone were asked for."""
        return self.answer or (answer_id_of(self.query) if self.query else None)

    @property
    def session(self) -> Session:
        return Session(self.tenant, self.session_id)


class Fault(NamedTuple):
    """Something that was done to the processes, the network, the disk or the clock."""

    kind: str
    target: str
    start: float
    end: float | None = None  #: null: for ever, or in a moment
    detail: dict[str, Any] = {}  # noqa: RUF012


class Kept(NamedTuple):
    """What a topic held when it was read: offsets by partition."""

    epoch: str
    starts: dict[int, int]
    ends: dict[int, int]


class Search(NamedTuple):
    """A word looked up in the index at the end: documents whose chunks hold it. Null: asked for, and not answered."""

    tenant: str
    word: str
    documents: tuple[str, ...] | None


class Found(NamedTuple):
    """What those said at the end who fold the log. Null: not asked."""

    searches: tuple[Search, ...] = ()
    insights: tuple[dict[str, Any], ...] | None = None  #: rows of `roxy insights --since all --json`
    exported: tuple[dict[str, Any], ...] | None = None  #: rows of `roxy export kto --any-context --no-deduplicate`, train and test
    replayed: dict[str, dict[str, Any]] | None = None  #: by compacted topic (`preferences`, `insights`), by record key, the value that a replay gives


class Run(NamedTuple):
    """The run as a whole."""

    seed: int
    began: str
    settings: dict[str, Any]
    faults: tuple[Fault, ...]
    quiet_at: float  #: traffic and faults had ended, and all that was under way as well, or its time was up
    ended_at: float  #: the topics were read
    cursor_secret: str  #: of this run's API processes and of nothing else: validators look into cursors
    answer_timeout_s: float  #: a question asked so shortly before the end may still be under way
    topics: dict[str, Kept]
    found: Found = Found()
    tenants: tuple[str, ...] = ()  #: each of them is to be served in the end
    settled: bool = True  #: all came to rest in time, after the faults and after the last questions
    left: int = 0  #: doings of clients that were stopped, long after all was quiet


class History(NamedTuple):
    """All of it."""

    run: Run
    operations: tuple[Operation, ...]
    connections: tuple[Connection, ...]
    topics: dict[str, tuple[Record, ...]]
