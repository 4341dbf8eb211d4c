"""streams/steps.py: what becomes of decisions on corrections."""

from __future__ import annotations

import pytest

from schemas.events import CorrectionReviewed, DocumentDeleted, DocumentSubmitted, Event, PreferencePairFormed, Side
from schemas.review import Proposal, Verdict, document_of, review_of
from schemas.topics import REVIEWS
from streams.steps import on_review
from tests.builders import CONTEXT
from tests.unit.streams.test_steps import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_an_approved_correction_becomes_a_document_and_a_rejected_one_nothing(bench: Bench) -> None:
    """All that it is made of stands in the decision."""
    approved = a_review("approved")
    for event in (approved, a_review("rejected")):
        await bench.work(on_review, event, REVIEWS)

    assert [document_of(approved)] == bench.documents()


async def test_two_who_approve_at_the_same_time_make_the_same_document_of_it(bench: Bench) -> None:
    """The same id and the same text, whoever comes last; each version says whose it is."""
    for reviewer, moment in (("rex", "01"), ("eva", "02")):
        await bench.work(on_review, a_review("approved", reviewer, f"2026-11-01T10:00:00.0{moment}Z"), REVIEWS)

    said = [event.model_dump(include={"id", "document_id", "title", "content", "source", "tags"}) for event in bench.documents()]
    assert said[:1] * 2 == said
    assert ["rex", "eva"] == [event.submitted_by for event in bench.documents() if isinstance(event, DocumentSubmitted)]


@pytest.mark.parametrize("since", [(), ("deleted",), ("other words",), ("other words", "deleted")])
async def test_a_decision_that_comes_again_makes_nothing_again(bench: Bench, since: tuple[str, ...]) -> None:
    """Nor does it bring back what was deleted since, or said in other words. Its worker died before it could say that it was done."""
    approved = a_review("approved")
    await bench.work(on_review, approved, REVIEWS)
    for what in since:
        later = DocumentDeleted(id="gone", tenant="default", document_id=document_of(approved).document_id)
        await bench.journal.append(later if what == "deleted" else document_of(a_review("approved", text="Best.")), CONTEXT)
    before = bench.documents()
    await bench.work(on_review, approved, REVIEWS, redelivered=True, generation=2)

    assert before == bench.documents()


async def test_a_document_that_is_deleted_before_its_decision_comes_again_stays_away(bench: Bench) -> None:
    """Whoever deleted it may have done so between the decision and what its worker left undone."""
    approved = a_review("approved", moment="2026-11-01T10:00:00.000Z")
    deleted = DocumentDeleted(id="gone", tenant="default", document_id=document_of(approved).document_id)
    await bench.journal.append(deleted, CONTEXT)
    await bench.work(on_review, approved, REVIEWS, redelivered=True, generation=2)

    assert [deleted] == bench.documents()


@pytest.mark.parametrize("before", [(), ("an earlier approval",), ("an earlier approval", "deleted"), ("another tenant's",)])
async def test_a_decision_that_its_worker_left_undone_is_made_a_document_by_the_next(bench: Bench, before: tuple[str, ...]) -> None:
    """Whatever lay there before it was decided."""
    approved = a_review("approved")
    earlier = document_of(a_review("approved", moment="2026-11-01T10:00:00.000Z"))
    events: dict[str, Event] = {
        "an earlier approval": earlier,
        "deleted": DocumentDeleted(id="gone", tenant="default", document_id=earlier.document_id, time="2026-11-01T11:00:00.000Z"),
        "another tenant's": document_of(approved).model_copy(update={"tenant": "acme"}),
    }
    await bench.journal.append_all([events[what] for what in before], CONTEXT)
    await bench.work(on_review, approved, REVIEWS, redelivered=True, generation=2)

    assert [document_of(approved)] == bench.documents()[len(before) :]


def a_review(verdict: Verdict, by: str = "rex", moment: str | None = None, text: str = "Better.") -> CorrectionReviewed:
    pair = PreferencePairFormed(
        **{"id": "p-1", "tenant": "default", "pair_id": "p-1", "session_id": "t1", "query_id": "q1", "rater": "ann", "signal": "correction"},
        **{"question": "What?", "same_context": True, "feedback": ("f1",), "judged_at": "2026-11-01T10:00:00.000Z"},
        chosen=Side(text=text),
        rejected=Side(text="Worse.", answer_id="a-q1"),
    )
    review = review_of(Proposal.of(pair), verdict, reviewed_by=by, reason="")
    return review.model_copy(update={"time": moment}) if moment else review
