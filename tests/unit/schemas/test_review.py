"""schemas/review.py: which corrections wait for a review, and what becomes of those that were decided on."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from schemas.errors import AlreadyReviewed, UnknownProposal
from schemas.events import CorrectionReviewed, Feedback, PreferencePairFormed
from schemas.review import Proposal, ReviewQueue, Verdict, document_of, review_of
from streams.preferences.judgements import Judgements
from streams.preferences.pairs import pairs_of
from tests.unit.streams.preferences.judged import ANSWERS, UNHURRIED, an_answer, feedback, given

Reviewed = tuple[int, Verdict]


def corrected(text: str = "Better.", by: str = "ann", at: int = 0) -> PreferencePairFormed:
    """As the worker forms it."""
    judged = Judgements([given(f"f-{by}", by=by, at=at, correction=text)])
    return next(iter(pairs_of({"a-q1": an_answer()}, judged).values()))


def queue_of(*pairs: PreferencePairFormed, reviews: tuple[CorrectionReviewed, ...] = ()) -> ReviewQueue:
    queue = ReviewQueue()
    for pair in pairs:
        queue.formed(pair)
    for review in reviews:
        queue.reviewed(review)
    return queue


def decision(pair: PreferencePairFormed, verdict: Verdict = "approved", by: str = "rex") -> CorrectionReviewed:
    return review_of(Proposal.of(pair), verdict, reviewed_by=by, reason="")


def statuses(queue: ReviewQueue) -> dict[str, str]:
    return {proposal.text: proposal.status for proposal in queue}


@UNHURRIED
@for_all(
    st.lists(feedback(), max_size=10).flatmap(lambda events: st.tuples(st.just(events), st.permutations(events + events[: len(events) // 2]))),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["approved", "rejected"])), max_size=4).flatmap(
        lambda reviews: st.tuples(st.just(reviews), st.permutations(reviews + reviews[:2]))
    ),
)
def test_neither_order_nor_redelivery_changes_the_queue(
    judged: tuple[list[Feedback], list[Feedback]], decided: tuple[list[Reviewed], list[Reviewed]]
) -> None:
    """Of corrections, and of what was decided of them."""
    queues = [_folded(events, reviews) for events, reviews in zip(judged, decided, strict=True)]

    assert list(map(_without_records, queues[0])) == list(map(_without_records, queues[1]))


def _folded(events: list[Feedback], reviews: list[Reviewed]) -> ReviewQueue:
    pairs = pairs_of({answer: an_answer(answer) for answer in ANSWERS}, Judgements(events))
    proposals = list(queue_of(*pairs.values()))
    decided = [(proposals[place % len(proposals)], verdict) for place, verdict in reviews if proposals]
    return queue_of(*pairs.values(), reviews=tuple(review_of(each, verdict, reviewed_by="rex", reason="") for each, verdict in decided))


def _without_records(proposal: Proposal) -> tuple[Proposal, str]:
    """Two decisions alike differ in their time."""
    return proposal._replace(review=None), proposal.status


def test_a_correction_waits_until_it_is_decided_on() -> None:
    """With what it corrects beside it."""
    pair = corrected()
    waiting, decided = queue_of(pair), queue_of(pair, reviews=(decision(pair, "rejected"),))

    assert [("Better.", "waiting", "Text of a-q1.", "ann")] == [(each.text, each.status, each.answer, each.rater) for each in waiting]
    assert {"Better.": "rejected"} == statuses(decided)


def test_a_correction_that_is_taken_back_waits_no_more() -> None:
    """What was decided of one before stays known."""
    first, second = corrected(by="ann"), corrected("Best.", by="bob")
    queue = queue_of(first, second, reviews=(decision(first),))
    for pair in (first, second):
        queue.gone(pair.pair_id)

    assert {"Better.": "approved"} == statuses(queue)


def test_in_other_words_it_is_another_proposal_for_the_same_document() -> None:
    """The one in the first words is decided on by then."""
    first, second = corrected("Better."), corrected("Best.", at=1)
    queue = queue_of(first, second, reviews=(decision(first),))

    assert {"Better.": "approved", "Best.": "waiting"} == statuses(queue)
    assert 1 == len({proposal.document_id for proposal in queue})


def test_words_that_are_said_again_can_become_the_document_again() -> None:
    """Or count again, because the rater has taken other ones back: both proposals were approved, and the document says what was approved last."""
    first, second = corrected("Better.", at=0), corrected("Best.", at=1)
    queue = queue_of(first, second, corrected("Better.", at=2), reviews=(decision(first), decision(second)))
    again = review_of(queue.require(Proposal.of(first).proposal_id), "approved", reviewed_by="rex", reason="")

    assert document_of(decision(first)).content == document_of(again).content


def test_pairs_that_are_no_corrections_wait_for_nobody() -> None:
    """Topic `preferences` holds them too."""
    answers = {answer: an_answer(answer) for answer in ANSWERS}
    compared = pairs_of(answers, Judgements([given(answer_id="a-q1.1", better_than="a-q1")]))

    assert [] == list(queue_of(*compared.values()))


def test_of_two_who_decide_at_the_same_time_the_one_who_approves_is_heard() -> None:
    """In whichever order their records lie."""
    pair = corrected()
    both = decision(pair, "approved"), decision(pair, "rejected")

    assert {"approved"} == {*statuses(queue_of(pair, reviews=both)).values(), *statuses(queue_of(pair, reviews=both[::-1])).values()}


@pytest.mark.parametrize("before", ["approved", "rejected"])
def test_what_was_decided_is_not_rejected_any_more(before: Verdict) -> None:
    """The error says by whom."""
    pair = corrected()
    proposal = next(iter(queue_of(pair, reviews=(decision(pair, before),))))

    with pytest.raises(AlreadyReviewed, match=f"rex has {before}"):
        review_of(proposal, "rejected", reviewed_by="eva", reason="")


@pytest.mark.parametrize("before", ["approved", "rejected"])
def test_what_was_decided_may_be_approved_as_long_as_the_correction_stands(before: Verdict) -> None:
    """A rejection can be thought better of; of what was approved the document may be deleted by now."""
    pair = corrected()
    decided = decision(pair, before)
    queue = queue_of(pair, reviews=(decided,))
    queue.gone(pair.pair_id)

    assert "approved" == review_of(next(iter(queue_of(pair, reviews=(decided,)))), "approved", reviewed_by="eva", reason="").verdict
    with pytest.raises(UnknownProposal, match="ann has taken"):
        review_of(next(iter(queue)), "approved", reviewed_by="eva", reason="")


def test_nobody_decides_on_what_is_not_there() -> None:
    """An id that was mistyped, or whose correction was put in other words since."""
    with pytest.raises(UnknownProposal):
        queue_of(corrected()).require("p-none")


def test_the_document_says_where_it_comes_from() -> None:
    """It follows from the decision alone."""
    review = decision(corrected())
    document = document_of(review)

    assert (f"corrections/{review.pair_id}", "correction:t1/a-q1") == (document.document_id, document.source)
    assert ("What is kept?", "# What is kept?\n\nBetter.\n", ("correction",)) == (document.title, document.content, document.tags)
    assert document.corrects is not None
    assert ("ann", ("f-ann:ann",), "rex", "rex") == (
        document.corrects.rater,
        document.corrects.feedback,
        document.corrects.reviewed_by,
        document.submitted_by,
    )
