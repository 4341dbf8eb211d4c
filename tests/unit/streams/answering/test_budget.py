"""Budget: what gives way, in which order, until a prompt fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from connectors.language_model.base import Prompt, Turn
from connectors.language_model.prompting import template
from connectors.tokenizer.estimate import EstimatedTokens
from schemas.errors import InvalidQuery, InvalidSetting
from schemas.events import AnswerCompleted, Conversation, RetrievedChunk, Scores, Usage
from schemas.settings import Settings
from streams.answering.budget import Fitted, require_words, warn_of_length, within
from streams.answering.conversation import Told
from tests.builders import a_chunk

WORDS = template()
ALONE = 300  # tokens: more than the template makes with a short question


def asked_with(*chunks: RetrievedChunk, question: str = "What is lag?") -> Prompt:
    return Prompt(question, chunks)


def of(words: int, rank: int, fused: float, rerank: float | None = None) -> RetrievedChunk:
    return a_chunk(rank, text=" ".join(["word"] * words), scores=Scores(fused=fused, rerank=rerank))


def told(turns: int, lines: int, words: int = 20) -> Told:
    said = " ".join(["said"] * words)
    verbatim = tuple((f"t{number}", Turn(f"What is {number}?", said)) for number in range(turns))
    return Told(verbatim, tuple((f"l{number}", f"- What was {number}? → {said}") for number in range(lines)))


NOTHING = Told()


def fitted(prompt: Prompt, told: Told = NOTHING, tokens: int = 4_000, context: int = 3_000) -> Fitted:
    return within(prompt, told, WORDS, Settings(prompt_tokens=tokens, context_tokens=context))


def length(prompt: Prompt) -> int:
    return sum(EstimatedTokens().count(turn["content"]) for turn in WORDS.asked(prompt).turns())


def given_of(one: Fitted) -> tuple[int, int, list[int], int]:
    """How much of everything is in it."""
    words = sum(len(chunk.text) for chunk in one.prompt.chunks)
    return len(one.conversation.summarised), len(one.conversation.verbatim), [chunk.rank for chunk in one.prompt.chunks], words


def test_what_fits_is_given_whole() -> None:
    """And the event says what of the conversation it was."""
    chunks = (of(50, 1, 0.9), of(50, 2, 0.8))
    one = fitted(asked_with(*chunks), told(2, 2))

    assert chunks == one.prompt.chunks
    assert ("t0", "t1") == one.conversation.verbatim
    assert ("l0", "l1") == one.conversation.summarised
    assert one.prompt.summary.splitlines() == [line for _, line in told(2, 2).older]
    assert 100 < one.conversation.tokens < 200


def test_first_the_summary_gives_way_then_turns_then_chunks() -> None:
    """The oldest line first, the oldest turn first, whole chunks from the end; the best chunk's own end last of all."""
    prompt = asked_with(of(100, 1, 0.9), of(100, 2, 0.8), of(100, 3, 0.7))
    shrinking = [fitted(prompt, told(2, 2), tokens) for tokens in range(1_200, ALONE, -5)]
    seen = dict.fromkeys(
        (one.conversation.summarised, one.conversation.verbatim, tuple(chunk.rank for chunk in one.prompt.chunks)) for one in shrinking
    )

    assert [
        (("l0", "l1"), ("t0", "t1"), (1, 2, 3)),
        (("l1",), ("t0", "t1"), (1, 2, 3)),
        ((), ("t0", "t1"), (1, 2, 3)),
        ((), ("t1",), (1, 2, 3)),
        ((), (), (1, 2, 3)),
        ((), (), (1, 2)),
        ((), (), (1,)),
    ] == list(seen)[:7]


def test_a_chunk_is_kept_for_its_score_not_for_its_place() -> None:
    """Those that are left keep their ranks: the numbers that are cited do not shift."""
    chunks = (of(100, 1, 0.5), of(100, 2, 0.4), of(100, 3, 0.9))

    assert [1, 3] == [chunk.rank for chunk in fitted(asked_with(*chunks), context=260).prompt.chunks]
    assert [3] == [chunk.rank for chunk in fitted(asked_with(*chunks), context=130).prompt.chunks]


def test_a_rerankers_score_counts_before_the_others() -> None:
    """As it does for the rank."""
    chunks = (of(100, 1, 0.1, rerank=-3.0), of(100, 2, 0.9), of(100, 3, 0.2, rerank=-4.0))

    assert [1, 3] == [chunk.rank for chunk in fitted(asked_with(*chunks), context=260).prompt.chunks]


def test_the_best_chunk_is_cut_behind_a_sentence() -> None:
    """With the end that it then has; behind a word if its first sentence is too long."""
    text = "One two three four. " * 30
    (cut,) = fitted(asked_with(a_chunk(1, text=text, start=7)), context=100).prompt.chunks
    (words,) = fitted(asked_with(of(200, 1, 0.9)), context=50).prompt.chunks

    assert cut.text.endswith("three four.")
    assert text.startswith(cut.text)
    assert (7 + len(cut.text), True) == (cut.end, 80 < cut.tokens <= 100)
    assert 40 == len(words.text.split())


def test_a_question_that_is_too_long_by_itself_is_refused() -> None:
    """It is not cut: nobody asked the rest. The remedy names the setting."""
    with pytest.raises(InvalidQuery, match=r"The question alone makes a prompt of .* tokens; 400 are allowed") as refused:
        fitted(asked_with(of(10, 1, 0.9), question="why " * 500), told(1, 1), tokens=400)

    assert "ROXY_PROMPT_TOKENS" in refused.value.remedy


def test_a_model_that_is_given_no_text_is_given_everything() -> None:
    """The extractive one quotes, however much there is."""
    prompt = asked_with(of(5_000, 1, 0.9))

    assert Fitted(prompt, Conversation()) == within(prompt, told(1, 0), None, Settings())


@given(
    words=st.lists(st.integers(0, 150), max_size=5),
    scores=st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=5, max_size=5),
    turns=st.integers(0, 3),
    lines=st.integers(0, 3),
    budgets=st.tuples(st.integers(ALONE, 900), st.integers(ALONE, 900)),
)
@settings(max_examples=60)
def test_never_longer_than_the_budget_and_never_less_for_more(
    words: list[int], scores: list[float], turns: int, lines: int, budgets: tuple[int, int]
) -> None:
    """Whatever there is to give; the best chunk is the last to go."""
    prompt = asked_with(*(of(count, rank, scores[rank - 1]) for rank, count in enumerate(words, start=1)))
    less, more = (fitted(prompt, told(turns, lines), tokens) for tokens in sorted(budgets))

    assert length(less.prompt) <= min(budgets)
    assert length(more.prompt) <= max(budgets)
    assert all(a <= b for a, b in zip(given_of(less), given_of(more), strict=True) if isinstance(a, int))  # type: ignore[operator]
    assert {*given_of(less)[2]} <= {*given_of(more)[2]}
    assert not less.prompt.chunks or max(scores[: len(words)]) == max(chunk.scores.fused for chunk in less.prompt.chunks)


@pytest.mark.parametrize(
    "wrong", [{"prompt": "absent"}, {"prompts_dir": Path("absent")}, {"tokenizer_file": Path("absent/tokenizer.json")}, {"prompt_tokens": 200}]
)
def test_what_the_settings_name_is_looked_for_at_the_start(wrong: dict[str, object]) -> None:
    """Not when the first question comes. So is whether a question fits at all."""
    with pytest.raises(InvalidSetting):
        require_words(Settings().model_copy(update=wrong))


@pytest.mark.parametrize(("read", "warned"), [(20, False), (60, False), (5_000, True)])
def test_a_prompt_that_the_model_found_far_longer_is_warned_of(read: int, warned: bool) -> None:
    """By the model's own count, in the worker's log, with what to do about it. A few tokens more than were counted are usual."""
    about = {"tenant": "default", "session_id": "t1", "query_id": "q1", "answer_id": "a-q1", "attempt": 1, "model": "small", "answered": True}
    told = {"question": "?", "text": "!", "tokens_end": 1, "took_ms": 1.0, "prompt": "What is lag?", "usage": Usage(prompt_tokens=read)}
    end = AnswerCompleted(id="a-q1:end", **{**about, **told})  # type: ignore[arg-type]
    with capture_logs() as logs:
        warn_of_length(end, Settings())

    assert ["Set ROXY_TOKENIZER_FILE."] * warned == [line["remedy"] for line in logs]
