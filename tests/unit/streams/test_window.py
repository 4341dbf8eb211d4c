"""streams/window.py, against a model that knows what was admitted and what was let finish."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.record import Record
from streams import window
from streams.window import Window, session_or_sibling
from tests.unit.streams.window_model import Bench, Model, a_record, settled

_ADMIT = st.tuples(st.just("admit"), st.integers(0, 2), st.sampled_from("abc"), st.sampled_from(["x", "y"]))
_FINISH = st.tuples(st.just("finish"), st.integers(0, 20), st.just(""), st.just(""))
_REVOKE = st.tuples(st.just("revoke"), st.integers(0, 2), st.just(""), st.just(""))
_SCHEDULES = st.lists(st.one_of(_ADMIT, _ADMIT, _ADMIT, _FINISH, _FINISH, _REVOKE), max_size=60)


@given(schedule=_SCHEDULES, slots=st.integers(1, 4))
@settings(max_examples=150)
def test_whatever_the_schedule_nothing_unfinished_is_passed_and_keys_keep_their_order(schedule: list[tuple[str, int, str, str]], slots: int) -> None:
    """Any order of arrivals, ends and revocations: heads never pass an unfinished record, keys are worked on one by one in order, slots hold."""
    asyncio.run(_follow(schedule, slots))


async def _follow(schedule: list[tuple[str, int, str, str]], slots: int) -> None:
    bench, model = Bench(), Model()
    subject = Window(bench.work, slots=slots, capacity=1_000)
    for action, number, key, tenant in schedule:
        if action == "admit":
            await subject.admit(model.admit(number, key, tenant))
        elif action == "finish" and bench.running:
            done = bench.running[number % len(bench.running)]
            model.unfinished[done.partition].discard(done.offset)
            await bench.finish(done.partition, done.offset)
        elif action == "revoke":
            await subject.revoke([("queries", number)])
            model.revoke(number)
            assert all(record.partition != number for record in bench.running)
        await settled()
        _check(subject, bench, model, slots)
    await bench.finish_all()

    assert subject.size == 0
    assert {key: model.next[key[1]] for key in subject.heads()} == subject.heads()


def _check(subject: Window, bench: Bench, model: Model, slots: int) -> None:
    waiting = sum(len(left) for left in model.unfinished.values())
    keys = [(record.partition, record.key) for record in bench.running]

    assert model.heads() == subject.heads()
    assert waiting == subject.size
    assert len(keys) == len(set(keys))
    assert len(keys) <= slots
    for record in bench.running:  # the oldest unfinished of its key
        left = model.unfinished[record.partition]
        same = [offset for offset in left if model.records[record.partition][offset][0] == record.key.decode()]  # type: ignore[union-attr]
        assert min(same) == record.offset
    if len(keys) < slots:  # no slot is idle while a key could start
        assert {(p, model.records[p][offset][0]) for p, left in model.unfinished.items() for offset in left} == {
            (partition, key.decode()) for partition, key in keys if key is not None
        }


async def test_the_head_stays_before_an_unfinished_record_and_jumps_when_it_ends() -> None:
    """Acknowledged in offset order, whatever order the work ends in."""
    bench = Bench()
    subject = Window(bench.work, slots=3)
    for offset in (5, 6, 9):  # compaction leaves holes
        await subject.admit(a_record(0, offset, key=str(offset)))
    await settled()
    seen = [subject.heads()]
    for offset in (9, 6, 5):
        await bench.finish(0, offset)
        seen.append(subject.heads())

    assert [{("queries", 0): head} for head in (5, 5, 5, 10)] == seen


async def test_tenants_take_turns() -> None:
    """One tenant's hundred waiting records delay another's one by the one that runs and the one whose turn it is."""
    bench = Bench()
    subject = Window(bench.work, slots=1, capacity=200)
    for offset in range(100):
        await subject.admit(a_record(0, offset, key=f"k{offset}", tenant="big"))
    await subject.admit(a_record(0, 100, key="other", tenant="small"))
    await settled()
    await bench.finish(0, 0)
    await bench.finish_all()

    assert [record.offset for record in bench.started][:4] == [0, 1, 100, 2]
    assert len(bench.finished) == 101


async def test_work_that_fails_is_tried_again_and_holds_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the frame lets through (it should not) loses no record and lets no later one of its key go first."""
    monkeypatch.setattr(window, "_RETRY_S", 0.0)
    seen: list[int] = []

    async def work(record: Record) -> None:
        seen.append(record.offset)
        if seen.count(0) < 3:
            raise OSError("away")

    subject = Window(work, slots=2)
    await subject.admit(a_record(0, 0))
    await subject.admit(a_record(0, 1))

    assert await subject.drained(5)
    assert seen == [0, 0, 0, 1]


async def test_revoking_cancels_and_forgets_and_lets_others_go_on() -> None:
    """After `revoke` no work on the partition goes on, its records are acknowledged no more, and its slots are free."""
    bench = Bench()
    subject = Window(bench.work, slots=2)
    for partition in (0, 1):
        for offset in range(2):
            await subject.admit(a_record(partition, offset, key=str(offset)))
    await settled()
    await subject.revoke([("queries", 0)])
    await settled()

    assert [(record.partition, record.offset) for record in bench.cancelled] == [(0, 0), (0, 1)]
    assert [(record.partition, record.offset) for record in bench.running] == [(1, 0), (1, 1)]
    assert subject.heads() == {("queries", 1): 0}
    assert {("queries", 1)} == subject.partitions()
    assert subject.size == 2
    await bench.finish_all()


async def test_a_full_window_blocks_and_an_end_unblocks() -> None:
    """Nothing is taken beyond the capacity."""
    bench = Bench()
    subject = Window(bench.work, slots=1, capacity=2)
    for offset in range(2):
        await subject.admit(a_record(0, offset))
    third = asyncio.create_task(subject.admit(a_record(0, 2)))
    await settled()
    blocked = not third.done()
    await bench.finish(0, 0)

    assert (blocked, third.done(), subject.size) == (True, True, 2)
    await bench.finish_all()


async def test_a_record_that_waited_while_its_partition_was_revoked_is_not_taken() -> None:
    """Else it would be worked on without its partition, and its offset would be acknowledged above unfinished ones after the next assignment."""
    bench = Bench()
    subject = Window(bench.work, slots=1, capacity=1)
    await subject.admit(a_record(0, 7))
    stale = asyncio.create_task(subject.admit(a_record(0, 8)))
    await settled()
    await subject.revoke([("queries", 0)])
    await stale
    await settled()

    assert (subject.heads(), subject.size, bench.running) == ({}, 0, [])


async def test_a_partition_that_comes_back_while_its_old_work_is_still_ending_is_worked_in_order() -> None:
    """Work that takes time to heed its cancellation (it closes a model's stream) must not disturb the next assignment's bookkeeping."""
    bench, may_end = Bench(), asyncio.Event()

    async def work(record: Record) -> None:
        try:
            await bench.work(record)
        except asyncio.CancelledError:
            await may_end.wait()
            raise

    subject = Window(work, slots=4)
    await subject.admit(a_record(0, 0))
    await settled()
    revoked = asyncio.create_task(subject.revoke([("queries", 0)]))
    await settled()
    for offset in range(3):
        await subject.admit(a_record(0, offset))
    await settled()
    may_end.set()
    await revoked
    await settled()
    running = [[record.offset for record in bench.running]]
    for offset in range(3):
        await bench.finish(0, offset)
        running.append([record.offset for record in bench.running])

    assert running == [[0], [1], [2], []]
    assert (subject.heads(), subject.size) == ({("queries", 0): 3}, 0)


async def test_work_that_does_not_heed_its_cancellation_counts_no_more() -> None:
    """It ends as if nothing had happened; its record belongs to the next worker."""
    started = asyncio.Event()

    async def deaf(record: Record) -> None:
        started.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()

    subject = Window(deaf, slots=1)
    await subject.admit(a_record(0, 0))
    await started.wait()
    await subject.revoke([("queries", 0)])
    await settled()

    assert (subject.heads(), subject.size) == ({}, 0)


async def test_a_partition_that_is_read_from_further_back_is_not_acknowledged_past_what_comes_again() -> None:
    """A record left over from before a rebalance may come first: what then comes from the committed offset on still counts as unfinished."""
    bench = Bench()
    subject = Window(bench.work, slots=4)
    for offset in (9, 4):
        await subject.admit(a_record(0, offset, key=str(offset)))
    await settled()
    await bench.finish(0, 9)

    assert subject.heads() == {("queries", 0): 4}
    await bench.finish(0, 4)
    assert subject.heads() == {("queries", 0): 10}


@pytest.mark.parametrize(("wait", "expected"), [(0.01, False), (5.0, True)])
async def test_draining_says_whether_all_was_finished_in_time(wait: float, expected: bool) -> None:
    """False after the time given, True as soon as all is done."""
    bench = Bench()
    subject = Window(bench.work, slots=1)
    await subject.admit(a_record(0, 0))
    await settled()
    drained = asyncio.create_task(subject.drained(wait))
    if expected:
        await bench.finish(0, 0)

    assert expected == await drained
    await bench.finish_all()


async def test_answers_to_a_question_are_made_side_by_side_where_first_answers_wait_for_each_other() -> None:
    """Of `retrievals`: what names no answer one by one, each sibling beside it; acknowledged in offset order all the same."""
    bench = Bench()
    subject = Window(bench.work, slots=8, key_of=session_or_sibling)
    for offset, answer in enumerate((None, None, b"a-q1.1", b"a-q1.2")):
        record = a_record(0, offset, "a")
        await subject.admit(record._replace(headers=(*record.headers, *((("answer", answer),) if answer else ()))))
    await settled()

    assert [0, 2, 3] == sorted(record.offset for record in bench.running)
    assert [0] == list(subject.heads().values())
    await bench.finish_all()
