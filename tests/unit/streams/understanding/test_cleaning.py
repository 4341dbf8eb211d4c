"""Cleaning: what a question loses, and what it never loses."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.understanding.cleaning import cleaned


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Hey, can you please tell me what a lane is???", "what a lane is?"),
        ("Please tell me how to submit an expense report.", "how to submit an expense report."),
        ("I was wondering if you could tell me why producers retry", "why producers retry"),
        ("Good morning! How do I reset offsets? Thanks in advance!", "How do I reset offsets?"),
        ("Thanks! And how do I measure it?", "And how do I measure it?"),
        ("ok, thank you very much. why?", "why?"),
        ("what is **lag**, please?", "what is lag?"),
        ("> # What is lag", "What is lag"),
        ("“What is a topic?”", "What is a topic?"),
        ("what\u200b is\x1b  a\n\nlane", "what is a lane"),
        ("Ｗhat is a ﬁle!!!", "What is a file!"),
        ("and so on......", "and so on…"),
        ("??", "?"),
    ],
)
def test_what_is_no_part_of_the_question_goes(asked: str, expected: str) -> None:
    """Courtesies, marks, signs that nobody sees, signs that are repeated, other forms of letters."""
    assert expected == cleaned(asked)


@pytest.mark.parametrize(
    "asked",
    [
        "hello world example for the Java client",
        "so far so good",
        "thanks to what does compaction keep the last value?",
        "great circle distance",
        "tell me more",
        "can you show me how to write a serializer?",
        "why is `a  ??  b` wrong?",
        "C:\\Users\\ann\\**\\x.txt is missing",
        "error 0x80070057... after max.poll.interval.ms",
        "__init__.py vs **kwargs",
        "what does acks=all!! mean",
        "What is C++?",
        "ECONNREFUSED_E_404",
        "https://example.org/a?b=1&&c=2",
        "thanks!",
        "hi",
    ],
)
def test_what_may_be_meant_stays(asked: str) -> None:
    """Names, code, paths, addresses, error codes; words that are a courtesy elsewhere; and text that is nothing else."""
    assert asked == cleaned(asked)


NAMES = st.from_regex(r"[a-z]{1,6}[._/=:#-][A-Za-z0-9_]{1,8}", fullmatch=True) | st.from_regex(r"`[a-zA-Z ?!*_.]{1,12}`", fullmatch=True)


@given(st.text(max_size=60), NAMES, st.text(max_size=60))
@example("", "`**?**`", "")  # marks of emphasis inside a name
def test_a_name_comes_out_as_it_went_in(before: str, name: str, behind: str) -> None:
    """Whatever stands around it."""
    assert name in cleaned(f"{before.replace('`', '')} {name} {behind.replace('`', '')}")


@given(st.text(max_size=200).filter(str.strip))
def test_something_is_always_left(asked: str) -> None:
    """Whatever was asked; and cleaning what is clean changes nothing that matters: it never fails."""
    assert cleaned(cleaned(asked))
