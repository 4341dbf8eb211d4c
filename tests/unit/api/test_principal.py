"""Who may do what, and whose sessions are whose."""

from __future__ import annotations

from typing import Any

import pytest

from api.principal import is_loopback, require_safe_address
from schemas.errors import InvalidSetting
from schemas.settings import ApiKey, Settings

KEYS = (
    ApiKey(key="asker", tenant="acme", subject="ann", roles=("ask",)),
    ApiKey(key="ingester", tenant="acme", subject="ivy", roles=("ingest",)),
    ApiKey(key="operator", tenant="acme", subject="ole", roles=("operate",)),
    ApiKey(key="rival", tenant="rival", subject="rob", roles=("ask", "ingest")),
)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("headers", [{}, bearer("wrong"), {"Authorization": "Basic YTpi"}, {"X-API-Key": ""}, {"Authorization": "Bearer"}])
async def test_without_a_valid_key_it_is_401(run: Any, headers: dict[str, str]) -> None:
    """And the reply says what kind of key is wanted."""
    async with run(api_keys=KEYS) as api:
        reply = await api.client.post("/v1/sessions", json={}, headers=headers)

    assert (reply.status_code, reply.headers["www-authenticate"], reply.json()["type"]) == (401, "Bearer", "urn:roxy:problem:not-authenticated")


async def test_a_key_comes_in_either_header(run: Any) -> None:
    """`Authorization: Bearer` or `X-API-Key`."""
    async with run(api_keys=KEYS) as api:
        replies = [await api.client.post("/v1/sessions", headers=headers) for headers in (bearer("asker"), {"X-API-Key": "asker"})]

    assert [(reply.status_code, reply.json()["tenant"]) for reply in replies] == [(201, "acme")] * 2


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/sessions", {"asker"}),
        ("DELETE", "/v1/sessions/tsome", {"asker", "operator"}),
        ("DELETE", "/v1/documents/some", {"ingester"}),
        ("GET", "/metrics", {"operator"}),
        ("GET", "/health/live", {"asker", "ingester", "operator", "nobody"}),
    ],
)
async def test_each_route_wants_its_role(run: Any, method: str, path: str, allowed: set[str]) -> None:
    """403 says which role is missing."""
    async with run(api_keys=KEYS) as api:
        replies = {key: await api.client.request(method, path, headers=bearer(key)) for key in ("asker", "ingester", "operator", "nobody")}

    assert {key for key, reply in replies.items() if reply.status_code < 300} == allowed
    assert all("role" in reply.json()["detail"] for reply in replies.values() if reply.status_code == 403)


@pytest.mark.parametrize("placement", ["topic", "lane"])
async def test_tenants_do_not_see_each_other(run: Any, answer: Any, placement: str) -> None:
    """Another tenant's session is not there, and a cursor of it is of no use."""
    async with run(api_keys=KEYS) as api:
        mine = await api.session(placement, **bearer("asker"))
        session = mine["session_id"]
        await api.write(session, answer(session, tenant="acme"), "acme")
        theirs = await api.session(placement, **bearer("rival"))
        seen = await api.client.get(f"/v1/sessions/{session}/history", headers=bearer("rival"))
        tried = await api.client.get(f"/v1/sessions/{theirs['session_id']}/history?after={mine['cursor']}", headers=bearer("rival"))
        own = await api.client.get(f"/v1/sessions/{session}/history", headers=bearer("asker"))

    assert (seen.status_code, tried.status_code, len(own.json()["records"])) == (404, 403, 7)


async def test_documents_belong_to_a_tenant(run: Any) -> None:
    """The same id is another document for another tenant."""
    async with run(api_keys=KEYS) as api:
        await api.client.post("/v1/documents", json={"document_id": "guide", "text": "Text"}, headers=bearer("ingester"))
        replies = [await api.client.get("/v1/documents/guide", headers=bearer(key)) for key in ("ingester", "rival")]

    assert [reply.status_code for reply in replies] == [200, 404]


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": "localhost.evil.example"}, {"Origin": "https://evil.example"}])
async def test_without_keys_only_this_machine_is_served(api: Any, headers: dict[str, str]) -> None:
    """A web page that reaches loopback under a name of its own is refused."""
    reply = await api.client.post("/v1/sessions", headers=headers)

    assert reply.status_code == 403


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("127.9.9.9", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, expected: bool) -> None:
    """0.0.0.0 is not loopback: it is every address of the machine."""
    assert is_loopback(host) is expected


def test_without_keys_no_other_address_is_listened_at() -> None:
    """The process does not start, and says what to set."""
    with pytest.raises(InvalidSetting, match="ROXY_API_KEYS"):
        require_safe_address(Settings(api_host="0.0.0.0"))
    require_safe_address(Settings(api_host="0.0.0.0", api_keys=KEYS))
