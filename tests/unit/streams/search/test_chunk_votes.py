"""Votes on chunks: which count, how far they move a chunk, and what is told of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from connectors.journal.memory import MemoryJournal
from schemas.events import ChunksRetrieved, Feedback, FeedbackGiven, FeedbackRetracted
from schemas.topics import FEEDBACK
from streams.replay_question import votes_then
from streams.retrieval import retrieve
from streams.search.chunk_votes import ChunkVotes, follow_votes, read_votes
from streams.search.plan import Plan
from streams.search.result_cache import ResultCache
from tests.builders import CONTEXT, a_query, a_record, chunks_retrieved, understood, unreadable
from tests.unit.streams.corpus import PLAN, Corpus, WordEmbedder, a_document
from tests.unit.streams.preferences.judged import TIMES, UNHURRIED

CHUNKS = ("default/lag#0", "default/cats#0")
LAG, CATS = CHUNKS
LATER = "2027-01-01T00:00:00.000Z"
EVER = ""  # written before anybody voted
VOTING = PLAN._replace(chunk_votes_weight=0.5, fusion="rrf")


def a_vote(chunk_id: str | None = LAG, name: str = "f1", by: str = "ann", time: str = TIMES[0], session: str = "t1", **says: Any) -> FeedbackGiven:
    about = {"tenant": "default", "session_id": session, "query_id": "q1", "answer_id": "a-q1", "feedback_id": name, "chunk_id": chunk_id}
    return FeedbackGiven(**about, id=f"{name}:{by}", given_by=by, time=time, **(says or {"thumb": "up"}))


def taken_back(name: str = "f1", by: str = "ann", time: str = TIMES[1], session: str = "t1") -> FeedbackRetracted:
    about = {"tenant": "default", "session_id": session, "query_id": "q1", "feedback_id": name}
    return FeedbackRetracted(**about, id=f"{name}:{by}:gone", retracted_by=by, time=time)


def folded(*events: Feedback) -> ChunkVotes:
    votes = ChunkVotes()
    for event in events:
        votes.fold(event)
    return votes


def factors(votes: ChunkVotes, weight: float = 1.0) -> list[float | None]:
    return [votes.factor(chunk_id, EVER, weight) for chunk_id in CHUNKS]


def said() -> st.SearchStrategy[Feedback]:
    """Any vote of three raters on two chunks, or a word on the answer under the same id; or its retraction."""
    where = {"name": st.sampled_from(["f1", "f2"]), "by": st.sampled_from(["ann", "bob", "eve"]), "time": st.sampled_from(TIMES)}
    where["session"] = st.sampled_from(["t1", "t2"])
    says = st.sampled_from([{"thumb": "up"}, {"thumb": "down"}, {"stars": 4}, {"comment": "Well."}])
    votes = st.builds(
        lambda place, chunk_id, what: a_vote(chunk_id, **place, **what), st.fixed_dictionaries(where), st.sampled_from([*CHUNKS, None]), says
    )
    return votes | st.builds(lambda place: taken_back(**place), st.fixed_dictionaries(where))


@UNHURRIED
@for_all(st.lists(said(), max_size=12).flatmap(lambda events: st.tuples(st.just(events), st.permutations(events + events[: len(events) // 2]))))
def test_neither_order_nor_redelivery_changes_what_counts(case: tuple[list[Feedback], list[Feedback]]) -> None:
    """Nor the digest by which results are kept."""
    once, shuffled = (folded(*events) for events in case)

    assert (factors(once), once.known("default").digest) == (factors(shuffled), shuffled.known("default").digest)


@UNHURRIED
@for_all(st.lists(said(), max_size=12), st.floats(0, 0.99))
def test_no_votes_move_a_chunk_further_than_the_weight(events: list[Feedback], weight: float) -> None:
    """Nor turn its score round."""
    moved = [factor for factor in factors(folded(*events), weight) if factor is not None]

    assert all(1 - weight <= factor <= 1 + weight for factor in moved)


def test_one_vote_moves_a_chunk_less_than_many() -> None:
    """The first of them may be a slip."""
    votes = [a_vote(by=f"rater{number}", name=f"f{number}") for number in range(9)]

    assert [1.25, 1.75, None] == [
        folded(votes[0]).factor(LAG, EVER, 1.0),
        folded(*votes).factor(LAG, EVER, 1.0),
        folded(*votes).factor(CATS, EVER, 1.0),
    ]


def test_of_a_raters_votes_on_a_chunk_the_last_counts() -> None:
    """Whichever answers it was found for: nobody counts twice."""
    votes = folded(a_vote(time=TIMES[1], thumb="down", session="t2"), a_vote(time=TIMES[0]), a_vote(name="f2", time=TIMES[0]))

    assert [0.75, None] == factors(votes)


def test_what_is_taken_back_or_said_otherwise_since_counts_no_more() -> None:
    """What it had replaced counts again."""
    assert [1.25, None] == factors(folded(a_vote(), a_vote(name="f2", time=TIMES[1], thumb="down"), taken_back("f2", time=TIMES[2])))
    assert [None, None] == factors(folded(a_vote(), a_vote(None, time=TIMES[1], comment="Well.")))
    assert [None, 1.25] == factors(folded(a_vote(), a_vote(CATS, time=TIMES[1])))
    assert [1.25, None] == factors(folded(a_vote(), taken_back(session="t2"), taken_back(by="bob")))


def test_a_vote_is_about_the_chunk_as_it_was() -> None:
    """Once it is written anew, it counts no more."""
    assert [1.25, None] == [folded(a_vote()).factor(LAG, written_at, 1.0) for written_at in (TIMES[0], TIMES[1])]


def test_nobody_votes_on_another_tenants_chunk() -> None:
    """A producer may write what it likes."""
    assert folded(a_vote("acme/lag#0")).factor("acme/lag#0", EVER, 1.0) is None


async def a_corpus() -> Corpus:
    """Two chunks that say nearly the same of lag."""
    corpus = Corpus(WordEmbedder())
    for document_id, text in {"lag": "The lag of a group is a distance.", "cats": "The lag of cats is a distance too."}.items():
        await corpus.take(a_document(text, document_id=document_id))
    return corpus


async def found(corpus: Corpus, votes: ChunkVotes | None, plan: Plan = VOTING, results: ResultCache | None = None) -> ChunksRetrieved:
    asked = a_query(text="the lag of a group")
    return await retrieve(*understood(asked), embedder=corpus.embedder, index=corpus.index, plan=plan, votes=votes, results=results)


async def test_votes_move_what_is_found_and_the_event_tells_how_far() -> None:
    """And which votes were known. The chunks in the index are as they were."""
    corpus = await a_corpus()
    digest = corpus.index.digest
    against = [a_vote(LAG, name=f"f{number}", by=f"r{number}", time=LATER, thumb="down") for number in range(9)]
    votes = folded(*against, *(a_vote(CATS, name="c", by=f"r{number}", time=LATER) for number in range(9)))
    votes.offsets = {1: 4, 0: 18}
    before, after = await found(corpus, None), await found(corpus, votes)

    assert (["lag", "cats"], ["cats", "lag"]) == tuple([chunk.document_id for chunk in each.chunks] for each in (before, after))
    assert ([None, None], [1.375, 0.625]) == tuple([chunk.scores.votes for chunk in each.chunks] for each in (before, after))
    assert before.votes is None
    assert after.votes is not None
    assert ({"0": 18, "1": 4}, digest) == (after.votes.offsets, corpus.index.digest)


async def test_without_a_weight_votes_count_for_nothing() -> None:
    """And the plan is another one."""
    retrieved = await found(await a_corpus(), folded(a_vote(time=LATER)), PLAN)

    assert (None, None) == (retrieved.votes, retrieved.chunks[0].scores.votes)
    assert PLAN.fingerprint != VOTING.fingerprint


async def test_results_that_are_kept_stand_until_a_vote_is_given() -> None:
    """Another tenant's changes nothing."""
    corpus, results = await a_corpus(), ResultCache(60.0)
    votes = folded(a_vote(time=LATER))
    first, second = await found(corpus, votes, results=results), await found(corpus, votes, results=results)
    votes.fold(a_vote("acme/x#0", time=LATER).model_copy(update={"tenant": "acme"}))
    third = await found(corpus, votes, results=results)
    votes.fold(a_vote(by="bob", time=LATER))
    fourth = await found(corpus, votes, results=results)

    assert [(), ("results",), ("results",), ()] == [each.cached for each in (first, second, third, fourth)]


async def test_votes_of_a_past_question_are_those_that_it_knew() -> None:
    """By the offsets that its event tells; where votes did not count then, by its time."""
    journal = MemoryJournal()
    for place, by in enumerate(("ann", "bob", "eve")):
        await journal.append(a_vote(by=by, name=f"f{place}"), CONTEXT)
    known = (await found(await a_corpus(), await read(journal, 2))).votes
    then, ever = [await votes_then(event, journal) for event in (chunks_retrieved(votes=known), chunks_retrieved(time=LATER))]

    assert [1.4, 1.5] == [votes.factor(LAG, EVER, 1.0) for votes in (then, ever)]


async def read(journal: MemoryJournal, end: int) -> ChunkVotes:
    votes = ChunkVotes()
    await read_votes(journal, votes, {0: end})
    return votes


async def test_a_worker_hears_of_votes_as_they_come() -> None:
    """From where it stands on; what cannot be read is passed over."""
    journal, votes = MemoryJournal(), ChunkVotes()
    await journal.append(a_vote(), CONTEXT)
    await read_votes(journal, votes, await journal.ends(FEEDBACK))
    votes.take([unreadable(FEEDBACK.name), a_record(a_query(), FEEDBACK.name)])
    following = asyncio.create_task(follow_votes(journal, votes))
    await journal.append(a_vote(by="bob"), CONTEXT)
    async with asyncio.timeout(20):
        while votes.offsets != {0: 2}:
            await asyncio.sleep(0.01)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following

    assert [1.4, None] == factors(votes)
