"""schemas/spending.py: tokens and cost of answers."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import AnswerCancelled, AnswerCompleted, Cost, Paid, Usage
from schemas.spending import Spending, Spent


def an_answer(answer_id: str = "a-q1", attempt: int = 1, model: str = "small", **fields: Any) -> AnswerCompleted:
    about = {"tenant": "default", "session_id": "t1", "query_id": "q1", "answer_id": answer_id, "attempt": attempt, "model": model}
    said = {"question": "?", "text": "!", "answered": True, "tokens_end": 1, "took_ms": 1.0, "usage": Usage(prompt_tokens=10, completion_tokens=5)}
    return AnswerCompleted(id=f"{answer_id}:end", **{**about, **said, **fields})


def test_usage_and_cost_add_up_by_model() -> None:
    """A model without a price costs nothing that is known."""
    priced = [an_answer(f"a{number}", cost=Cost(amount=0.1)) for number in range(3)]
    spent = Spending([*priced, an_answer("a9", model="large")]).by_model()

    assert [Spent("large", 1, 10, 5, {}), Spent("small", 3, 30, 15, {"USD": 0.3})] == spent


def test_what_was_taken_in_vain_counts_by_its_own_model() -> None:
    """It is no answer; of an answer that was cancelled it is all there is."""
    lost = Paid(model="large", usage=Usage(prompt_tokens=7, completion_tokens=2), cost=Cost(amount=0.5))
    cancelled = AnswerCancelled(
        id="a2:end", tenant="default", session_id="t1", query_id="q2", answer_id="a2", attempt=1, tokens_end=2, in_vain=(lost,)
    )

    assert [Spent("large", 0, 14, 4, {"USD": 1.0}), Spent("small", 1, 10, 5, {})] == Spending([an_answer(in_vain=(lost,)), cancelled]).by_model()


def test_currencies_are_not_added_to_each_other() -> None:
    """Prices may have been changed over."""
    spent = Spending([an_answer("a1", cost=Cost(amount=1)), an_answer("a2", cost=Cost(amount=2, currency="EUR"))]).by_model()

    assert {"EUR": 2, "USD": 1} == spent[0].cost


ENDS = st.lists(st.tuples(st.sampled_from(["a1", "a2"]), st.integers(1, 3)), min_size=1)


@given(ENDS.flatmap(lambda ends: st.tuples(st.just(ends), st.permutations(ends * 2))))
def test_an_answer_counts_once_in_any_order(case: tuple[list[tuple[str, int]], list[tuple[str, int]]]) -> None:
    """Its audit record may be written twice, and an older attempt's may come late."""
    once, shuffled = case

    def of(ends: list[tuple[str, int]]) -> list[Spent]:
        return Spending(an_answer(answer_id, attempt, usage=Usage(prompt_tokens=attempt)) for answer_id, attempt in ends).by_model()

    assert of(once) == of(shuffled)
