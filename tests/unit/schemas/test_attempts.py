"""Of the records of many attempts at one answer, exactly those of one contiguous answer count."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from api.reading import expecting
from schemas.attempts import AttemptFilter, Marks, answer_key
from schemas.codec import encode
from schemas.cursor import Cursor, CursorSigner
from schemas.events import AnswerCompleted, AnswerEvent, AnswerFailed, FeedbackGiven, RegenerationAsked, SessionEvent, Sibling
from tests.unit.schemas.workers import CONTEXT, Written, admitted, asked, completed, fold, histories, started, token

ASKED = asked()
IDS = {"tenant": "default", "session_id": "t1", "query_id": "q1"}
JUDGED = FeedbackGiven(**IDS, id="f1", feedback_id="f1", answer_id="a-q1", thumb="up")


def _counting(*events: SessionEvent, counts: AttemptFilter | None = None) -> list[SessionEvent]:
    counts = counts or AttemptFilter()
    return [event for event in events if counts.admits(Marks.of(encode(event, CONTEXT).headers))]


# --------------------------------------------------------------------- rules


def test_what_is_no_part_of_an_answer_always_counts() -> None:
    """Feedback and other questions, before, within and after an answer."""
    events = [JUDGED, ASKED, started(1, 0), JUDGED, token(1, 0), asked("q2"), completed(1), JUDGED, asked("q3")]

    assert _counting(*events) == events


def test_a_question_counts_once() -> None:
    """A worker that was replaced had it on its way: it comes again, at once, within its answer, or behind it."""
    assert [ASKED, started(1, 0), token(1, 0), completed(1)] == _counting(ASKED, ASKED, started(1, 0), ASKED, token(1, 0), completed(1), ASKED)


def test_another_answer_is_asked_for_once() -> None:
    """By its own name: the question's first answer is another one."""
    again = [RegenerationAsked(**IDS, id=f"{number}", sibling=Sibling(answer_id=f"a-q1.{number}")) for number in (1, 2)]

    assert [ASKED, *again] == _counting(ASKED, *again, ASKED, *again)


def test_a_question_counts_for_one_who_waits_for_its_answer() -> None:
    """Whoever asks is given a cursor before it, which says that the answer is to come."""
    waiting = expecting(Cursor(UUID(int=1), 0, 0), "a-q1")

    assert [ASKED, started(1, 0)] == _counting(ASKED, ASKED, started(1, 0), counts=AttemptFilter(waiting.open_answers))


def test_questions_that_wait_are_handed_on_by_when_they_were_asked() -> None:
    """The last two: a cursor stays short, however many wait. The reader itself remembers a thousand."""
    counts = AttemptFilter()
    questions = [asked(f"q{number}") for number in range(1_001)]
    _counting(*questions, counts=counts)

    assert len(counts.open_answers) == 2
    assert _counting(*questions[-2:], counts=AttemptFilter(counts.open_answers)) == []
    assert _counting(*questions[1:], questions[0], counts=counts) == questions[:1]


def test_a_question_without_a_name_counts_whenever_it_comes() -> None:
    """A foreign record without its correlation may be any."""
    counts = AttemptFilter()

    assert all(counts.admits(Marks("QueryAsked", "", None, 0, 0)) for _ in range(2))


def test_a_long_header_is_taken_as_it_is() -> None:
    """A foreign producer's: it is not kept for the next time, as short ones are."""
    marks = Marks.of((("ce_type", b"TokensGenerated"), ("correlation", b"q" * 100_000), ("answer", b"a" * 100_000)))

    assert (marks.correlation, len(answer_key(marks.answer or b""))) == ("q" * 100_000, 8)


def test_a_piece_counts_once() -> None:
    """Doubles of a producer's retry, at once or later."""
    assert _counting(started(1, 0), token(1, 0), token(1, 0), token(1, 1), token(1, 0)) == [started(1, 0), token(1, 0), token(1, 1)]


def test_an_attempt_begins_once() -> None:
    """A doubled GenerationStarted does not make its pieces count again."""
    assert _counting(started(1, 0), token(1, 0), started(1, 0), token(1, 0)) == [started(1, 0), token(1, 0)]


def test_a_higher_attempt_fences_off_the_lower() -> None:
    """A worker that wakes up late writes in vain: pieces, beginnings and ends."""
    late = [token(1, 1), started(1, 0), completed(1)]

    assert _counting(started(1, 0), token(1, 0), started(2, 1), *late, token(2, 1)) == [started(1, 0), token(1, 0), started(2, 1), token(2, 1)]


def test_a_higher_attempt_may_begin_anew() -> None:
    """Its pieces count from where it resumes, though the lower attempt was further."""
    events = [started(1, 0), token(1, 0), token(1, 1), started(2, 0), token(2, 0), token(2, 1)]

    assert _counting(*events) == events


@pytest.mark.parametrize("attempt", [0, 1, 2, 9])
def test_nothing_counts_after_the_terminal_record(attempt: int) -> None:
    """Whatever the attempt: an answer ends once."""
    late = [started(attempt, 0), token(attempt, 1), completed(attempt)]

    assert _counting(started(1, 0), token(1, 0), completed(1), *late) == [started(1, 0), token(1, 0), completed(1)]


def test_an_answer_may_fail_before_it_begins() -> None:
    """A terminal record needs no GenerationStarted."""
    ids = {"id": "a-q1:end", "tenant": "default", "session_id": "t1", "query_id": "q1", "answer_id": "a-q1"}
    failed = AnswerFailed(**ids, attempt=3, error="model-unavailable", detail="No answer.", remedy="Wait.", retryable=True)

    assert _counting(failed, started(3, 0)) == [failed]


def test_a_reader_may_begin_within_an_answer() -> None:
    """The first record that it meets says where it is."""
    assert _counting(token(4, 7), token(4, 7), token(3, 8), token(4, 8)) == [token(4, 7), token(4, 8)]


def test_answers_do_not_disturb_each_other() -> None:
    """Two questions' answers in one session, record by record."""
    events = [started(1, 0), started(2, 0, "q2"), token(1, 0), token(2, 0, "q2"), completed(1), token(2, 1, "q2"), completed(2, (), "q2")]

    assert _counting(*events) == events


def test_pieces_that_an_attempt_between_made_void_are_written_again() -> None:
    """Attempt 3 looked when pieces 0 to 2 were out; before it began, attempt 2 went back to 1. What 3 writes from 1 on counts."""
    first = [started(1, 0), token(1, 0), token(1, 1), token(1, 2)]
    between = [started(2, 1)]
    last = [started(3, 3), token(3, 1), token(3, 2), token(3, 3)]

    assert _counting(*first, *between, *last) == [*first, *between, *last]


def test_answers_that_ended_are_handed_on_by_when_they_ended() -> None:
    """The last two, whichever began last: a cursor stays short."""
    begun = [started(1, 0, query) for query in ("q1", "q2", "q3")]
    ended = [completed(1, (), query) for query in ("q3", "q2", "q1")]
    counts = AttemptFilter()
    _counting(*begun, *ended, counts=counts)

    resumed = AttemptFilter(counts.open_answers)

    assert len(counts.open_answers) == 2
    assert _counting(token(1, 0, "q1"), token(1, 0, "q2"), counts=resumed) == []


def test_the_state_does_not_grow_with_a_session() -> None:
    """After a thousand answers the cursor is as short as after two."""
    counts = AttemptFilter()
    for number in range(1_000):
        _counting(started(1, 0, f"q{number}"), completed(1, (), f"q{number}"), counts=counts)

    assert len(counts.open_answers) == 2


def _long_ago(counts: AttemptFilter) -> None:
    """Its worker was paused within q1's answer; another one ended it, and more answers after it."""
    _counting(started(1, 0), token(1, 0), started(2, 1), completed(2), counts=counts)
    for query in ("q2", "q3", "q4"):
        _counting(started(2, 0, query), completed(2, (), query), counts=counts)


def test_what_a_worker_that_was_paused_long_writes_does_not_count() -> None:
    """Other answers of the session have ended since."""
    counts = AttemptFilter()
    _long_ago(counts)

    assert [] == _counting(token(1, 1), completed(1), counts=counts)


def test_nor_does_it_for_a_reader_that_goes_on_elsewhere() -> None:
    """Its cursor says that it has seen all before; that answer is not among those under way. New answers count, also one that fails at once."""
    counts = AttemptFilter(whole=True)
    _long_ago(counts)
    signer = CursorSigner(b"secret")
    text = signer.sign(Cursor(UUID(int=1), 0, 9, counts.open_answers, counts.whole), tenant="default", session_id="t1")
    cursor = signer.verify(text, tenant="default", session_id="t1")
    resumed = AttemptFilter(cursor.open_answers, whole=cursor.whole)
    ids = {"id": "a-q6:end", "tenant": "default", "session_id": "t1", "query_id": "q6", "answer_id": "a-q6"}
    failed = AnswerFailed(**ids, attempt=3, error="model-unavailable", detail="No answer.", remedy="Wait.", retryable=True)
    new = [started(2, 0, "q5"), token(2, 0, "q5"), completed(2, (), "q5"), failed]

    assert 2 == len(cursor.open_answers)
    assert new == _counting(token(1, 1), *new, completed(1), counts=resumed)


# ---------------------------------------------------------- any interleaving


@given(histories())
@hypothesis_settings(max_examples=2_000)
def test_whatever_the_workers_do_one_contiguous_answer_counts(log: list[Written]) -> None:
    """No hole, no double, nothing after the end, and the text that readers put together is the one that the terminal record states."""
    made = fold(log)

    assert isinstance(made.terminal, AnswerCompleted)
    assert made.text == made.terminal.text
    assert len(made.texts) == made.terminal.tokens_end


@given(histories())
def test_one_terminal_record_counts_and_it_is_the_last(log: list[Written]) -> None:
    """An answer ends once, however many workers believe to end it."""
    counting = [written.event for written in admitted(log, AttemptFilter()) if isinstance(written.event, AnswerEvent)]

    assert [type(event) for event in counting].count(AnswerCompleted) == 1
    assert isinstance(counting[-1], AnswerCompleted)


@given(histories())
def test_a_reader_that_resumes_anywhere_takes_the_same_records(log: list[Written]) -> None:
    """Cut at every record; the state goes through a signed cursor to another process."""
    signer, whole = CursorSigner(b"secret"), admitted(log, AttemptFilter())
    for cut in range(len(log) + 1):
        first = AttemptFilter()
        before = admitted(log[:cut], first)
        text = signer.sign(Cursor(UUID(int=1), 0, cut, first.open_answers), tenant="default", session_id="t1")
        state = signer.verify(text, tenant="default", session_id="t1").open_answers

        assert before + admitted(log[cut:], AttemptFilter(state)) == whole
