"""A model of workers that make one answer: they are replaced, paused at any point, and wake up late.

Each does what streams/steps.py and streams/generation.py do: write the question unless it is there, look at the log, begin an attempt,
look again, go on behind what is out. `yield` marks where it may be paused while others work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hypothesis import strategies as st

from schemas.attempts import AttemptFilter, Marks
from schemas.codec import Context, encode
from schemas.events import AnswerCompleted, AnswerEvent, Event, GenerationStarted, QueryAsked, SessionEvent, TokensGenerated

CONTEXT = Context("/roxy/worker", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
_TIME = "2026-01-01T00:00:00.000Z"
_IDS = {"tenant": "default", "session_id": "t1", "time": _TIME}


class Written(NamedTuple):
    """A record of the session, as a reader meets it."""

    event: SessionEvent
    marks: Marks


class Fold(NamedTuple):
    """What a reader has of an answer."""

    texts: tuple[str, ...] = ()
    terminal: Event | None = None
    asked: bool = False

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def after(self, event: Event) -> Fold:
        """Raises AssertionError if a piece is missing or comes twice."""
        assert self.terminal is None or not isinstance(event, AnswerEvent), "something counts after the terminal record"
        if isinstance(event, QueryAsked):
            assert not self.asked, "the question comes twice"
            return self._replace(asked=True)
        if isinstance(event, GenerationStarted):
            return self._replace(texts=self.texts[: event.resumes_at])
        if isinstance(event, TokensGenerated):
            assert event.index == len(self.texts), "the answer has a hole or a double"
            return self._replace(texts=(*self.texts, event.text))
        return self._replace(terminal=event) if isinstance(event, AnswerEvent) else self


def admitted(log: Iterable[Written], counts: AttemptFilter) -> list[Written]:
    """The records that count."""
    return [written for written in log if counts.admits(written.marks)]


def fold(log: Iterable[Written]) -> Fold:
    """What the records that count make."""
    so_far = Fold()
    for written in admitted(log, AttemptFilter()):
        so_far = so_far.after(written.event)
    return so_far


def write(log: list[Written], event: SessionEvent) -> None:
    """Append through the codec: a reader's marks come from the headers."""
    log.append(Written(event, Marks.of(encode(event, CONTEXT).headers)))


def asked(query: str = "q1") -> QueryAsked:
    """What all answers begin with."""
    return QueryAsked(**_IDS, id=f"{query}:asked", query_id=query, text="Why?")


def started(attempt: int, resumes_at: int, query: str = "q1") -> GenerationStarted:
    """An attempt begins."""
    return GenerationStarted(**_of(query, f"{attempt}:started"), attempt=attempt, resumes_at=resumes_at, model="scripted")


def token(attempt: int, index: int, query: str = "q1", text: str | None = None) -> TokensGenerated:
    """A piece that tells who wrote it."""
    return TokensGenerated(**_of(query, f"{attempt}:{index}"), attempt=attempt, index=index, text=text or f"{attempt}.{index} ")


def completed(attempt: int, texts: tuple[str, ...] = (), query: str = "q1") -> AnswerCompleted:
    """The answer as its writer knows it."""
    known = {"question": "Why?", "answered": True, "model": "scripted", "took_ms": 1.0}
    return AnswerCompleted(**_of(query, "end"), **known, attempt=attempt, text="".join(texts), tokens_end=len(texts))


def worker(log: list[Written], attempt: int, *, pieces: int, restarts: bool, doubles: bool) -> Iterator[None]:
    """One worker's go at the answer, by steps. `restarts`: its model cannot go on behind a given text."""
    seen = fold(log)
    yield
    if not seen.asked:
        write(log, asked())
    seen = fold(log)
    if seen.terminal is not None:
        return
    yield
    resumes_at = 0 if restarts else len(seen.texts)
    write(log, started(attempt, resumes_at))
    yield
    seen = fold(log)
    if seen.terminal is not None:
        return
    yield
    texts = seen.texts[:resumes_at]
    while len(texts) < pieces:
        piece = token(attempt, len(texts))
        for _ in range(2 if doubles else 1):
            write(log, piece)
        texts = (*texts, piece.text)
        yield
    write(log, completed(attempt, texts))


@st.composite
def histories(draw: st.DrawFn) -> list[Written]:
    """A session's records after any interleaving of four workers; in the end a last one finishes, and all others wake up."""
    log: list[Written] = []
    pieces, restarting, doubling = draw(st.integers(0, 5)), draw(st.sampled_from([0, 0, 15, 5, 2])), draw(st.booleans())
    workers = [worker(log, 2 * n + 1, pieces=pieces, restarts=bool(restarting >> n & 1), doubles=doubling) for n in range(4)]
    # Five turns each, in any order: look; ask; begin and look again; some pieces; some more.
    order = draw(st.permutations([number for number in range(4) for _ in range(5)]))
    turns = [iter((1, 1, 2, *draw(st.tuples(st.integers(1, 3), st.integers(0, 3))))) for _ in workers]
    for number in order:
        for _ in range(next(turns[number])):
            next(workers[number], None)
    last = worker(log, 99, pieces=pieces, restarts=False, doubles=False)
    for one in draw(st.permutations([*workers, last])):
        list(one)
    list(worker(log, 100, pieces=pieces, restarts=False, doubles=False))  # the record was redelivered once more
    return log


def _of(query: str, part: str) -> dict[str, str]:
    return {**_IDS, "id": f"a-{query}:{part}", "query_id": query, "answer_id": f"a-{query}"}
