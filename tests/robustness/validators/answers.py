"""Answers: pieces follow each other without a hole, and their text is one and the same in the log, for every reader, and in the end's own words.

The fold is a client's, written down once more and without the product's: what was shown, in the order in which it was shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from schemas.events import TERMINAL
from tests.robustness.history import Frame
from tests.robustness.log import Entry, Log, by_answer
from tests.robustness.readings import Reading, readings
from tests.robustness.validators.violation import Violation

RULE = "answers"


class Piece(NamedTuple):
    """A record of an answer, of the log's or as a reader was shown it."""

    type: str
    index: int
    text: str
    told: str

    @classmethod
    def of_entry(cls, entry: Entry) -> Piece:
        event = entry.event
        index = next((event[name] for name in ("index", "resumes_at", "tokens_end") if name in event), 0)
        return cls(event["type"], index, event.get("text", ""), str(entry))

    @classmethod
    def of_frame(cls, frame: Frame) -> Piece:
        return cls(frame.type, frame.index, frame.text, f"{frame.at:.3f} s {frame.type} {frame.id}")


def violations(log: Log) -> Iterator[Violation]:
    for session, entries in log.counted.items():
        for answer, records in by_answer(entries).items():
            if log.sessions[session].whole or records[0].marks.type == "GenerationStarted":
                yield from folded(f"{session.tenant}/{session.id} {answer}", map(Piece.of_entry, records))
    for reading in readings(log):
        yield from _read(log, reading)


def _read(log: Log, reading: Reading) -> Iterator[Violation]:
    """Of the answers that the reader has seen from their first record on. A gap takes that away."""
    frames: dict[str, list[Frame]] = {}
    for frame in (one for one in reading.frames if (reading.session, one.query) not in log.losses.asked_anew):
        if frame.type == "gap":
            frames.clear()
        elif frame.answer and frame.type != "FeedbackGiven" and (frame.answer in frames or _begins(frame)):
            frames.setdefault(frame.answer, []).append(frame)
    for answer, shown in frames.items():
        yield from folded(f"{reading} {answer}", map(Piece.of_frame, shown))


def _begins(frame: Frame) -> bool:
    return frame.type == "GenerationStarted" and frame.index == 0


def folded(who: str, pieces: Iterable[Piece]) -> Iterator[Violation]:
    """What is wrong with an answer's pieces, as they follow each other."""
    texts: list[str] = []
    ended: Piece | None = None
    for piece in pieces:
        if ended is not None:
            yield Violation(RULE, who, "has a record after its end", (ended.told, piece.told))
        elif piece.type == "GenerationStarted":
            if piece.index > len(texts):
                yield Violation(RULE, who, f"goes on at {piece.index} behind {len(texts)} pieces", (piece.told,))
            del texts[piece.index :]
        elif piece.type == "TokensGenerated":
            if piece.index != len(texts):
                yield Violation(RULE, who, f"has piece {piece.index} where {len(texts)} is due", (piece.told,))
            texts.append(piece.text)
        elif piece.type in TERMINAL:
            ended = piece
            yield from _whole(who, texts, piece)


def _whole(who: str, texts: list[str], end: Piece) -> Iterator[Violation]:
    """An answer that failed does not say how far it was."""
    if end.type != "AnswerFailed" and end.index != len(texts):
        yield Violation(RULE, who, f"ends after {end.index} pieces and has {len(texts)}", (end.told,))
    if end.type == "AnswerCompleted" and end.text != "".join(texts):
        yield Violation(RULE, who, "says other words at its end", (end.told, repr("".join(texts)), repr(end.text)))
