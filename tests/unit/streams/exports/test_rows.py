"""streams/exports/: the rows of each kind, as TRL names them, and where they say that they come from."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.events import Context, IndexPosition
from streams.exports.columns import columns_of
from streams.exports.plan import KINDS, Kind
from tests.unit.streams.exports.log import a_log, answered, fold, said, usual_feedback

PROMPT = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "What is kept in place 0?"}]


async def rows(*feedback: Any, kind: Kind = "preferences", answers: Any = (), **plan: Any) -> list[dict[str, Any]]:
    found = await fold(await a_log(*feedback, answers=answers), kind, **plan)
    return [columns_of(row, kind, split) for split, rows in found.splits.items() for row in rows]


def assistant(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


async def test_a_pair_has_its_prompt_and_both_answers() -> None:
    """In TRL's explicit form; the model was given a system prompt, and so is the one that is trained."""
    (row,) = await rows(said(0, stars=5), said(0, sibling=1, stars=2))

    assert (PROMPT, assistant("Text of a-q0."), assistant("Text of a-q0.1.")) == (row["prompt"], row["chosen"], row["rejected"])


async def test_a_row_for_reward_models_holds_whole_conversations() -> None:
    """What both have in common is the prompt."""
    (row,) = await rows(said(0, stars=5), said(0, sibling=1, stars=2), kind="reward")

    assert (PROMPT + assistant("Text of a-q0."), PROMPT + assistant("Text of a-q0.1.")) == (row["chosen"], row["rejected"])
    assert "prompt" not in row


async def test_a_row_names_the_records_that_it_was_made_of() -> None:
    """Topic, partition, offset: of both answers, and of all feedback that counts."""
    (row,) = await rows(said(0, stars=5), said(1, thumb="up"), said(0, sibling=1, stars=2))

    assert (["answers[0]@0", "answers[0]@1"], ["feedback[0]@0", "feedback[0]@2"]) == (row["answer_positions"], row["feedback_positions"])


async def test_a_rater_is_a_hash() -> None:
    """The same one in every row, and not the name."""
    found = await rows(*usual_feedback())

    assert "ann" not in {rater for row in found for rater in row["raters"]}
    assert 3 == len({rater for row in found for rater in row["raters"]})


async def test_kto_comes_of_marks_and_not_of_pairs() -> None:
    """Of two answers of which one is better, both may be good; three stars are neither."""
    found = await rows(said(0, stars=5), said(0, sibling=1, stars=4), said(1, stars=1), said(2, stars=3), kind="kto")

    assert [("Text of a-q0.", True), ("Text of a-q0.1.", True), ("Text of a-q1.", False)] == sorted(
        (row["completion"][0]["content"], row["label"]) for row in found
    )


async def test_sft_takes_corrections_and_well_rated_answers() -> None:
    """Not what was corrected, however well it was rated."""
    found = await rows(said(0, stars=5), said(1, stars=3), said(2, stars=5), said(2, "bob", correction="So it is."), kind="sft")

    assert [("So it is.", "correction"), ("Text of a-q0.", "ratings")] == sorted((row["completion"][0]["content"], row["signal"]) for row in found)


async def test_prompts_are_those_of_which_an_answer_was_judged() -> None:
    """Each once."""
    found = await rows(said(0, stars=5), said(0, sibling=1, stars=4), said(3, thumb="down"), kind="prompts")

    assert ["q0", "q3"] == sorted(row["query_id"] for row in found)


async def test_a_model_that_is_given_no_prompt_was_given_the_question() -> None:
    """As it was understood."""
    (row,) = await rows(said(20, correction="Better."), answers=(answered(20, prompt=None),))

    assert [{"role": "user", "content": "What is kept in place 20?"}] == row["prompt"]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_column_has_one_type_and_is_never_null(kind: Kind) -> None:
    """Whatever was known of an answer: `datasets` guesses types from what it sees."""
    bare = answered(20, context=None, prompt=None, parameters={}), answered(20, 1, context=None, parameters={})
    found = await rows(*usual_feedback(), said(20, stars=5), said(20, sibling=1, stars=1), kind=kind, answers=bare)

    assert 1 == len({tuple((name, type(value)) for name, value in row.items()) for row in found})
    assert None not in {type(value) for row in found for value in row.values()} | {value for row in found for value in row.values() if value is None}


async def test_pairs_from_other_chunks_are_left_out_unless_asked_for() -> None:
    """They tell of the retrieval more than of the model."""
    other = answered(20), answered(20, 1, context=Context(hash="c2", index=IndexPosition(index="none")))
    judgements = said(20, stars=5), said(20, sibling=1, stars=1)

    assert [] == await rows(*judgements, answers=other)
    assert [False] == [row["same_context"] for row in await rows(*judgements, answers=other, same_context=False)]
