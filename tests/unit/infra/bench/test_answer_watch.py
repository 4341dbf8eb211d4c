"""infra/bench/answer_watch.py: what a bench's reader makes of an answer's frames."""

from __future__ import annotations

import pytest

from infra.bench.answer_watch import AnswerWatch

SECOND = 1_000_000_000


def token(attempt: int, index: int) -> bytes:
    return f'event: TokensGenerated\ndata: {{"attempt":{attempt},"index":{index},"text":"word"}}\n\n'.encode()


def started(attempt: int, resumes_at: int) -> bytes:
    return f'event: GenerationStarted\ndata: {{"attempt":{attempt},"resumes_at":{resumes_at},"model":"m"}}\n\n'.encode()


END = b"id: 1\nevent: AnswerCompleted\ndata: {}\n\n"


def seen(*frames: bytes) -> AnswerWatch:
    """A frame a second."""
    watch = AnswerWatch()
    for number, frame in enumerate(frames):
        watch.take(frame, number * SECOND)
    return watch


def test_an_answer_that_is_taken_over_is_whole() -> None:
    """Whether it goes on or begins anew; and in whatever pieces its bytes come."""
    frames = b"".join([started(1, 0), token(1, 0), token(1, 1), started(2, 2), token(2, 2), started(3, 0), token(3, 0), END])
    watch = AnswerWatch()
    for place in range(0, len(frames), 7):
        watch.take(frames[place : place + 7], place)

    assert (0, "AnswerCompleted", True) == (watch.wrong, watch.end, watch.ended.is_set())
    assert [1, 1, 2, 3] == [attempt for _, attempt in watch.tokens]


@pytest.mark.parametrize(
    "frames",
    [
        (started(1, 0), token(1, 0), token(1, 0), END),
        (started(1, 0), token(1, 1), END),
        (started(1, 0), token(1, 0), END, END),
        (started(1, 0), END, token(1, 0)),
        (started(1, 0), token(1, 0), started(2, 2), token(2, 2), END),
    ],
    ids=["doubled", "missing", "ended twice", "behind the end", "a hole where another goes on"],
)
def test_what_no_reader_may_see_is_counted(frames: tuple[bytes, ...]) -> None:
    """Once each."""
    assert 1 == seen(*frames).wrong


def test_the_pause_is_to_the_first_token_of_the_next_attempt() -> None:
    """Of an answer that stood still."""
    watch = seen(started(1, 0), token(1, 0), started(2, 1), token(2, 1), token(2, 2), END)

    assert (True, 1_500.0) == (watch.stopped_at(int(1.5 * SECOND)), watch.pause_ms(int(1.5 * SECOND)))


def test_an_answer_whose_own_worker_went_on_did_not_stop() -> None:
    """Nor did one that had ended, or not begun."""
    watch = seen(started(1, 0), token(1, 0), token(1, 1), token(1, 2), END)

    assert [False, False, False] == [watch.stopped_at(int(moment * SECOND)) for moment in (0.5, 1.5, 4.5)]
