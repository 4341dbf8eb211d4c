"""Replay: bounded reads, positions, past questions asked again, and what is made of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.language_model import open_language_model
from connectors.language_model.base import Prompt
from infra.replays import Against
from schemas.errors import InvalidInput, InvalidPosition, UnknownQuery
from schemas.events import AnswerCompleted, ChunksRetrieved, Citation, Filters, Sibling, Understanding, answer_id_of
from schemas.settings import Settings
from schemas.topics import CHUNKS
from streams.comparison import compared, overlap, rank_biased_overlap
from streams.generations import Generations
from streams.past_questions import Past, past_question, past_questions
from streams.positions import origin_at
from streams.rebuild_index import build
from streams.regression import table
from streams.replay import history
from streams.replay_question import Replayed, Searcher, origin_then, replayed
from streams.retrieval import retrieve
from tests.builders import CONTEXT, a_chunk, a_query, chunks_retrieved
from tests.unit.streams.corpus import PLAN, a_deletion, a_document
from tests.unit.streams.logged import LONG, LoggedCorpus, a_logged_corpus


@pytest.fixture
async def corpus() -> AsyncIterator[LoggedCorpus]:
    async with a_logged_corpus() as corpus:
        yield corpus


def searcher(corpus: LoggedCorpus, **changed: Any) -> Searcher:
    return Searcher(corpus.embedder, None, PLAN._replace(**changed), open_language_model("extractive", Settings()))


async def asked(corpus: LoggedCorpus, text: str = "the lag of part 3", query_id: str = "q1") -> ChunksRetrieved:
    """A question that was answered, as it lies in the log."""
    query = a_query(text=text, query_id=query_id)
    found = await retrieve(query, Understanding(text=text), embedder=corpus.embedder, index=corpus.index, plan=PLAN)
    await corpus.journal.append(found, CONTEXT)
    return found


def an_answer(found: ChunksRetrieved, text: str = "Something.", attempt: int = 1, **fields: Any) -> AnswerCompleted:
    identity = {"id": f"a{attempt}", "tenant": found.tenant, "session_id": found.session_id, "query_id": found.query_id, "answer_id": "a-q1"}
    made = {"attempt": attempt, "question": found.question, "text": text, "answered": True, "model": "extractive", "tokens_end": 1, "took_ms": 1.0}
    return AnswerCompleted(**identity | made | fields)


# ---------------------------------------------------------------- bounded reads


async def test_a_history_ends_where_it_was_told_to(corpus: LoggedCorpus) -> None:
    """Though more is there, and comes meanwhile; what was passed is told."""
    passed: list[int] = []
    read = [record async for records in history(corpus.journal, CHUNKS, {0: 3}, advance=passed.append) for record in records]

    assert ([0, 1, 2], 3) == ([record.offset for record in read], sum(passed))
    assert [] == [records async for records in history(corpus.journal, CHUNKS, {0: 0})]


# ---------------------------------------------------------------- positions


async def test_positions_can_be_said_in_several_ways(corpus: LoggedCorpus) -> None:
    """Offsets, an event's position, a question, a time; nothing said is the present."""
    found = await asked(corpus)
    end = await corpus.ends()
    for at in (None, f"0:{end[0]}", found.index.model_dump_json(), f'{{"0": {end[0]}}}', "query:q1", datetime.now(UTC).isoformat()):
        assert ("chunks", end) == (await origin_at(at, None, corpus.journal))[:2], at
    before = (datetime.now(UTC) - timedelta(days=1)).replace(tzinfo=None).isoformat()

    assert ("chunks", {0: 0}, {}) == await origin_at(before, None, corpus.journal)
    assert ("documents", end, {0: 4}) == await origin_at(None, "documents", corpus.journal)


async def test_before_the_history_of_chunks_documents_are_the_source(corpus: LoggedCorpus) -> None:
    """`chunks` may have been compacted; `documents` are kept for ever."""
    long_ago = (datetime.now(UTC) - timedelta(days=31)).isoformat()

    assert ("documents", {0: 0}, {0: 0}) == await origin_at(long_ago, None, corpus.journal)
    assert "chunks" == (await origin_at(long_ago, "chunks", corpus.journal)).source


@pytest.mark.parametrize("at", ["yesterday", "0:99999", "7:0", "{", '{"offsets": 3}', "0:1,", ""])
async def test_what_is_no_position_is_refused(corpus: LoggedCorpus, at: str) -> None:
    """In a sentence, with what would be one."""
    with pytest.raises(InvalidPosition):
        await origin_at(at, None, corpus.journal)


async def test_a_question_that_nobody_asked_is_unknown(corpus: LoggedCorpus) -> None:
    """As is a position that it should say."""
    for call in (past_question(corpus.journal, "nobody"), origin_at("query:nobody", None, corpus.journal)):
        with pytest.raises(UnknownQuery):
            await call


async def test_offsets_do_not_say_which_documents_there_were(corpus: LoggedCorpus) -> None:
    """A time does."""
    with pytest.raises(InvalidPosition, match="which documents"):
        await origin_at("0:1", "documents", corpus.journal)


def test_what_cannot_be_compared_with_is_refused() -> None:
    """A generation is a number, or live; settings are those of the search."""
    assert (None, {}) == Against.of(None, None)
    assert (0, {"fusion": "rrf", "top_k": "3"}) == Against.of("live", "fusion=rrf, top_k=3")
    for against, changed in (("yesterday", None), (None, "colour=red"), (None, "chunker=whole"), ("-1", None)):
        with pytest.raises(InvalidInput):
            Against.of(against, changed)


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize("text", ["the lag of part 3", "cats in the sun", "cats", "nothing of this kind"])
async def test_with_nothing_changed_a_question_finds_exactly_the_same(corpus: LoggedCorpus, text: str) -> None:
    """Chunks, order and texts, at its own position, whatever was taken in since."""
    found = await asked(corpus, text)
    await corpus.take(a_document("# Lag\n\nAnother text, in which part 3 and cats are mentioned."))
    await corpus.take(a_deletion("cats"))
    past = await past_question(corpus.journal, "q1")
    index = (await build(origin_then(past.found, Generations()), corpus.workshop())).index
    again = await replayed(past, index, searcher(corpus))

    assert again.difference.same
    assert [chunk.chunk_id for chunk in found.chunks] == [chunk.chunk_id for chunk in again.now.chunks]
    assert found.index.offsets == again.now.index.offsets


async def test_scores_too_are_the_same_after_many_changes(corpus: LoggedCorpus) -> None:
    """What was replaced and removed before the question counts in no word's rarity: neither in the worker nor in the build."""
    for number in range(12):
        await corpus.take(a_document(f"# Cats {number}\n\nCats of kind {number} sleep in part {number} of the sun.", document_id=f"cats{number % 3}"))
        await corpus.take(a_document(LONG.replace("said", f"said{number}")))
    await corpus.take(a_deletion("cats1"))
    found = await asked(corpus, "which cats sleep in the sun of part 3?")
    index = (await build(origin_then(found, Generations()), corpus.workshop())).index
    again = await replayed(Past(found, None), index, searcher(corpus))

    assert found.chunks == again.now.chunks


async def test_filters_and_what_was_made_of_a_question_are_kept(corpus: LoggedCorpus) -> None:
    """It is not understood again: what was looked up then is looked up now."""
    found = (await asked(corpus)).model_copy(
        update={"question": "and there?", "filters": Filters(sources=("cats.md",)), "understanding": Understanding(text="the sun of the summer")}
    )
    again = await replayed(Past(found, None), corpus.index, searcher(corpus))

    assert ["default/cats#0"] == [chunk.chunk_id for chunk in again.now.chunks]
    assert again.answer_changed is None


async def test_what_an_answer_cites_is_missed_when_it_is_gone(corpus: LoggedCorpus) -> None:
    """And the extractive answer is made again to see whether it would read otherwise."""
    found = await asked(corpus, "where do cats sleep in the summer?")
    citation = Citation(number=1, chunk_id="default/cats#0", document_id="cats", title="Cats", source="cats.md")
    first = await replayed(Past(found, an_answer(found)), corpus.index, searcher(corpus))
    text = "".join([part async for part in _stream(first)])
    same = await replayed(Past(found, an_answer(found, text, citations=(citation,))), corpus.index, searcher(corpus))
    await corpus.take(a_deletion("cats"))
    gone = await replayed(Past(found, an_answer(found, text, citations=(citation,))), corpus.index, searcher(corpus))
    other = await replayed(Past(found, an_answer(found, text, model="another")), corpus.index, searcher(corpus))

    assert (False, ()) == (same.answer_changed, same.citations_lost)
    assert (True, ("default/cats#0",)) == (gone.answer_changed, gone.citations_lost)
    assert other.answer_changed is None


async def _stream(one: Replayed) -> AsyncIterator[str]:
    async for part in open_language_model("extractive", Settings()).stream(Prompt(one.now.understanding.text, one.now.chunks)):
        if isinstance(part, str):
            yield part


async def test_of_a_question_what_was_found_first_counts_and_of_its_answers_the_highest_attempt(corpus: LoggedCorpus) -> None:
    """A redelivery writes both again."""
    found = await asked(corpus)
    await corpus.journal.append(found.model_copy(update={"question": "written again"}), CONTEXT)
    for attempt in (3, 7, 5):
        await corpus.journal.append(an_answer(found, attempt=attempt), CONTEXT)
    [past] = await past_questions(corpus.journal)

    assert past.answer is not None
    assert (found.question, 7) == (past.found.question, past.answer.attempt)


async def test_other_answers_to_a_question_are_not_replayed(corpus: LoggedCorpus) -> None:
    """Nor is what was found for them, nor are their attempts taken for the first answer's."""
    found = await asked(corpus)
    sibling = found.model_copy(update={"question": "looked up again", "sibling": Sibling(answer_id=f"{answer_id_of(found.query_id)}.1")})
    answers = [an_answer(found, attempt=1), an_answer(found, attempt=9).model_copy(update={"answer_id": sibling.answer_id})]
    await corpus.journal.append_all([sibling], CONTEXT)
    await corpus.journal.append_all(answers, CONTEXT)
    [past] = await past_questions(corpus.journal)

    assert past.answer is not None
    assert (found.question, 1) == (past.found.question, past.answer.attempt)


async def test_the_table_counts_what_cannot_be_compared(corpus: LoggedCorpus) -> None:
    """Greetings, questions without an answer, with other settings, degraded then, and those that failed."""
    found = await asked(corpus)
    greeting = found.model_copy(update={"query_id": "q2", "understanding": Understanding(intent="greeting", text="hi"), "chunks": ()})
    degraded = found.model_copy(update={"query_id": "q3", "degraded": ("vector",), "plan": "other"})
    done = [await replayed(Past(one, None), corpus.index, searcher(corpus)) for one in (found, greeting, degraded)]
    counted = table(done, 2, PLAN.fingerprint)

    assert (5, 1, 2, 2) == (counted.questions, counted.without_lookup, counted.failed, counted.compared)
    assert (1, 1, 2) == (counted.degraded_then, counted.other_settings_then, counted.without_answer)
    assert (2, 1.0, 1.0, ()) == (counted.same, counted.overlap_at_10, counted.rank_correlation, counted.worst)
    assert (0, 1.0) == (table([], 0, "").questions, table([], 0, "").overlap_at_10)


async def test_other_settings_change_what_is_found(corpus: LoggedCorpus) -> None:
    """The worst questions come first."""
    done = [
        await replayed(Past(await asked(corpus, text, query_id), None), corpus.index, searcher(corpus, top_k=1))
        for query_id, text in (("q1", "cats sun"), ("q2", "the lag of part 3"))
    ]
    counted = table(done, 0, PLAN._replace(top_k=1).fingerprint)

    assert [line.overlap_at_10 for line in counted.lines] == sorted(line.overlap_at_10 for line in counted.lines)
    assert (2, 2) == (counted.other_settings_then, len(counted.worst))


# ---------------------------------------------------------------- figures

rankings = st.lists(st.sampled_from("abcdefghijkl"), unique=True, max_size=12)


@given(rankings, rankings)
def test_figures_are_symmetric_and_1_only_for_the_same(then: list[str], now: list[str]) -> None:
    """Between 0 and 1."""
    for figure in (overlap, rank_biased_overlap):
        assert figure(then, now) == figure(now, then)
        assert 0 <= figure(then, now) <= 1
    assert (rank_biased_overlap(then, now) == pytest.approx(1)) == (then == now)


def test_the_first_ranks_count_most() -> None:
    """A swap at the top costs more than one at the end."""
    assert rank_biased_overlap("abcdef", "bacdef") < rank_biased_overlap("abcdef", "abcdfe") < 1


def test_a_comparison_goes_chunk_by_chunk() -> None:
    """Ranks and scores of both sides; one whose text is another now is the same chunk, and not the same result."""
    then = chunks_retrieved(chunks=3).chunks
    now = (then[0].model_copy(update={"text": "Otherwise."}), a_chunk(2, chunk_id="new#0"))
    difference = compared(then, now)

    assert [("d1#0", 1, 1, True), ("d2#0", 2, None, False), ("new#0", None, 2, False), ("d3#0", 3, None, False)] == [
        (row.chunk_id, row.rank_then, row.rank_now, row.text_changed) for row in difference.rows
    ]
    assert (False, True) == (difference.same, compared(then, then).same)
