"""A log of judged answers, in memory: twelve questions with two answers each, and what two people thought of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connectors.journal.memory import MemoryJournal
from connectors.language_model.prompting import written_turns
from connectors.tokenizer import open_tokenizer
from schemas.events import AnswerCompleted, FeedbackGiven
from streams.exports.fold import Folded, Tools, folded
from streams.exports.manifest import Manifest
from streams.exports.plan import Plan
from streams.exports.pseudonyms import Pseudonyms
from streams.exports.writing import export
from streams.preferences.replay import bounds_now
from tests.builders import CONTEXT
from tests.unit.streams.preferences.judged import an_answer

QUESTIONS = 12
TIME = "2026-11-01T10:00:{:02}.000Z"


def tools(salt: str = "pepper") -> Tools:
    return Tools(Pseudonyms(SecretStr(salt)), open_tokenizer(None))


def answered(number: int, sibling: int = 0, **fields: Any) -> AnswerCompleted:
    """One of the answers to a question, each question in a session of its own."""
    answer_id = f"a-q{number}.{sibling}" if sibling else f"a-q{number}"
    identity = {"query_id": f"q{number}", "session_id": f"t{number}", "asked": f"What is kept in place {number}?"}
    prompt = written_turns([{"role": "system", "content": "Answer."}, {"role": "user", "content": f"What is kept in place {number}?"}])
    return an_answer(answer_id, **{**identity, "prompt": prompt, "parameters": {"prompt": "answer.v1", "temperature": 0.2}, **fields})


def said(number: int, by: str = "ann", sibling: int = 0, second: int = 0, **says: Any) -> FeedbackGiven:
    """What someone thinks of that answer."""
    answer_id = f"a-q{number}.{sibling}" if sibling else f"a-q{number}"
    feedback_id = f"{by}:{answer_id}:{'-'.join(says)}"
    fields = {"tenant": "default", "session_id": f"t{number}", "query_id": f"q{number}", "answer_id": answer_id, "time": TIME.format(second)}
    return FeedbackGiven(id=feedback_id, feedback_id=feedback_id, given_by=by, **{**fields, **says})


async def a_log(*feedback: FeedbackGiven, answers: tuple[AnswerCompleted, ...] = ()) -> MemoryJournal:
    """With the usual answers, and the usual feedback where none is given."""
    journal = MemoryJournal()
    both = tuple(answered(number, sibling) for number in range(QUESTIONS) for sibling in (0, 1))
    await journal.append_all([*both, *answers], CONTEXT)
    await journal.append_all(feedback or usual_feedback(), CONTEXT)
    return journal


def usual_feedback() -> list[FeedbackGiven]:
    """Corrections, comparisons, and marks of both answers: some of everything."""
    found = []
    for number in range(QUESTIONS):
        found += [said(number, stars=5), said(number, sibling=1, stars=1), said(number, "bob", thumb="up")]
        if number % 3 == 0:
            found.append(said(number, "bob", sibling=1, correction=f"In place {number} all is kept."))
        if number % 4 == 0:
            found.append(said(number, "cleo", better_than=f"a-q{number}.1"))
    return found


async def fold(journal: MemoryJournal, kind: str, **plan: Any) -> Folded:
    return await folded(journal, await bounds_now(journal), Plan(kind=kind, **plan), tools())  # type: ignore[arg-type]


async def an_export(journal: MemoryJournal, out: Path, kind: str = "preferences", **plan: Any) -> Manifest:
    return await export(journal, await bounds_now(journal), Plan(kind=kind, **plan), tools(), out)  # type: ignore[arg-type]
