"""A question while no part of the index answers: through the frame, to what its asker is told."""

from __future__ import annotations

from functools import partial

from connectors.journal.memory import MemoryJournal
from connectors.session_log.memory import MemorySessionLog
from schemas.events import AnswerFailed
from schemas.session_id import Session
from schemas.settings import Settings
from schemas.topics import QUERIES
from streams.chunk_index import ChunkIndex
from streams.ports import Ports
from streams.search.guard import Guards
from streams.step import Frame, Policy, Step
from streams.steps import answer_failure, on_query
from tests.builders import ScriptedModel, a_query, a_record, events_of
from tests.unit.streams.answering.bench import speaking
from tests.unit.streams.corpus import Corpus, WordEmbedder, a_document

SESSION = Session("default", "t1")


class Broken:
    """An index whose backends raise what no port says that they may."""

    def __init__(self, index: ChunkIndex) -> None:
        self._index = index
        self.asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    async def near(self, *_: object) -> None:
        self.asked += 1
        raise RuntimeError("channel closed")

    sharing = rarity = near


async def test_the_answer_fails_with_a_plain_word_and_the_parts_are_left_alone() -> None:
    """The frame tries again, as it does with all that may pass; once the breakers are open that asks nobody any more."""
    corpus, journal, session_log = Corpus(WordEmbedder()), MemoryJournal(), MemorySessionLog()
    await corpus.take(a_document("Lag is a distance."))
    await session_log.create(SESSION)
    index = Broken(corpus.index)
    guards = Guards(failures=2, reset_s=60)
    named = {"session_log": session_log, "index": index, "embedder": corpus.embedder, "guards": guards}
    ports = Ports(settings=Settings(), chunker=None, **speaking(session_log, ScriptedModel()), **named)  # type: ignore[arg-type]
    frame = Frame(
        Step("retrieve", QUERIES, partial(on_query, ports=ports), answer_failure), journal=journal, session_log=session_log, policy=Policy(4, 5.0)
    )
    await frame.work(a_record(a_query(SESSION, text="What is lag?")), redelivered=False, generation=1)
    failed = (await events_of(session_log, SESSION))[-1]

    assert isinstance(failed, AnswerFailed)
    assert ("index-unavailable", "Nothing can be looked up at the moment: no part of the index answers.") == (failed.error, failed.detail)
    assert (True, "Ask again in a few seconds.") == (failed.retryable, failed.remedy)
    assert index.asked == 4
