"""Flags as a worker reads them: all that was switched before it starts, and all that is switched while it runs."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from connectors.journal.memory import MemoryJournal
from schemas.events import FlagChanged
from schemas.flags import Flags
from schemas.topics import FLAGS
from streams.answering.flags import flag_changes, follow_flags, read_flags
from tests.builders import CONTEXT


def change(number: int, value: bool | None) -> FlagChanged:
    return FlagChanged(id=f"routing:{number}", tenant="default", flag="routing", value=value, changed_by="ann", reason=f"reason {number}")


async def until(flags: Flags, value: bool) -> None:
    async with asyncio.timeout(5):
        while flags.switched("default") != (("routing", value),):
            await asyncio.sleep(0.01)


async def test_a_worker_knows_what_was_switched_before_it_started_and_follows() -> None:
    """Before it takes any work it has read what is there."""
    journal, flags = MemoryJournal(), Flags()
    await journal.append_all([change(1, True), change(2, False)], CONTEXT)
    end = await read_flags(journal, flags)
    before = flags.switched("default")
    following = asyncio.create_task(follow_flags(journal, flags, end))
    await journal.append(change(3, True), CONTEXT)
    await until(flags, True)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following

    assert (("routing", False),) == before


async def test_the_history_has_each_change_once_in_order() -> None:
    """With who and why, also where one was written twice."""
    journal = MemoryJournal()
    await journal.append_all([change(1, True), change(2, False), change(1, True)], CONTEXT)
    told = await flag_changes(journal, await journal.ends(FLAGS))

    assert [(True, "ann", "reason 1"), (False, "ann", "reason 2")] == [(one.value, one.changed_by, one.reason) for one in told]
