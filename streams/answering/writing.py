"""Writing: an answer while it is made. Whose go it is, what is out already, and what still has to be written before its next token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from connectors.language_model.base import Finish
from schemas.events import Event, Paid
from streams.answer_so_far import AnswerSoFar
from streams.answering.attempt import Attempt, paid_before
from streams.answering.speaker import Speaker
from streams.cancellations import Cancellations, Making
from streams.step import Delivery
from streams.token_stream import TokenStream


class Writing:
    """One worker's go at one answer, by one model after the other."""

    def __init__(self, run: Attempt, so_far: AnswerSoFar, delivery: Delivery, cancellations: Cancellations) -> None:
        self._delivery, self._cancellations = delivery, cancellations
        self._resumes_at = len(so_far.texts) if _goes_on(run, so_far) else 0
        self.run, self.making = run, Making.of(run.found)
        self.goes_on_behind(so_far)
        if not (self._resumes_at or self.in_vain):  # a worker before has gone, and what it had paid for with it
            self.in_vain.extend(paid_before(so_far, run.brief.settings))
        started = run.started(self._resumes_at)
        self.first: list[Event] = [started] if so_far.found else [run.found, started]

    @property
    def cancelled_by(self) -> str | None:
        """Who cancelled the answer, as the session's log or this worker has heard; None if nobody did."""
        return self.out.cancelled_by or self._cancellations.cancelled_by(self.making)

    def beginning(self) -> Iterator[Event]:
        """What comes before the next token; only once."""
        while self.first:
            yield self.first.pop(0)

    def goes_on_behind(self, so_far: AnswerSoFar) -> None:
        """Of what is out, up to where this attempt said that it resumes counts."""
        self.out = so_far._replace(texts=so_far.texts[: self._resumes_at])

    def begin_anew(self, speaker: Speaker) -> None:
        """What is out is void; readers are told so before the next token."""
        self.run = self.run._replace(number=self.run.number + 1, speaker=speaker)
        self.out = self.out._replace(texts=())
        self.first = [self.run.started(0)]
        self._delivery.afresh()

    @property
    def in_vain(self) -> list[Paid]:
        """What models took that failed at it."""
        return self._delivery.in_vain

    @contextmanager
    def noting(self, stream: TokenStream) -> Iterator[None]:
        """What the model takes is in vain if it does not come to its end, be it for the log's sake."""
        try:
            yield
        except BaseException:
            self.in_vain.extend(self.run.paid(stream.written))
            raise

    def whole(self, finish: Finish) -> Finish:
        """With the tokens that were out before; but those that this worker has counted itself, when a model failed."""
        return finish if self.in_vain else self.run.whole(finish, self.out.text)

    def listening(self, listener: Callable[[], None]) -> AbstractContextManager[None]:
        """Call `listener` when the answer is cancelled meanwhile."""
        return self._cancellations.listening(self.making, listener)

    def untimed(self) -> AbstractContextManager[None]:
        """Stop the step's clock meanwhile."""
        return self._delivery.untimed()


def _goes_on(run: Attempt, so_far: AnswerSoFar) -> bool:
    return run.model.resumes != "restart" and so_far.said_by(run.model)
