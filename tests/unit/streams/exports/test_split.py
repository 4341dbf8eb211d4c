"""streams/exports/split.py: train and test, balance, and what is said twice."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from streams.exports.row import Row
from streams.exports.split import balanced, distinct, split_of
from tests.unit.streams.exports.log import answered

LABELS = st.lists(st.booleans(), max_size=40)


def a_row(number: int = 0, label: bool = True, text: str = "") -> Row:
    return Row(
        row_id=f"k-{number}",
        prompt="--- user ---\nWhy?",
        texts=(text or f"Because of {number}.",),
        answers=(),
        source=answered(0),
        signal="ratings",
        raters=("r",),
        agreement=1.0,
        judged_at="",
        answer_positions=(),
        feedback_positions=(),
        label=label,
    )


@for_all(st.text(min_size=1), st.floats(0, 0.99), st.floats(0, 0.99))
def test_a_prompt_that_is_tested_on_stays_so_when_the_share_grows(prompt: str, one: float, other: float) -> None:
    """Whoever makes the test larger does not test on what was trained on before."""
    small, large = sorted((one, other))

    assert (split_of(prompt, small), split_of(prompt, large)) != ("test", "train")


@for_all(st.text())
def test_the_share_is_about_what_was_asked_for(begin: str) -> None:
    """Of 400 prompts, with a quarter asked for."""
    tested = sum(split_of(f"{begin}{number}", 0.25) == "test" for number in range(400))

    assert 40 < tested < 180


@for_all(LABELS)
def test_balanced_rows_are_within_what_trl_asks_for(labels: list[bool]) -> None:
    """Desirable to undesirable from 1:1 to 4:3, as many as there can be, in the order that they had."""
    rows = [a_row(number, label) for number, label in enumerate(labels)]
    kept = balanced(rows)
    good, bad = sum(row.label for row in kept), sum(not row.label for row in kept)

    assert bad <= good <= bad * 4 / 3
    assert kept == [row for row in rows if row in kept]
    assert bad == min(labels.count(False), labels.count(True))


def test_rows_that_say_the_same_are_one_and_labels_tell_them_apart() -> None:
    """The first stays."""
    rows = [a_row(1, text="So."), a_row(2, text="So."), a_row(3, label=False, text="So.")]

    assert ["k-1", "k-3"] == [row.row_id for row in distinct(rows)]
