"""A sound history with everything in it: a take-over, a cancellation, failures, unknown outcomes, feedback that was changed and taken back, documents
that were replaced and deleted, and readers who came and went.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from schemas.codec import decode
from schemas.errors import ModelUnavailable, UnreadableDocument
from schemas.events import (
    AnswerCancelled,
    AnswerCompleted,
    AnswerFailed,
    DocumentDeleted,
    DocumentFailed,
    DocumentIndexed,
    DocumentRemoved,
    DocumentSubmitted,
    FeedbackGiven,
    FeedbackRetracted,
    GenerationStarted,
    PreferencePairFormed,
    QueryAsked,
    QueryCancelled,
    RegenerationAsked,
    SessionEvent,
    Sibling,
    Side,
    TokensGenerated,
    answer_id_of,
)
from schemas.session_id import Session, new_session_id
from streams.dead_letters import dead_letter
from streams.insights.live import LiveRows
from tests.robustness.history import Found, History, Search
from tests.unit.robustness.story import AT, Story

OWN = Session("default", "tOwn")
LANE = Session("default", new_session_id("default", "lane"))
OTHER = Session("acme", new_session_id("acme", "lane"))
WORDS = ("The ", "whole ", "answer ", "[1].")
RATERS = ("ann", "bob", "cyd")


@cache
def sound() -> History:
    """The same one, each time."""
    story = Story()
    _taken_over(story, "q1")
    _cancelled(story, "q2")
    _failed(story, "q3")
    for session, query in ((LANE, "q4"), (OTHER, "q5"), (LANE, "q6")):
        _answered(story, session, query)
    _asked_again(story)
    _judged(story)
    _documents(story)
    _unknown(story)
    for session, cuts in ((OWN, (1, 3, 2)), (LANE, (2, 2)), (OTHER, ())):
        story.reads(session, "whole", cuts=cuts)
    for query in ("q1", "q2", "q3"):
        story.reads(OWN, f"of {query}", answer=answer_id_of(query), cuts=(2,), last="over")
    story.reads(LANE, "of another answer", answer=f"{answer_id_of('q4')}.2", cuts=(1, 2), last="over")
    return story.told(_found(story))


def event_of(kind: type[SessionEvent], session: Session, query: str, part: str, **fields: Any) -> Any:
    about = {"tenant": session.tenant, "session_id": session.id, "query_id": query, "time": AT}
    return kind(**{"id": f"{query}:{part}"} | about | fields)


def of_answer(kind: type[SessionEvent], session: Session, query: str, attempt: int, part: str, **fields: Any) -> Any:
    answer = fields.pop("answer_id", answer_id_of(query))
    return event_of(kind, session, query, part, id=f"{answer}:{part}", answer_id=answer, attempt=attempt, **fields)


def _ask(story: Story, session: Session, query: str) -> None:
    asked = event_of(QueryAsked, session, query, "asked", text=f"What of {query}?")
    accepted = {"query_id": query, "answer_id": answer_id_of(query), "cursor": story.cursor(session)}
    story.did("ask", session.tenant, "unknown", session=session.id, text=asked.text, key=query)
    story.did("ask", session.tenant, response=accepted, session=session.id, text=asked.text, key=query)
    story.write(asked)
    story.in_session(asked)


def _begun(story: Story, session: Session, query: str, attempt: int, at: int, upto: int, **fields: Any) -> None:
    story.in_session(of_answer(GenerationStarted, session, query, attempt, f"{attempt}:started", resumes_at=at, model="m", **fields))
    for index in range(at, upto):
        _token(story, session, query, attempt, index, **fields)


def _token(story: Story, session: Session, query: str, attempt: int, index: int, **fields: Any) -> None:
    story.in_session(of_answer(TokensGenerated, session, query, attempt, f"{attempt}:{index}", index=index, text=WORDS[index], **fields))


def _ended(story: Story, end: Any) -> None:
    story.in_session(end)
    story.write(end)


def _complete(story: Story, session: Session, query: str, attempt: int = 1, **fields: Any) -> None:
    text = "".join(WORDS)
    said = {"question": "?", "text": text, "answered": True, "model": "m", "tokens_end": len(WORDS), "took_ms": 1.0}
    _ended(story, of_answer(AnswerCompleted, session, query, attempt, "end", **said, **fields))


def _answered(story: Story, session: Session, query: str) -> None:
    _ask(story, session, query)
    _begun(story, session, query, 1, 0, len(WORDS))
    _complete(story, session, query)


def _taken_over(story: Story, query: str) -> None:
    """Its first worker was paused behind three pieces, and woke up twice: in the middle, and behind the end."""
    _ask(story, OWN, query)
    _begun(story, OWN, query, 1, 0, 3)
    _begun(story, OWN, query, 2, 2, 3)
    _token(story, OWN, query, 1, 3)
    _token(story, OWN, query, 2, 3)
    _complete(story, OWN, query, 2)
    story.in_session(of_answer(AnswerFailed, OWN, query, 1, "end", error="e", detail="d", remedy="r", retryable=False))


def _cancelled(story: Story, query: str) -> None:
    _ask(story, OWN, query)
    _begun(story, OWN, query, 1, 0, 2)
    story.did("cancel", OWN.tenant, session=OWN.id, query_id=query)
    cancelled = event_of(QueryCancelled, OWN, query, "cancelled")
    story.write(cancelled)
    story.in_session(cancelled)
    _ended(story, of_answer(AnswerCancelled, OWN, query, 1, "end", tokens_end=2))


def _failed(story: Story, query: str) -> None:
    _ask(story, OWN, query)
    _begun(story, OWN, query, 1, 0, 1)
    error = ModelUnavailable("It is away.")
    story.write(dead_letter(story.topics["queries"][-1], "generate", error, 3))
    _ended(story, of_answer(AnswerFailed, OWN, query, 9, "end", error=error.slug(), detail="It is away.", remedy="Wait.", retryable=True))


def _asked_again(story: Story) -> None:
    answer = f"{answer_id_of('q4')}.2"
    asked = event_of(RegenerationAsked, LANE, "q4", "again", sibling=Sibling(answer_id=answer))
    accepted = {"query_id": "q4", "answer_id": answer, "cursor": story.cursor(LANE)}
    story.did("regenerate", LANE.tenant, response=accepted, session=LANE.id, query_id="q4")
    story.write(asked)
    story.in_session(asked)
    _begun(story, LANE, "q4", 1, 0, len(WORDS), answer_id=answer)
    _complete(story, LANE, "q4", answer_id=answer)


def _judged(story: Story) -> None:
    """Of q1 most think well, and one has changed their mind; cyd's correction of q4 was taken back, and somebody compares."""
    first, other = answer_id_of("q1"), answer_id_of("q4")
    for rater, thumb in (("ann", "down"), ("ann", "up"), ("bob", "up"), ("cyd", "down")):
        _give(story, OWN, "q1", rater, "1", answer_id=first, thumb=thumb)
    _give(story, LANE, "q4", "ann", "2", answer_id=other, stars=1)
    _give(story, LANE, "q4", "bob", "2", answer_id=f"{other}.2", better_than=other)
    _give(story, LANE, "q4", "cyd", "2", answer_id=other, correction="Something else.")
    _give(story, OTHER, "q5", "dan", "3", answer_id=answer_id_of("q5"), correction="Other words.")
    story.did("retract", LANE.tenant, session=LANE.id, feedback_id="f2", given_by="cyd")
    second = story.second()
    _feedback(story, event_of(FeedbackRetracted, LANE, "q4", "cyd:gone", feedback_id="f2", retracted_by="cyd", time=_at(second)))


def _give(story: Story, session: Session, query: str, rater: str, number: str, **words: Any) -> None:
    sent = {"session": session.id, "feedback_id": f"f{number}", "given_by": rater, **words}
    given = story.did("feedback", session.tenant, **sent)
    about = {"feedback_id": f"f{number}", "given_by": rater, "time": _at(given.end)}
    _feedback(story, event_of(FeedbackGiven, session, query, f"{rater}:{given.start}", **about, **words))


def _feedback(story: Story, event: FeedbackGiven | FeedbackRetracted) -> None:
    story.write(event)
    story.in_session(event)


def _at(second: float) -> str:
    return f"2026-11-21T12:{int(second) // 60:02}:{int(second) % 60:02}.000Z"


def _documents(story: Story) -> None:
    """One was replaced, one deleted, one could not be read."""
    for word in ("walrus", "narwhal"):
        _submit(story, "replaced", word)
    _submit(story, "deleted", "beluga")
    story.did("delete", "default", document_id="deleted")
    gone = story.write(DocumentDeleted(id="deleted@2", tenant="default", document_id="deleted", time=AT))
    story.write(DocumentRemoved(id=f"deleted@0/{gone.offset}", tenant="default", document_id="deleted", removed=1, time=AT))
    story.did("ingest", "default", document_id="unreadable", word="dugong")
    version = story.write(_version("unreadable", "dugong"))
    error = UnreadableDocument("It is no PDF.")
    story.write(dead_letter(version, "ingest", error, 1))
    about = {"id": f"unreadable@0/{version.offset}:failed", "tenant": "default", "document_id": "unreadable", "time": AT}
    story.write(DocumentFailed(**about, error=error.slug(), detail="It is no PDF.", remedy="Mend it."))


def _submit(story: Story, document: str, word: str) -> None:
    story.did("ingest", "default", document_id=document, word=word)
    version = story.write(_version(document, word))
    about = {"id": f"{document}@0/{version.offset}", "tenant": "default", "document_id": document, "time": AT}
    story.write(DocumentIndexed(**about, title=document, chunks=1, kept=0, reused=0, embedded=1, removed=0, took_ms=1.0))


def _version(document: str, word: str) -> DocumentSubmitted:
    return DocumentSubmitted(id=f"{document}@{word}", tenant="default", document_id=document, content=f"All of the {word}.", time=AT)


def _unknown(story: Story) -> None:
    """Of what broke off, the one has happened, the other not."""
    story.did("ask", OWN.tenant, "unknown", session=OWN.id, text="Is anybody there?", key="k1")
    story.did("ask", OWN.tenant, "refused", session=OWN.id, text="", key="k2")
    story.did("ingest", "default", "unknown", document_id="replaced", word="manatee")
    story.did("feedback", OWN.tenant, "unknown", session=OWN.id, feedback_id="f9", given_by="eve", answer_id="a-q1", thumb="up")


def _found(story: Story) -> Found:
    """What those say who fold the log."""
    found = {"walrus": (), "narwhal": ("replaced",), "beluga": (), "dugong": (), "manatee": ()}
    pair = _pair()
    story.write(pair.model_copy(update={"weight": 0.5}), pair)
    story.take_out("preferences", "p-gone")
    _count(story)
    return Found(
        searches=(*(Search("default", word, documents) for word, documents in found.items()), Search("acme", "walrus", ())),
        insights=(
            {"tenant": "default", "figures": {"marks": 4, "thumbs_up": 2, "thumbs_down": 1, "corrections": 0, "won": 1, "lost": 1}},
            {"tenant": "acme", "figures": {"marks": 0, "thumbs_up": 0, "thumbs_down": 0, "corrections": 1, "won": 0, "lost": 0}},
        ),
        exported=(_row(OWN, "q1", True, "feedback[0]@1", "feedback[0]@2"), _row(LANE, "q4", False, "feedback[0]@4")),
        replayed={"preferences": {pair.pair_id: pair.model_dump(mode="json")}},
    )


def _count(story: Story) -> None:
    """What a worker that keeps insights up has written."""
    rows = LiveRows(0)
    for record in (record for topic in ("feedback", "queries", "answers") for record in story.topics[topic]):
        rows.add(decode(record))
    story.write(*(row for place in sorted(rows.changed(), key=lambda place: place.row_id) if (row := rows.row(place)) is not None))


def _row(session: Session, query: str, label: bool, *positions: str) -> dict[str, Any]:
    about = {"tenant": session.tenant, "session_id": session.id, "answer_id": answer_id_of(query)}
    return about | {"label": label, "feedback_positions": list(positions)}


def _pair() -> PreferencePairFormed:
    about = {"id": "p1", "pair_id": "p1", "tenant": "default", "session_id": LANE.id, "query_id": "q4", "rater": "bob", "time": AT}
    sides = {"chosen": Side(text="B", answer_id="a-q4.2"), "rejected": Side(text="A", answer_id="a-q4")}
    return PreferencePairFormed(**about, signal="comparison", question="?", **sides, same_context=True, feedback=("f2",), judged_at=AT)
