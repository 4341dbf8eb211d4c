"""Understanding as a whole: stages in line over a real index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from schemas.errors import Unavailable
from schemas.events import Filters, QueryAsked, Understanding
from streams.turns import Turn
from streams.understanding.terms import Terms
from streams.understanding.understand import understand
from streams.understanding.vocabulary import Vocabulary
from tests.builders import a_query
from tests.unit.streams.corpus import Corpus, a_document

TEXTS = {
    "isr": "# Replication\n\nFollowers that keep up are the interim stable replicas (ISR). Replication copies records.",
    "lag": "# Lag\n\nThe distance between the end of a partition and a group is its lag. Replication has a lag too.",
    "cats": "# Cats\n\nCats sleep on warm radiators.",
}


@pytest.fixture(scope="module")
async def vocabulary() -> Vocabulary:
    corpus = Corpus(None)
    for document_id, text in TEXTS.items():
        await corpus.take(a_document(text, document_id=document_id))
    return Vocabulary(corpus.index, Terms.of())


async def never() -> Sequence[Turn]:
    raise AssertionError("the session was read")


async def lag_before() -> Sequence[Turn]:
    return (Turn("q0", "What is consumer lag?"),)


async def of(vocabulary: Vocabulary, text: str, history: Any = never, **fields: Any) -> Understanding:
    asked: QueryAsked = a_query(text=text, **fields)
    return await understand(asked, history=history, vocabulary=vocabulary)


async def test_a_lookup_is_cleaned_and_its_words_come_rarest_first(vocabulary: Vocabulary) -> None:
    """The session is not read for it."""
    made = await of(vocabulary, "Hi, could you tell me what the replication lag of cats is??")

    assert ("lookup", "what the replication lag of cats is?", ()) == (made.intent, made.text, made.follows)
    assert ("lag", "cats", "replication") == made.keywords


@pytest.mark.parametrize(("text", "intent"), [("How do I wake cats?", "how-to"), ("lag vs replication", "comparison"), ("replication", "lookup")])
async def test_the_kind_of_a_question_is_told(vocabulary: Vocabulary, text: str, intent: str) -> None:
    """For whoever reads the events."""
    assert intent == (await of(vocabulary, text)).intent


async def test_a_follow_up_is_made_whole_and_names_what_it_follows(vocabulary: Vocabulary) -> None:
    """Its keywords are those of the whole question."""
    made = await of(vocabulary, "how do I measure it?", lag_before)

    assert ("follow-up", "how do I measure consumer lag?", ("q0",)) == (made.intent, made.text, made.follows)
    assert {"measure", "consumer", "lag"} == set(made.keywords)


async def test_without_anything_before_it_stands_as_it_is(vocabulary: Vocabulary) -> None:
    """And is no follow-up."""

    async def nothing() -> Sequence[Turn]:
        return ()

    made = await of(vocabulary, "how do I measure it?", nothing)

    assert ("how-to", "how do I measure it?", ()) == (made.intent, made.text, made.follows)


@pytest.mark.parametrize(("text", "intent"), [("Hello!", "greeting"), ("tell me a joke", "out-of-scope")])
async def test_a_shortcut_asks_nobody(text: str, intent: str) -> None:
    """Neither session nor index; with filters it is looked up."""
    nobody = Vocabulary(None, Terms.of())  # type: ignore[arg-type]
    made = await of(nobody, text)

    assert Understanding(intent=intent, text=text) == made  # type: ignore[arg-type]


async def test_who_filters_wants_documents(vocabulary: Vocabulary) -> None:
    """Whatever the words are."""
    assert "lookup" == (await of(vocabulary, "Hello!", filters=Filters(tags=("greetings",)))).intent


async def test_an_acronym_stands_for_what_the_documents_say_first(vocabulary: Vocabulary) -> None:
    """Then for what the files of terms say."""
    assert ("interim stable replicas", "in-sync replica") == (await of(vocabulary, "What is the ISR?")).expansions


async def test_another_tenants_documents_define_nothing(vocabulary: Vocabulary) -> None:
    """Nor do they know its words."""
    made = await of(vocabulary, "What is the ISR of replicaton?", tenant="other")

    assert ("in-sync replica",) == made.expansions


async def test_a_slip_of_the_pen_is_looked_up_beside_what_was_written(vocabulary: Vocabulary) -> None:
    """The question stays as it was; a word that the index has gets no company."""
    made = await of(vocabulary, "replicaton of records")

    assert ("replicaton of records", ("replication",)) == (made.text, made.expansions)
    assert () == (await of(vocabulary, "replication of records")).expansions


async def test_nothing_is_added_that_the_question_says_itself(vocabulary: Vocabulary) -> None:
    """It would count twice."""
    assert ("interim stable replicas",) == (await of(vocabulary, "ISR, the in-sync replica")).expansions


async def test_an_index_that_is_away_is_done_without(vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its search will say so."""

    async def away(*_: object) -> Mapping[str, int]:
        raise Unavailable

    monkeypatch.setattr(vocabulary.index, "rarity", away)
    monkeypatch.setattr(vocabulary.index, "sharing", away)
    made = await of(vocabulary, "ISR and replicaton")

    assert (("ISR", "replicaton"), ("in-sync replica",)) == (made.keywords, made.expansions)
