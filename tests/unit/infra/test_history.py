"""`roxy history`: what is told of a session's records. tests/acceptance/test_review.py runs it on a broker."""

from __future__ import annotations

import io

import orjson
from hypothesis import given as for_all
from hypothesis import strategies as st
from rich.console import Console

from connectors.session_log.memory import MemorySessionLog
from infra.history import Past, lines_of, show
from infra.moments import Moment
from infra.timeline import CUT, timeline, told
from schemas.events import AnswerCancelled, AnswerCompleted, Citation, Event, FeedbackRetracted, QueryCancelled, RegenerationAsked, Sibling
from schemas.topics import SESSION_EVENTS
from tests.builders import CONTEXT, a_feedback, a_query, a_session, chunks_retrieved, generation_started, tokens
from tests.unit.schemas.event_strategies import events_of
from tests.unit.streams.preferences.judged import UNHURRIED

SESSION = a_session()
FOUND = chunks_retrieved(SESSION)
SIBLING = "a-q1.01kdhn8z5v0000000000000000"


def completed(text: str, tokens_end: int, attempt: int = 2) -> AnswerCompleted:
    cites = (Citation(number=1, chunk_id="d1#0", document_id="d1", title="Document 1", source="d1.md"),)
    about = {"answer_id": "a-q1", "attempt": attempt, "question": "What is kept?", "model": "scripted", "took_ms": 1200.0}
    return AnswerCompleted(**_about("a-q1:end"), **about, text=text, answered=True, citations=cites, tokens_end=tokens_end)


def _about(event_id: str, query_id: str = "q1") -> dict[str, str]:
    return {"id": event_id, "tenant": SESSION.tenant, "session_id": SESSION.id, "query_id": query_id}


def a_sibling() -> list[Event]:
    again = RegenerationAsked(**_about("q1:again"), sibling=Sibling(answer_id=SIBLING, settings={"model_temperature": 0.7}, asked_by="bob"))
    begun = generation_started(FOUND).model_copy(update={"id": "s1", "answer_id": SIBLING})
    end = AnswerCancelled(**_about("s2"), answer_id=SIBLING, attempt=1, cancelled_by="bob", tokens_end=0)
    return [again, begun, end]


TAKEN_OVER: list[Event] = [
    a_query(SESSION, asked_by="ann"),
    FOUND,
    generation_started(FOUND, 1),
    tokens(FOUND, 0, "One "),
    tokens(FOUND, 1, "lost"),
    generation_started(FOUND, 2, resumes_at=1),
    tokens(FOUND, 1, "stale", 1),
    tokens(FOUND, 1, "two [1].", 2),
    completed("One two [1].", 2),
    a_query(SESSION, "q2", text="And then?"),
    *a_sibling(),
    a_feedback(SESSION, thumb="down", correction="One, two.", given_by="ann"),
    FeedbackRetracted(**_about("r1"), feedback_id="f1", retracted_by="ann"),
]


async def past(written: list[Event], expired: int = 0) -> Past:
    """The session as `roxy history` reads it."""
    log = MemorySessionLog()
    await log.create(SESSION)
    await log.append(SESSION, written, CONTEXT)
    log.expire(SESSION, expired)
    beginning = await log.beginning(SESSION)
    return Past(told([entry async for entry in log.history(SESSION)], beginning), not beginning.whole)


def printed(shown: Past) -> str:
    out = io.StringIO()
    show(shown, Console(file=out, width=200))
    return out.getvalue()


def said(moments: list[Moment]) -> list[tuple[str, str]]:
    return [(moment.who, moment.what) for moment in moments]


async def test_a_session_is_told_question_by_question() -> None:
    """Its other answer stands with its question, though another question was asked before it; what does not count is counted."""
    moments = timeline((await past(TAKEN_OVER)).records)

    expected = [
        ("ann", "asks q1"),
        ("search", "2 chunks in 1 ms, looked up as “What does the chunk say?”"),
        ("scripted", "begins a-q1, attempt 1"),
        ("scripted", "takes over: begins a-q1, attempt 2, behind 1 pieces"),
        ("scripted", "a-q1 is whole in 1.2 s, cites [1]"),
        ("bob", f"asks for another answer, {SIBLING}, with model_temperature=0.7"),
        ("scripted", f"begins {SIBLING}, attempt 1"),
        ("bob", f"{SIBLING} is stopped behind 0 pieces"),
        ("ann", "judges a-q1 (f1), thumb down, corrects it"),
        ("ann", "takes back (f1)"),
        ("", "1 record does not count, of a-q1: of an older attempt, or written twice"),
        ("anonymous", "asks q2"),
    ]
    assert expected == said(moments)


async def test_a_question_that_was_written_twice_is_told_once() -> None:
    """By two workers."""
    moments = timeline((await past([*TAKEN_OVER[:1], *TAKEN_OVER[:2]])).records)

    assert [("ann", "asks q1"), ("", "1 record does not count, of the question: of an older attempt, or written twice")] == [
        said(moments)[0],
        said(moments)[-1],
    ]


async def test_an_answer_that_is_under_way_is_told_as_far_as_it_is_out() -> None:
    """Without the pieces that a later attempt has made void."""
    moments = timeline((await past([*TAKEN_OVER[:6], tokens(FOUND, 1, "new", 2)])).records)

    assert ("a-q1 is not ended", "One new") == (moments[-1].what, moments[-1].words)


async def test_a_cancellation_makes_no_answer_of_what_it_names() -> None:
    """Nobody asked for that sibling, so nothing of it will ever end."""
    stop = QueryCancelled(**_about("q1:stop"), answer_id="a-q1.none", cancelled_by="bob")
    moments = timeline((await past([*TAKEN_OVER[:9], stop])).records)

    assert [("bob", "asks a-q1.none to stop")] == [one for one in said(moments) if "a-q1.none" in one[1]]


async def test_words_are_shown_as_they_are() -> None:
    """Brackets are no markup, and what would steer the terminal is not passed on."""
    shown = printed(await past([a_query(SESSION, text="What is [red]kept[/]?\x1b[2J")]))

    assert "What is [red]kept[/]?�[2J" in shown


async def test_records_that_retention_has_cut_are_told_of() -> None:
    """In words, and as a gap in front of the records."""
    cut = await past(TAKEN_OVER, expired=2)

    assert CUT in printed(cut)
    assert {"type": "gap", "event": {"reason": "expired"}} == orjson.loads(lines_of(cut)[0])


async def test_json_has_every_record_and_whether_it_counts() -> None:
    """In the order of the log, as they lie there."""
    lines = [orjson.loads(line) for line in lines_of(await past(TAKEN_OVER))]

    assert [event.model_dump(mode="json") for event in TAKEN_OVER] == [line["event"] for line in lines]
    assert [line["event"]["text"] for line in lines if not line["counts"]] == ["stale"]


async def test_a_session_without_records_is_said_to_have_none() -> None:
    """It was made, and nothing was asked."""
    assert "Nothing was asked yet" in printed(await past([]))


@UNHURRIED
@for_all(st.lists(st.sampled_from(SESSION_EVENTS).flatmap(events_of), max_size=2))
async def test_whatever_lies_in_a_session_can_be_shown(written: list[Event]) -> None:
    """Every event that there is, in any order."""
    mine = [event.model_copy(update={"tenant": SESSION.tenant, "session_id": SESSION.id}) for event in written]
    shown = await past(mine)

    assert len(mine) == len(shown.records)
    printed(shown)
