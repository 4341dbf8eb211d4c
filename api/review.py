"""Review: GET /v1/review lists the corrections that may become documents, POST /v1/review/{id} decides on one. A worker makes the document.

Who may submit documents may decide on corrections. Both topics are read when they are asked for: a queue that people work through is short, and
what stands in an answer is never older than the question.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from structlog.contextvars import bind_contextvars

from api.principal import Principal, require
from api.problems import refusals
from api.topic_reading import records_until_now
from api.wiring import Wired, context
from connectors.journal.base import Journal
from schemas.codec import decoded
from schemas.events import CorrectionReviewed, PreferencePairFormed
from schemas.http_bodies import ID_LENGTH, ID_PATTERN
from schemas.review import ReviewQueue, Status, review_of
from schemas.review_bodies import ProposalListed, ProposalShown, ProposalsListed, ReviewAccepted, ReviewWanted
from schemas.topics import PREFERENCES, REVIEWS

router = APIRouter(prefix="/v1/review", tags=["feedback"])
Reviewer = Annotated[Principal, Depends(require("ingest"))]
ProposalId = Annotated[str, Path(min_length=1, max_length=ID_LENGTH, pattern=ID_PATTERN)]
Most = Annotated[int, Query(ge=1, le=200, description="So many of them.")]
_PATIENCE_S = 12.0  # for each of the two topics: less than a client waits


@router.get("", responses=refusals())
async def list_proposals(wired: Wired, principal: Reviewer, status: Status = "waiting", limit: Most = 50) -> ProposalsListed:
    """Corrections that wait for a decision, the oldest first; or those that were approved, or rejected."""
    found = [proposal for proposal in await _queue(wired.journal, principal.tenant) if proposal.status == status]
    return ProposalsListed(tenant=principal.tenant, proposals=tuple(map(ProposalListed.of, found[:limit])), total=len(found))


@router.get("/{proposal_id}", responses=refusals(404))
async def show_proposal(proposal_id: ProposalId, wired: Wired, principal: Reviewer) -> ProposalShown:
    """One correction: what was asked and answered, what it says instead, and what was decided."""
    return ProposalShown.of((await _queue(wired.journal, principal.tenant)).require(proposal_id))


@router.post("/{proposal_id}", status_code=202, responses=refusals(404, 409))
async def decide(proposal_id: ProposalId, wanted: ReviewWanted, wired: Wired, principal: Reviewer) -> ReviewAccepted:
    """Approve a correction, which makes a document of it, or reject it."""
    proposal = (await _queue(wired.journal, principal.tenant)).require(proposal_id)
    bind_contextvars(correlation=proposal.query_id)
    review = review_of(proposal, wanted.verdict, reviewed_by=principal.subject, reason=wanted.reason)
    await wired.journal.append(review, context())
    document_id = proposal.document_id if wanted.verdict == "approved" else None
    links = {"document": f"/v1/documents/{document_id}"} if document_id else {}
    return ReviewAccepted(proposal_id=proposal_id, verdict=wanted.verdict, document_id=document_id, links=links)


async def _queue(journal: Journal, tenant: str) -> ReviewQueue:
    """The tenant's, up to now. A pair's tombstone does not say whose it was; one of another tenant's takes nothing away. Raises LogUnavailable."""
    queue = ReviewQueue()
    async for record in records_until_now(journal, PREFERENCES, _PATIENCE_S):
        if record.value is None:
            queue.gone((record.key or b"").decode("utf-8", "replace"))
        elif record.header("tenant") == tenant and isinstance(pair := decoded(record), PreferencePairFormed):
            queue.formed(pair)
    async for record in records_until_now(journal, REVIEWS, _PATIENCE_S):
        if record.header("tenant") == tenant and isinstance(review := decoded(record), CorrectionReviewed):
            queue.reviewed(review)
    return queue
