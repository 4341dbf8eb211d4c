"""Bodies of the review of corrections over HTTP: GET /v1/review, GET and POST /v1/review/{id}."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from schemas.http_bodies import Body, Utf8
from schemas.review import Proposal, Status, Verdict

EXCERPT = 300  #: characters of a correction in the list


class ReviewWanted(Body):
    """POST /v1/review/{id}."""

    verdict: Verdict
    reason: Annotated[Utf8, Field(max_length=1_000)] = Field("", description="Why, for whoever asks later.")


class ProposalListed(Body):
    """A correction that may become a document."""

    proposal_id: str
    status: Status
    question: str
    excerpt: str = Field(description=f"The first {EXCERPT} characters of the correction.")
    rater: str
    judged_at: str
    session_id: str
    answer_id: str

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        told = {name: value for name, value in proposal._asdict().items() if name in cls.model_fields}
        return cls(**told, status=proposal.status, excerpt=proposal.text[:EXCERPT])


class ProposalsListed(Body):
    """The oldest correction first."""

    tenant: str
    proposals: tuple[ProposalListed, ...]
    total: int = Field(description="Of this status, also those that the limit leaves out.")


class ProposalShown(Body):
    """A correction, what it corrects, and what was decided."""

    proposal_id: str
    status: Status
    question: str
    answer: str = Field(description="The text that was corrected; empty if the correction was taken back since.")
    text: str = Field(description="The correction.")
    rater: str
    judged_at: str
    session_id: str
    query_id: str
    answer_id: str
    feedback: tuple[str, ...] = Field(description="Ids of the FeedbackGiven events.")
    document_id: str = Field(description="Of the document that it becomes, or is. The same rater's earlier correction has the same.")
    reviewed_by: str | None = None
    reviewed_at: str | None = None
    reason: str | None = None

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        told = {name: value for name, value in proposal._asdict().items() if name in cls.model_fields}
        review = proposal.review
        decided = {"reviewed_by": review.reviewed_by, "reviewed_at": review.time, "reason": review.reason} if review else {}
        return cls(**told, **decided, status=proposal.status, document_id=proposal.document_id)


class ReviewAccepted(Body):
    """The decision is in the log; a worker makes a document of what was approved."""

    proposal_id: str
    verdict: Verdict
    document_id: str | None = Field(description="null: rejected.")
    links: dict[str, str]
