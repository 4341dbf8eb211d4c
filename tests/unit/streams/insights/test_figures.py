"""streams/insights: figures do not depend on the order in which records come, nor on how often."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from connectors.journal.memory import MemoryJournal
from schemas.errors import InvalidFeedback
from schemas.events import CachedAnswer, Context, ContextChunk, Cost, Event, FeedbackGiven, IndexPosition, RecordDeadLettered, Usage
from schemas.feedback_check import require_sound
from schemas.insight_events import By, Figures, Window
from schemas.moments import seconds_of
from schemas.record import Record
from schemas.topics import ANSWERS
from streams.insights.gathering import Gathering
from streams.insights.grouping import Row, rows_of, unanswered
from streams.insights.insights import Insights, Scope, gather, insights_of
from tests.builders import CONTEXT
from tests.unit.streams.insights.judged_sessions import PAID, A, B, a_failure, a_stop, asked, asked_for_another, happenings
from tests.unit.streams.preferences.judged import TIMES, UNHURRIED, an_answer, given, retracted


def gathered(*events: Event, since: float = 0.0) -> Gathering:
    gathering = Gathering(since)
    for event in events:
        gathering.add(event)
    return gathering


def rows(*events: Event, by: By | None = None, window: Window | None = None) -> dict[str, Figures]:
    return {" ".join(filter(None, (row.window, row.value))): row.figures for row in rows_of(gathered(*events).answers(), by, window)}


def figures(*events: Event) -> Figures:
    return rows(*events)[""]


def all_of(events: list[Event]) -> list[tuple[tuple[Row, ...], Any]]:
    """Everything that can be asked."""
    gathering = gathered(*events)
    judged = tuple(gathering.answers())
    looks: tuple[By | None, ...] = (None, "model", "prompt", "arm", "document")
    windows: tuple[Window | None, ...] = (None, "5min", "1h", "1d")
    return [(rows_of(judged, by, window), (unanswered(judged, 5), gathering.failures, gathering.unusable)) for by in looks for window in windows]


def failures() -> st.SearchStrategy[Event]:
    fields = {"topic": "queries", "partition": 0, "offset": 1, "original_key": "t1", "original_value": None, "detail": "", "remedy": "", "tries": 1}
    return st.builds(
        lambda error, time: RecordDeadLettered(id="dead:1", tenant="default", step="answer", error=error, time=time, **fields),
        st.sampled_from(["model-unavailable", "unreadable-record"]),
        st.sampled_from(TIMES),
    )


events_of = st.lists(happenings() | failures(), max_size=14)


@UNHURRIED
@for_all(events_of.flatmap(lambda events: st.tuples(st.just(events), st.permutations(events + events[: len(events) // 2]))))
def test_any_interleaving_and_redelivery_yields_the_same_figures(case: tuple[list[Event], list[Event]]) -> None:
    """To the last digit, by whatever one looks."""
    once, shuffled = case

    assert all_of(once) == all_of(shuffled)


def test_an_answer_that_came_twice_is_one() -> None:
    """The later attempt's end counts."""
    found = figures(an_answer(attempt=2, took_ms=9.0), an_answer(attempt=1, took_ms=5.0), an_answer(attempt=1, took_ms=5.0))

    assert (1, 9.0) == (found.answers, found.took_ms_mean)


def test_of_a_rater_the_last_mark_counts_and_what_was_taken_back_does_not() -> None:
    """As in preference pairs."""
    found = figures(
        an_answer(),
        given("f1", thumb="down"),
        given("f2", at=1, stars=5),
        given("f3", by="bob", thumb="up"),
        given("f4", by="eve"),
        retracted("f4", by="eve"),
    )

    assert (2, 1.0, 1, 0) == (found.marks, found.mark, found.thumbs_up, found.thumbs_down)


def test_answers_fall_into_their_kinds() -> None:
    """Answered, not answered, refused, given again; those that no model worked for tell nothing of its speed."""
    again = CachedAnswer(kind="exact", answer_id="a-q0")
    found = figures(
        an_answer("a-1", took_ms=10.0, usage=Usage(prompt_tokens=3, completion_tokens=2)),
        an_answer("a-2", took_ms=30.0, answered=False),
        an_answer("a-3", took_ms=0.1, answered=False, refused="confidence"),
        an_answer("a-4", took_ms=0.1, cached=again),
    )

    assert (4, 2, 1, 1, 1) == (found.answers, found.answered, found.unanswered, found.refused, found.cached)
    assert (20.0, 10.0, 30.0) == (found.took_ms_mean, found.took_ms_p50, found.took_ms_p95)
    assert (3, 2, 1) == (found.prompt_tokens, found.completion_tokens, found.sessions)


def test_what_did_not_become_an_answer_is_counted_by_what_it_failed_of() -> None:
    """And is none: it has no share in what answers are measured by. The end of the highest attempt decides."""
    found = figures(
        an_answer("a-1", took_ms=10.0),
        a_failure("a-2"),
        a_failure("a-3", attempt=2),
        an_answer("a-3", attempt=1),
        a_failure("a-4", "step-timeout"),
        a_failure("a-5", attempt=1),
        an_answer("a-5", attempt=2, took_ms=10.0),
        a_stop("a-6"),
    )

    assert (2, 2, 0, 3, 1) == (found.answers, found.answered, found.unanswered, found.failed, found.cancelled)
    assert {"model-unavailable": 2, "step-timeout": 1} == found.errors
    assert 10.0 == found.took_ms_mean


def test_a_failure_lies_with_the_models_that_wrote_in_vain() -> None:
    """Which prompt, arm and documents there were, its record does not say. What it cost is told apart from what answers cost."""
    ends = an_answer("a-1", model="small", in_vain=(PAID,), cost=Cost(amount=1.0)), a_failure("a-2", in_vain=(PAID, PAID)), a_failure("a-3")
    by_model = rows(*ends, by="model")
    whole = figures(*ends)

    assert {"small": (1, 0), "large": (0, 1)} == {name: (of.answers, of.failed) for name, of in by_model.items()}
    assert {"answer.v1": 1} == {
        name: of.answers + of.failed for name, of in rows(an_answer(parameters={"prompt": "answer.v1"}), *ends[1:], by="prompt").items()
    }
    assert ({"USD": 1.0}, {"USD": 0.75}) == (whole.cost, whole.cost_in_vain)


def test_what_people_did_is_told_by_their_session() -> None:
    """Asked for another answer, asked once more, stopped it half-way; beside what clients tell."""
    wished = figures(an_answer(), asked_for_another(), an_answer("a-q1.1", time=TIMES[2]), asked("KEPT", time=TIMES[2]), given(signal="copied"))

    assert {"asked-again": 1, "copied": 1, "regenerated": 1} == wished.signals
    assert {"cut-off": 1} == figures(a_stop("a-1"), a_stop("a-2", tokens_end=0)).signals


def test_feedback_on_what_is_no_answer_counts_for_nothing() -> None:
    """As in preference pairs."""
    found = figures(a_stop(), given(thumb="up", tags=("short",)), given("f2", correction="Better."))

    assert (0, 0, {}) == (found.marks, found.corrections, found.tags)


OTHER = an_answer("a-q2", query_id="q2", citations=(A,))


@pytest.mark.parametrize(
    "refused",
    [
        given("f2", better_than="a-q2"),
        given("f2", "a-q2", query="q1", stars=1, tags=("short",)),
        given("f2", query="q2", thumb="down", at=2),
        given("f2", chunk_id=B.chunk_id, thumb="down"),
    ],
)
def test_what_the_worker_has_refused_counts_for_nothing(refused: FeedbackGiven) -> None:
    """Two questions' answers compared, a mark under another question's id, a chunk that is none of the answer's; nor does it hide what counts."""
    sound = (an_answer(citations=(A,)), OTHER, given("f1", at=0, thumb="up"), given("f3", chunk_id=A.chunk_id, thumb="up"))
    with pytest.raises(InvalidFeedback):
        require_sound(refused, {answer.answer_id: answer for answer in (sound[0], OTHER)})

    assert all_of([*sound]) == all_of([*sound, refused])


def test_a_chunk_that_an_answer_was_made_from_is_judged_though_it_is_not_cited() -> None:
    """As by its worker."""
    made_from = Context(hash="c1", chunks=(ContextChunk(chunk_id="x#0", rank=1, score=1.0, hash="h"),), index=IndexPosition(index="none"))

    assert 1 == figures(an_answer(context=made_from), given(chunk_id="x#0", thumb="down")).chunk_marks


def test_a_figure_that_nothing_can_have_leaves_its_answer_out() -> None:
    """A sum that no record can hold would stop all the others."""
    gathering = gathered(an_answer("a-1", took_ms=1e300), an_answer("a-2", usage=Usage(prompt_tokens=2**62)), an_answer("a-3"))

    assert (["a-3"], 2) == ([one.answer.answer_id for one in gathering.answers()], gathering.unusable)


def test_currencies_are_not_added_up() -> None:
    """Each has its sum."""
    found = figures(*(an_answer(f"a-{n}", cost=Cost(amount=0.1, currency=name)) for n, name in enumerate(["USD", "USD", "EUR"])))

    assert {"EUR": 0.1, "USD": 0.2} == found.cost


def test_comparisons_are_won_and_lost() -> None:
    """And lie with both answers."""
    found = rows(an_answer("a-q1", model="big"), an_answer("a-q1.1", model="small"), given(better_than="a-q1.1"), by="model")

    assert {"big": (1, 0), "small": (0, 1)} == {name: (one.won, one.lost) for name, one in found.items()}


def test_a_correction_that_says_the_same_is_none() -> None:
    """As in preference pairs."""
    assert 0 == figures(an_answer(), given(correction=" Text of a-q1.\n")).corrections
    assert 1 == figures(an_answer(), given(correction="Better.")).corrections


def test_reasons_count_once_a_rater() -> None:
    """The most frequent first."""
    found = figures(
        an_answer(),
        given("f1", tags=("wrong", "long")),
        given("f2", at=1, tags=("wrong",)),
        given("f3", by="bob", tags=("wrong",)),
        given("f4", signal="copied"),
    )

    assert [("wrong", 2), ("long", 1)] == list(found.tags.items())
    assert {"copied": 1} == found.signals


def test_a_mark_for_a_chunk_is_one_for_its_document_only() -> None:
    """The answer cites two; a correction lies with both, and the most corrected document comes first."""
    found = rows(
        an_answer("a-1", citations=(B,)),
        an_answer("a-2", citations=(B,)),
        an_answer(citations=(A, B)),
        given(correction="Better."),
        given("f2", chunk_id=A.chunk_id, thumb="down"),
        by="document",
    )

    assert {"a.md": (1, 1, 0.0), "b.md": (3, 0, None)} == {name: (one.answers, one.chunk_marks, one.chunk_mark) for name, one in found.items()}
    assert ["b.md", "a.md"] == list(found)


@pytest.mark.parametrize(
    ("window", "starts"),
    [("5min", ["09:55:00", "10:00:00"]), ("1h", ["09:00:00", "10:00:00"]), ("1d", ["00:00:00"])],
)
def test_an_answer_lies_in_the_window_of_its_own_time(window: Window, starts: list[str]) -> None:
    """Whatever zone it names, and whenever it was judged."""
    found = rows(an_answer("a-1", time="2026-11-01T10:59:59+01:00"), an_answer(time="2026-11-01T10:00:00.000Z"), window=window)

    assert [f"2026-11-01T{start}.000Z" for start in starts] == list(found)


def test_questions_without_an_answer_are_listed_once_the_newest_first() -> None:
    """However they are written, with how often they were asked."""
    asked = [("Why not?", TIMES[0]), ("Who is it?", TIMES[1]), ("why  NOT?", TIMES[2])]
    ends = [an_answer(f"a-{n}", asked=question, time=time, answered=False) for n, (question, time) in enumerate(asked)]
    found = unanswered(gathered(*ends, an_answer("a-9")).answers(), 5)

    assert [("why  NOT?", 2, TIMES[2]), ("Who is it?", 1, TIMES[1])] == [(one.question, one.times, one.last) for one in found]
    assert found[:1] == unanswered(gathered(*ends).answers(), 1)


def test_only_what_was_answered_since_a_moment_counts() -> None:
    """By the answers' own time; a time that is none is told of."""
    gathering = gathered(an_answer("a-1", time=TIMES[0]), an_answer("a-2", time=TIMES[2]), an_answer("a-3", time="soon"), since=seconds_of(TIMES[1]))

    assert ["a-2"] == [one.answer.answer_id for one in gathering.answers()]
    assert 1 == gathering.unusable


async def read(journal: MemoryJournal, tenant: str | None = None) -> Insights:
    return insights_of(await gather(journal, Scope(tenant=tenant)), None, None, 5)


async def test_the_log_is_read_for_a_tenant_or_for_all() -> None:
    """Each on its own, feedback with the answers of its tenant and session; what cannot be read is counted."""
    async with MemoryJournal() as journal:
        await journal.append_all([given(thumb="up"), an_answer(), an_answer(tenant="acme"), an_answer(session_id="t2")], CONTEXT)
        records = journal.records(ANSWERS)
        records.append(Record(ANSWERS.name, 0, len(records), b"t1", b"no event", (("tenant", b"default"),), records[-1].timestamp))
        everybody, acme = await read(journal), await read(journal, "acme")

    assert [("acme", 1, 0), ("default", 2, 1)] == [(row.tenant, row.figures.answers, row.figures.thumbs_up) for row in everybody.rows]
    assert [("acme", 1)] == [(row.tenant, row.figures.answers) for row in acme.rows]
    assert (1, 0) == (everybody.left_out, acme.left_out)


async def test_what_was_written_before_is_not_read() -> None:
    """The log tells where a moment begins."""
    passed: list[int] = []
    async with MemoryJournal() as journal:
        await journal.append_all([an_answer(), given()], CONTEXT)
        later = journal.records(ANSWERS)[0].timestamp + 3_600_000
        await gather(journal, Scope(later), advance=passed.append)

    assert 0 == sum(passed)
