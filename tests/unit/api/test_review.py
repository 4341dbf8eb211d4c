"""The review of corrections over HTTP: what is listed, who may decide, and what is written."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from schemas.codec import decode
from schemas.events import CorrectionReviewed, PreferencePairFormed, Side
from schemas.settings import ApiKey
from schemas.topics import PREFERENCES, REVIEWS
from tests.builders import CONTEXT

URL = "/v1/review"
KEYS = tuple(
    ApiKey(key=SecretStr(key), tenant=tenant, subject=f"{key}@x", roles=roles)
    for key, tenant, roles in (("ann", "default", ("ingest",)), ("bob", "beta", ("ingest",)), ("eve", "default", ("ask", "operate")))
)


def a_correction(pair_id: str = "p-1", text: str = "Better.", tenant: str = "default") -> PreferencePairFormed:
    about = {"session_id": "t1", "query_id": "q1", "rater": "ann", "signal": "correction", "question": "Kept?", "same_context": True}
    sides = {"chosen": Side(text=text), "rejected": Side(text="Worse.", answer_id="a-q1")}
    return PreferencePairFormed(
        **about, **sides, tenant=tenant, id=pair_id, pair_id=pair_id, feedback=("f1",), judged_at=f"2026-11-01T10:00:0{pair_id[-1]}.000Z"
    )


async def listed(api: Any, **params: Any) -> list[str]:
    reply = await api.client.get(URL, params=params)
    return [each["excerpt"] for each in reply.json()["proposals"]]


async def proposal_of(api: Any, place: int = 0) -> str:
    return str((await api.client.get(URL)).json()["proposals"][place]["proposal_id"])


async def test_corrections_are_listed_the_oldest_first(api: Any) -> None:
    """What was taken back is not; the total counts what the limit leaves out."""
    for pair in (a_correction("p-3", "third"), a_correction("p-1", "first"), a_correction("p-2", "second")):
        await api.journal.append(pair, CONTEXT)
    await api.journal.retract(PREFERENCES, ["p-2"], CONTEXT)
    reply = (await api.client.get(URL, params={"limit": 1})).json()

    assert ["first", "third"] == await listed(api)
    assert (1, 2) == (len(reply["proposals"]), reply["total"])


async def test_an_approved_correction_is_a_record_that_tells_all(api: Any) -> None:
    """And waits no more. The reply says which document it becomes."""
    await api.journal.append(a_correction(), CONTEXT)
    proposal = await proposal_of(api)
    reply = await api.client.post(f"{URL}/{proposal}", json={"verdict": "approved", "reason": "It is so."})
    event = decode(api.journal.records(REVIEWS)[0])
    shown = (await api.client.get(f"{URL}/{proposal}")).json()

    assert (202, "corrections/p-1") == (reply.status_code, reply.json()["document_id"])
    assert isinstance(event, CorrectionReviewed)
    assert ("approved", "anonymous", "It is so.", "Better.", "Kept?", ("f1",)) == (
        *(event.verdict, event.reviewed_by, event.reason, event.text, event.question, event.feedback),
    )
    assert ([], ["Better."]) == (await listed(api), await listed(api, status="approved"))
    assert ("approved", "Worse.", "anonymous") == (shown["status"], shown["answer"], shown["reviewed_by"])


async def test_what_cannot_be_decided_is_told(api: Any) -> None:
    """404 for what is not there, 409 for what was decided, 422 for a verdict that there is not."""
    await api.journal.append(a_correction(), CONTEXT)
    proposal = await proposal_of(api)
    verdicts = [
        ("none", "approved"),
        (proposal, "maybe"),
        (proposal, "rejected"),
        (proposal, "rejected"),
        (proposal, "approved"),
        (proposal, "rejected"),
    ]
    replies = [await api.client.post(f"{URL}/{each}", json={"verdict": verdict}) for each, verdict in verdicts]

    assert [404, 422, 202, 409, 202, 409] == [reply.status_code for reply in replies]
    assert "urn:roxy:problem:already-reviewed" == replies[-1].json()["type"]


async def test_a_tenants_corrections_are_decided_by_those_who_may_submit_its_documents(run: Any) -> None:
    """Another tenant does not find them, and another role is refused."""
    async with run(api_keys=KEYS) as api:
        await api.journal.append(a_correction(), CONTEXT)
        replies = {key: await api.client.get(URL, headers={"X-API-Key": key}) for key in ("ann", "bob", "eve")}

    assert {"ann": (200, 1), "bob": (200, 0), "eve": (403, None)} == {
        key: (reply.status_code, reply.json().get("total")) for key, reply in replies.items()
    }
