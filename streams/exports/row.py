"""Row: what one line of an export is made of, before anything is said of files. Texts are those of the events: nothing is copied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from connectors.language_model.prompting import read_turns, written_turns
from schemas.events import AnswerCompleted
from schemas.record import Position
from streams.preferences.pairs import Signal
from streams.text_hash import text_hash


class Row(NamedTuple):
    """One example, and where it comes from."""

    row_id: str
    prompt: str  #: every turn under its role, as the audit record keeps it
    texts: tuple[str, ...]  #: chosen and rejected; or one answer; or none
    answers: tuple[AnswerCompleted | None, ...]  #: that the texts are of; None: a correction
    source: AnswerCompleted  #: whose prompt and chunks these are
    signal: Signal
    raters: tuple[str, ...]  #: pseudonyms
    agreement: float  #: share of those who said so among all who said something of it
    judged_at: str
    answer_positions: tuple[Position, ...]
    feedback_positions: tuple[Position, ...]
    ratings: tuple[float | None, ...] = ()
    label: bool = True
    same_context: bool = True
    weight: float = 1.0

    @property
    def prompt_hash(self) -> str:
        return text_hash(self.prompt)

    @property
    def said(self) -> str:
        """Stands for prompt and texts: rows that say the same have the same."""
        return text_hash(self.prompt, *self.texts)

    @property
    def turns(self) -> list[dict[str, str]]:
        return read_turns(self.prompt)


def prompt_of(answer: AnswerCompleted) -> str:
    """As the model was given it; of a model that is given none, the question."""
    return answer.prompt or written_turns([{"role": "user", "content": answer.asked or answer.question}])


def in_order(positions: Iterable[Position]) -> tuple[Position, ...]:
    """Each once."""
    return tuple(sorted(set(positions)))
