"""Fair slots: never too many, none lost, tenants take turns."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.answering.fair_slots import FairSlots, Place

_ACTIONS = st.lists(st.tuples(st.sampled_from(["come", "come", "go", "give up"]), st.sampled_from("xyz"), st.integers(0, 30)), max_size=80)


class One(NamedTuple):
    """Who came, and how they go again."""

    tenant: str
    place: Place
    way_out: AbstractContextManager[Place]


class Room:
    """Everybody who is there, in the order in which they came."""

    def __init__(self, size: int) -> None:
        self.slots, self.size = FairSlots(size), size
        self.there: list[One] = []
        self.admitted: list[One] = []

    def come(self, tenant: str) -> One:
        way_out = self.slots.place(tenant)
        self.there.append(One(tenant, way_out.__enter__(), way_out))
        self.note()
        return self.there[-1]

    def go(self, one: One) -> None:
        self.there.remove(one)
        one.way_out.__exit__(None, None, None)
        self.note()

    def note(self) -> None:
        self.admitted += [one for one in self.there if one.place.has_slot and one not in self.admitted]

    @property
    def waiting(self) -> list[One]:
        return [one for one in self.there if not one.place.has_slot]

    @property
    def inside(self) -> list[One]:
        return [one for one in self.there if one.place.has_slot]


@given(actions=_ACTIONS, size=st.integers(1, 4))
@settings(max_examples=200)
def test_whoever_comes_and_goes_no_slot_is_lost_and_none_given_twice(actions: list[tuple[str, str, int]], size: int) -> None:
    """Going from the queue, from a slot, and after having given up: somebody waits only while all slots are taken."""
    room = Room(size)
    for action, tenant, number in actions:
        if action == "come":
            room.come(tenant)
        elif room.there and action == "go":
            room.go(room.there[number % len(room.there)])
        elif room.there:
            room.there[number % len(room.there)].place.leave()

        assert len(room.inside) <= size
        assert not room.waiting or len(room.inside) == size
    for one in list(room.there):
        room.go(one)

    assert [True] * size == [room.come("z").place.has_slot for _ in range(size)]


@given(queues=st.lists(st.sampled_from("xyz"), min_size=1, max_size=40), size=st.integers(1, 3))
@settings(max_examples=200)
def test_no_tenant_is_let_in_twice_while_another_waits(queues: list[str], size: int) -> None:
    """However many answers it asks for; a tenant's own come in order."""
    room = Room(size)
    for _ in range(size):
        room.come("first")
    waiting = [room.come(tenant) for tenant in queues]
    while room.there:
        room.go(room.inside[0])
    let_in = room.admitted[size:]
    for place, (one, other) in enumerate(pairwise(let_in)):
        still_waiting = {later.tenant for later in let_in[place + 1 :]}

        assert one.tenant != other.tenant or still_waiting == {one.tenant}
    for tenant in set(queues):
        assert [one for one in waiting if one.tenant == tenant] == [one for one in let_in if one.tenant == tenant]


async def test_who_waits_goes_on_when_a_slot_is_free() -> None:
    """Or when somebody gives the place up for them."""
    slots = FairSlots(1)
    with slots.place("x") as first, slots.place("x") as second, slots.place("x") as third:
        assert (False, True, True) == (first.waits, second.waits, third.waits)
        waiting = asyncio.create_task(third.turn())
        third.leave()
        await waiting

    assert (True, False, True) == (first.has_slot, third.waits, third.left)


@pytest.mark.parametrize("waits", [True, False])
async def test_a_task_that_is_cancelled_takes_nothing_with_it(waits: bool) -> None:
    """With a slot, or still waiting for one."""
    slots = FairSlots(1)

    async def has_a_place() -> None:
        with slots.place("x") as place:
            await place.turn()
            await asyncio.Event().wait()

    holder = asyncio.create_task(has_a_place())
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(has_a_place()), holder] if waits else [holder]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    with slots.place("y") as place:
        assert place.has_slot
