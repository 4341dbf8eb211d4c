"""Feature flags over HTTP: how they stand, who may switch them, and what is written."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from connectors.journal.memory import MemoryJournal
from schemas.codec import Context, decode
from schemas.events import FlagChanged
from schemas.flags import FLAG_NAMES
from schemas.settings import ApiKey
from schemas.topics import FLAGS

URL = "/v1/flags"
KEYS = tuple(
    ApiKey(key=SecretStr(key), tenant=tenant, subject=f"{key}@x", roles=roles)
    for key, tenant, roles in (("ann", "acme", ("operate",)), ("bob", "beta", ("operate",)), ("eve", "acme", ("ask",)))
)


def as_(key: str) -> dict[str, str]:
    return {"X-API-Key": key}


async def standing(api: Any, key: str) -> dict[str, dict[str, Any]]:
    reply = await api.client.get(URL, headers=as_(key))
    return {one["flag"]: one for one in reply.json()["flags"]}


async def test_flags_that_nobody_switched_stand_as_the_settings_say(api: Any) -> None:
    """All of them are listed."""
    reply = await api.client.get(URL)

    assert (200, "default", list(FLAG_NAMES)) == (reply.status_code, reply.json()["tenant"], [one["flag"] for one in reply.json()["flags"]])
    assert {"settings"} == {one["by"] for one in reply.json()["flags"]}


async def test_a_change_is_a_record_with_who_and_why(api: Any) -> None:
    """As `roxy flags set` writes it."""
    reply = await api.client.put(f"{URL}/routing", json={"value": False, "reason": "the small model is ill"})
    event = decode(api.journal.records(FLAGS)[0])

    assert (202, {"flag": "routing", "value": False, "changed_by": "anonymous"}) == (reply.status_code, reply.json())
    assert isinstance(event, FlagChanged)
    assert (False, False, "anonymous", "the small model is ill") == (event.value, event.everywhere, event.changed_by, event.reason)


async def test_a_tenant_switches_its_own_flags_only(run: Any) -> None:
    """And sees its own, and what holds everywhere."""
    everywhere = FlagChanged(id="f1", tenant="root", flag="screening", value=False, everywhere=True, changed_by="root", reason="a test")
    async with run(api_keys=KEYS) as api:
        await api.journal.append(everywhere, Context("/test", "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"))
        await api.client.put(f"{URL}/routing", json={"value": False}, headers=as_("ann"))
        ann, bob = await standing(api, "ann"), await standing(api, "bob")

    assert [(False, "tenant", "ann@x"), (True, "settings", None)] == [
        (one["routing"]["value"], one["routing"]["by"], one["routing"]["changed_by"]) for one in (ann, bob)
    ]
    assert [("everywhere", "a test")] * 2 == [(one["screening"]["by"], one["screening"]["reason"]) for one in (ann, bob)]


async def test_null_leaves_a_flag_to_the_settings_again(api: Any) -> None:
    """The change back stands in the log as well."""
    for value in (False, None):
        await api.client.put(f"{URL}/routing", json={"value": value})
    reply = await api.client.get(URL)

    assert {"settings"} == {one["by"] for one in reply.json()["flags"]}
    assert 2 == len(api.journal.records(FLAGS))


async def test_an_unknown_flag_is_a_problem_that_names_those_that_there_are(api: Any) -> None:
    """Nothing is written."""
    reply = await api.client.put(f"{URL}/turbo", json={"value": True})

    assert (404, "urn:roxy:problem:unknown-flag") == (reply.status_code, reply.json()["type"])
    assert all(name in reply.json()["remedy"] for name in FLAG_NAMES)
    assert [] == api.journal.records(FLAGS)


async def test_what_is_neither_on_nor_off_is_refused(api: Any) -> None:
    """So is nothing at all."""
    replies = [
        await api.client.put(f"{URL}/routing", json=body) for body in ({"value": "off"}, {"value": 1}, {}, {"value": True, "everywhere": True})
    ]

    assert [422] * 4 == [reply.status_code for reply in replies]


async def test_only_an_operator_sees_and_switches(run: Any, journal: MemoryJournal) -> None:
    """Who may ask may not."""
    async with run(api_keys=KEYS) as api:
        replies = [await api.client.get(URL, headers=as_("eve")), await api.client.put(f"{URL}/routing", json={"value": True}, headers=as_("eve"))]

    assert [403, 403] == [reply.status_code for reply in replies]
    assert [] == journal.records(FLAGS)
