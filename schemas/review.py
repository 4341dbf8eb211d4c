"""Review: corrections that may become documents, and what was decided of each. A fold of `preferences` and `reviews`. Pure.

A correction that counts is a pair of topic `preferences`: workers keep that up from `feedback` and `answers`, whatever the order of the records and
however often they come, and a correction that is taken back is taken out. In other words it is another proposal. An approval counts, whatever
else was decided: so two who decide at the same time need no lock, and a rejection can be thought better of.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Literal, NamedTuple, Self

from schemas.errors import AlreadyReviewed, UnknownProposal
from schemas.events import Correction, CorrectionReviewed, DocumentSubmitted, PreferencePairFormed

Verdict = Literal["approved", "rejected"]
Status = Literal["waiting", "approved", "rejected"]
TAG = "correction"  #: of every document that comes of a correction: `roxy ask --tag correction`


class Proposal(NamedTuple):
    """A correction in certain words."""

    proposal_id: str
    pair_id: str  #: of the rater and the answer
    tenant: str
    session_id: str
    query_id: str
    answer_id: str
    question: str
    text: str
    rater: str
    feedback: tuple[str, ...]
    judged_at: str
    answer: str = ""  #: the text that was corrected; empty for one that was taken back since
    review: CorrectionReviewed | None = None

    @classmethod
    def of(cls, pair: PreferencePairFormed) -> Self:
        """The answer's id is told: of a correction the other side is always an answer."""
        same = pair.model_dump(include=set(cls._fields))
        text, rejected = pair.chosen.text, pair.rejected
        return cls(proposal_id=proposal_id_of(pair), answer_id=rejected.answer_id or "", text=text, answer=rejected.text, **same)

    @classmethod
    def decided(cls, review: CorrectionReviewed) -> Self:
        """What a decision itself says of what it decided."""
        return cls(**review.model_dump(include=set(cls._fields)), review=review)

    @property
    def status(self) -> Status:
        return self.review.verdict if self.review else "waiting"

    @property
    def document_id(self) -> str:
        """Of the document that it becomes. A rater's later correction of the same answer is a later version of it."""
        return f"corrections/{self.pair_id}"


class ReviewQueue:
    """The proposals of one tenant."""

    def __init__(self) -> None:
        self._pairs: dict[str, Proposal] = {}
        self._reviews: dict[str, CorrectionReviewed] = {}

    def formed(self, pair: PreferencePairFormed) -> None:
        """What stands under a pair's key now."""
        if pair.signal == "correction":
            self._pairs[pair.pair_id] = Proposal.of(pair)

    def gone(self, pair_id: str) -> None:
        """The correction was taken back."""
        self._pairs.pop(pair_id, None)

    def reviewed(self, review: CorrectionReviewed) -> None:
        before = self._reviews.get(review.proposal_id)
        if before is None or before.verdict == "rejected":
            self._reviews[review.proposal_id] = review

    def __iter__(self) -> Iterator[Proposal]:
        """All of them, the oldest correction first; decided ones also where the correction was taken back since."""
        found = {review.proposal_id: Proposal.decided(review) for review in self._reviews.values()}
        for proposal in self._pairs.values():
            found[proposal.proposal_id] = proposal._replace(review=self._reviews.get(proposal.proposal_id))
        return iter(sorted(found.values(), key=lambda each: (each.judged_at, each.proposal_id)))

    def require(self, proposal_id: str) -> Proposal:
        """Raises UnknownProposal."""
        for proposal in self:
            if proposal.proposal_id == proposal_id:
                return proposal
        raise UnknownProposal(f"No correction waits for a review as {proposal_id}.")


def proposal_id_of(pair: PreferencePairFormed) -> str:
    """The pair's id, and a hash of the correction's words."""
    return f"{pair.pair_id}.{blake2b(pair.chosen.text.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


def review_of(proposal: Proposal, verdict: Verdict, *, reviewed_by: str, reason: str) -> CorrectionReviewed:
    """The decision, as a record. What was decided may still be approved, as long as the correction stands.

    So a rejection can be thought better of, and words that are said again, or whose document was deleted, can be the document again.
    Raises AlreadyReviewed, UnknownProposal for what was decided and is taken back since.
    """
    if proposal.review is not None and verdict == "rejected":
        raise AlreadyReviewed(f"{proposal.review.reviewed_by} has {proposal.status} the correction {proposal.proposal_id}.")
    if proposal.review is not None and not proposal.answer:
        raise UnknownProposal(f"{proposal.rater} has taken the correction {proposal.proposal_id} back.")
    about = {name: value for name, value in proposal._asdict().items() if name in CorrectionReviewed.model_fields}
    return CorrectionReviewed(**about, id=f"{proposal.proposal_id}:{verdict}", verdict=verdict, reviewed_by=reviewed_by, reason=reason)


def document_of(review: CorrectionReviewed) -> DocumentSubmitted:
    """The document that an approved correction becomes: the question, and beneath it the answer as it should have been.

    All of it comes from the decision: read again, it is the same version. Approved by two, or once more, each is a version with the same id and text.
    """
    proposal = Proposal.decided(review)
    question = " ".join(review.question.split())
    origin = Correction(**review.model_dump(include=set(Correction.model_fields)))
    return DocumentSubmitted(
        id=f"{proposal.document_id}@{review.proposal_id}",
        tenant=review.tenant,
        time=review.time,
        document_id=proposal.document_id,
        title=question or None,
        source=f"correction:{review.session_id}/{review.answer_id}",
        content=f"# {question}\n\n{review.text}\n" if question else f"{review.text}\n",
        tags=(TAG,),
        submitted_by=review.reviewed_by,
        corrects=origin,
    )
