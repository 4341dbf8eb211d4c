"""connectors/session_log/judged_session.py: which answers a session has, and what was said of them."""

from __future__ import annotations

from connectors.session_log.judged_session import judged_session
from connectors.session_log.memory import MemorySessionLog
from schemas.events import AnswerFailed, GenerationStarted, QueryAsked, QueryCancelled, RegenerationAsked, Sibling
from schemas.session_id import Session
from tests.builders import CONTEXT
from tests.unit.streams.preferences.judged import an_answer, given, retracted

SESSION = Session("default", "t1")
_QUERY = {"tenant": "default", "session_id": "t1", "query_id": "q1"}
ASKED = QueryAsked(**_QUERY, id="q1:asked", text="Kept?")
ANOTHER = RegenerationAsked(**_QUERY, id="a-q1.1:asked", sibling=Sibling(answer_id="a-q1.1"))


def started(attempt: int) -> GenerationStarted:
    return GenerationStarted(**_QUERY, id=f"a-q1:{attempt}", answer_id="a-q1", attempt=attempt, resumes_at=0, model="scripted")


async def a_log(*events: object) -> MemorySessionLog:
    session_log = MemorySessionLog()
    await session_log.create(SESSION)
    await session_log.append(SESSION, events, CONTEXT)  # type: ignore[arg-type]
    return session_log


async def test_an_answer_is_under_way_from_the_question_on() -> None:
    """Before anything of it is there; a sibling from when it was asked for."""
    judged = await judged_session(await a_log(ASKED, ANOTHER), SESSION)

    assert ({"a-q1": "q1", "a-q1.1": "q1"}, {"a-q1", "a-q1.1"}) == (judged.queries, judged.under_way)


async def test_a_cancellation_names_no_answer_that_there_is_none_of() -> None:
    """Else who judges the session's last answer would judge, and wait for, what never comes."""
    stopped = QueryCancelled(**_QUERY, id="a-q1.9:cancelled", answer_id="a-q1.9")

    assert {"a-q1": "q1"} == (await judged_session(await a_log(ASKED, stopped), SESSION)).queries


async def test_an_answer_ends_whole_or_it_has_failed() -> None:
    """What a late worker writes of an older attempt does not count."""
    failed = AnswerFailed(**_QUERY, id="f", answer_id="a-q1.1", attempt=1, error="e", detail="d", remedy="r", retryable=False)
    events = [ASKED, started(4), started(5), an_answer(attempt=4, text="Late."), an_answer(attempt=5, text="Whole."), ANOTHER, failed]
    judged = await judged_session(await a_log(*events), SESSION)

    assert {"a-q1": "Whole."} == {answer_id: answer.text for answer_id, answer in judged.answers.items()}
    assert (frozenset(), {"a-q1.1"}) == (judged.under_way, judged.failed)


async def test_feedback_comes_in_its_order_and_what_cannot_be_read_is_passed_over() -> None:
    """As a replay passes it over."""
    session_log = await a_log(given(), given("f2"), retracted())
    records = session_log._topics["session.default.t1"].records
    records[1] = records[1]._replace(value=b"{not json")

    assert (given(), retracted()) == (await judged_session(session_log, SESSION)).feedback


async def test_a_part_of_a_session_can_be_read() -> None:
    """From a cursor on: what came since."""
    session_log = await a_log(given())
    end = await session_log.end(SESSION)
    await session_log.append(SESSION, [retracted()], CONTEXT)

    assert (retracted(),) == (await judged_session(session_log, SESSION, end)).feedback
