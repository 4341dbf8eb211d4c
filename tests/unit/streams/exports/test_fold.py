"""streams/exports/fold.py and filters.py: which rows there are of a plan."""

from __future__ import annotations

from typing import Any

import pytest

from streams.exports.plan import KINDS, Kind
from streams.exports.row import Row
from tests.unit.streams.exports.log import QUESTIONS, TIME, a_log, answered, fold, said, tools


async def kept(*feedback: Any, kind: Kind = "kto", answers: Any = (), **plan: Any) -> tuple[list[Row], dict[str, int]]:
    found = await fold(await a_log(*feedback, answers=answers), kind, **plan)
    return [row for split in found.splits.values() for row in split], found.dropped


@pytest.mark.parametrize("kind", KINDS)
async def test_no_prompt_is_in_both_splits(kind: Kind) -> None:
    """Whatever rows it is in: nobody is tested on what they were trained on."""
    found = await fold(await a_log(), kind, test_share=0.5)
    train, test = ({row.prompt for row in found.splits[split]} for split in ("train", "test"))  # type: ignore[index]

    assert train
    assert test
    assert train.isdisjoint(test)


@pytest.mark.parametrize("kind", KINDS)
async def test_rows_stand_in_order_of_their_ids(kind: Kind) -> None:
    """Each once."""
    found = await fold(await a_log(), kind)

    assert all([row.row_id for row in rows] == sorted({row.row_id for row in rows}) for rows in found.splits.values())


async def test_when_something_was_judged_counts_not_when_it_was_answered() -> None:
    """From the first moment on, before the last one."""
    feedback = [said(number, second=number, thumb="up") for number in range(5)]
    rows, dropped = await kept(*feedback, since=TIME.format(1), until=TIME.format(4))

    assert (["q1", "q2", "q3"], {"judged at another time": 2}) == (sorted(row.source.query_id for row in rows), dropped)


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ({"models": ("other",)}, "of another model"),
        ({"min_chars": 1_000}, "too short"),
        ({"max_tokens": 5}, "too long"),
        ({"min_agreement": 1.0}, None),
        ({"models": ("scripted",)}, None),
        ({"tenant": "default"}, None),
    ],
)
async def test_what_is_left_out_is_counted_with_the_reason(plan: dict[str, Any], reason: str | None) -> None:
    """One row, and one filter at a time."""
    rows, dropped = await kept(said(0, thumb="up"), **plan)

    assert (0 if reason else 1, {reason: 1} if reason else {}) == (len(rows), dropped)


async def test_another_tenants_rows_are_not_there() -> None:
    """Nor counted."""
    assert ([], {}) == await kept(said(0, thumb="up"), tenant="acme")


async def test_only_signals_that_were_asked_for_make_rows() -> None:
    """A correction is one, marks are another."""
    feedback = said(0, correction="Better."), said(1, stars=5), said(1, sibling=1, stars=1)
    rows, _ = await kept(*feedback, kind="preferences", signals=("correction",))

    assert ["Better."] == [row.texts[0] for row in rows]


@pytest.mark.parametrize("subject", ["ann", "session:t0"])
async def test_who_asked_to_be_left_out_is_in_no_row(subject: str) -> None:
    """A rater, or a whole session; what they said is counted, and no more."""
    left_out = (tools().names.left_out(subject),)
    rows, dropped = await kept(said(0, "ann", thumb="up"), said(1, "bob", thumb="up"), without=left_out)

    assert (["q1"], {"judgements of those left out": 1}) == ([row.source.query_id for row in rows], dropped)


async def test_of_rows_that_say_the_same_one_is_kept_unless_asked_for() -> None:
    """Two sessions, one prompt, one answer."""
    same = {"text": "The same.", "prompt": "--- user ---\nThe same?"}
    answers = answered(20, **same), answered(21, **same)
    feedback = said(20, thumb="up"), said(21, thumb="up")

    assert (1, {"said already": 1}) == (len((found := await kept(*feedback, answers=answers))[0]), found[1])
    assert 2 == len((await kept(*feedback, answers=answers, deduplicate=False))[0])


async def test_kto_is_balanced_if_asked_for() -> None:
    """Twelve desirable ones, three undesirable."""
    feedback = [said(number, thumb="up") for number in range(QUESTIONS)] + [said(number, sibling=1, thumb="down") for number in range(3)]
    rows, dropped = await kept(*feedback, balance=True, test_share=0)

    assert (4, 3, {"balanced away": 8}) == (sum(row.label for row in rows), sum(not row.label for row in rows), dropped)
