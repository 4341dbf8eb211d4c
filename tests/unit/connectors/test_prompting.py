"""What a generating model is given: its documents in order, numbered, and between marks that hold."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.language_model.base import Prompt
from connectors.language_model.prompting import template
from schemas.events import RetrievedChunk, Scores

_MARK = re.compile(r"<\s*/?\s*document\b", re.IGNORECASE)


def a_chunk(rank: int, text: str = "Lag is time.", **changed: Any) -> RetrievedChunk:
    fields = {"title": "Lag", "source": "lag.md", "heading_path": ("Lag", "In time"), "start": 0, "end": len(text), "scores": Scores(fused=1.0)}
    return RetrievedChunk.model_validate({"rank": rank, "chunk_id": f"d/{rank}", "document_id": "d", "text": text, **fields, **changed})


def test_documents_stand_by_rank_with_their_numbers() -> None:
    """The numbers are those that the answer is to cite."""
    user = template().asked(Prompt("What is lag?", (a_chunk(2), a_chunk(1)))).user

    assert ["1", "2"] == re.findall(r'<document number="(\d+)" title="Lag > Lag > In time">\nLag is time\.\n</document>', user)
    assert user.endswith("Question: What is lag?")


def test_without_documents_it_says_so() -> None:
    """So that the model can say the same."""
    assert "No documents were found" in template().asked(Prompt("What is lag?", ())).user


def test_what_it_is_told_does_not_depend_on_what_it_is_asked() -> None:
    """Servers keep what they have read of a prompt's beginning."""
    asked = [template().asked(Prompt(question, (a_chunk(1),))) for question in ("What?", "Why?")]

    assert asked[0].system == asked[1].system
    assert "[1]" in asked[0].system
    assert "The documents do not answer this question." in asked[0].system


def test_what_is_out_already_is_the_models_turn() -> None:
    """The last one, which it goes on with."""
    asked = template().asked(Prompt("What?", ()))

    assert ["system", "user"] == [turn["role"] for turn in asked.turns()]
    assert {"role": "assistant", "content": "It is"} == asked.turns("It is")[-1]


def test_a_template_is_known_by_version_and_content() -> None:
    """Both stand in the events."""
    assert {"prompt": "answer.v1", "prompt_hash": template().fingerprint} == template().parameters
    assert re.fullmatch(r"[0-9a-f]{16}", template().fingerprint)


@given(st.lists(st.text(alphabet="</> DOCUMENTdocument\n\"'$number=[1]{}ſ", max_size=60), min_size=1, max_size=5))
def test_no_chunk_can_close_itself(texts: list[str]) -> None:
    """As many marks as documents, whatever these hold; `$` and braces stay what they are."""
    chunks = tuple(a_chunk(rank, text, title=text or "t") for rank, text in enumerate(texts, start=1))
    user = template().asked(Prompt(texts[0], chunks)).user

    assert 2 * len(texts) == len(_MARK.findall(user))
