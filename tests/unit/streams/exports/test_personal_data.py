"""streams/exports/personal_data.py: what is found by patterns, and what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.exports.fold import Tools
from streams.exports.manifest import read_manifest
from streams.exports.personal_data import Scrubber
from streams.exports.plan import Plan
from streams.exports.verification import verify
from streams.exports.writing import export
from streams.preferences.replay import bounds_now
from tests.unit.streams.exports.log import a_log, said, tools

pytestmark = pytest.mark.full


def scrubbing() -> Tools:
    return tools()._replace(scrubber=Scrubber())


def test_addresses_and_checked_numbers_are_replaced_by_their_kind() -> None:
    """Dates, links and offsets stay: answers live on them."""
    text = (
        "Write to ann@example.org by 2026-11-21, card 4111 1111 1111 1111, IBAN DE89370400440532013000; see https://kafka.apache.org, queries[3]@41."
    )

    assert (
        "Write to <EMAIL_ADDRESS> by 2026-11-21, card <CREDIT_CARD>, IBAN <IBAN_CODE>; see https://kafka.apache.org, queries[3]@41."
        == Scrubber().text(text)
    )


async def test_an_export_that_was_scrubbed_says_what_was_found_and_verifies(tmp_path: Path) -> None:
    """In card and manifest; a split by the prompt as it stands there."""
    journal = await a_log(said(0, correction="Ask ann@example.org."))
    plan = Plan(kind="preferences", pii="scrub")
    manifest = await export(journal, await bounds_now(journal), plan, scrubbing(), tmp_path / "out")
    done = await verify(journal, tmp_path / "out", read_manifest(tmp_path / "out"), scrubbing())

    assert {"EMAIL_ADDRESS": 1} == manifest.scrubbed
    assert "- EMAIL_ADDRESS: 1" in (tmp_path / "out" / "README.md").read_text()
    assert b"ann@" not in b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert () == done.findings
