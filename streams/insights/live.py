"""LiveRows: the figures of windows of time, kept up while answers and feedback come. Pure; streams/insights/recording.py writes them to `insights`.

Figures are those that `roxy insights` folds from the same events. Only the answers of sessions in which something happened are looked at again, and
of those that changed, the five minutes that they lie in. Longer windows are put together of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple, get_args

import orjson

from schemas.events import Event, InsightsCounted
from schemas.insight_events import SECONDS, By, Figures, Window
from streams.insights.figures import Tally, figures, tally_of, together
from streams.insights.gathering import Gathering, SessionKey
from streams.insights.grouping import parts, start_of, time_of
from streams.insights.session_fold import JudgedAnswer

_SHORTEST: Window = "5min"
_LOOKS: tuple[By | None, ...] = (None, *get_args(By))
_FEW = 4  # answers: they take less memory than their tally, and most documents are cited by no more in five minutes
_AT_ONCE = 50  # answers of a session, some ms: it may have thousands
_Cell = tuple[str, int]  # tenant, and five minutes by their beginning
_Change = tuple[_Cell, JudgedAnswer]
_Group = tuple[By | None, str]  # by what, and its value
_Id = tuple[str, str]  # session and answer


class Place(NamedTuple):
    """Which row."""

    tenant: str
    window: Window
    start: int  #: seconds since 1970
    by: By | None
    value: str  #: empty where all answers count

    @property
    def row_id(self) -> str:
        """A value may be any text; a key is an id."""
        named = "" if self.by is None else f"/{_hash(self.value.encode('utf-8', 'surrogatepass'))}"
        return f"{self.tenant}/{self.window}/{time_of(self.start)}/{self.by or 'all'}{named}"


class LiveRows:
    """Rows of all windows that begin at `since` or later: the beginning of a day, in seconds since 1970."""

    def __init__(self, since: int) -> None:
        self.since = since
        self._gathering = Gathering(since)
        self._touched: set[SessionKey] = set()
        self._changed: set[Place] = set()
        self._sessions: dict[SessionKey, dict[str, JudgedAnswer]] = {}  # as they were looked at last
        self._cells: dict[_Cell, dict[_Id, JudgedAnswer]] = {}
        self._tallies: dict[_Cell, dict[_Group, Tally | tuple[JudgedAnswer, ...]]] = {}

    def add(self, event: Event) -> None:
        """In any order, any number of times."""
        key = self._gathering.add(event)
        if key is not None:
            self._touched.add(key)

    def changed(self) -> set[Place]:
        """The rows that may be others than at the last call."""
        for _ in self.look():
            pass
        changed, self._changed = self._changed, set()
        return changed

    def look(self) -> Iterator[None]:
        """The work of `changed`, in small steps: of two days there is a lot of it, once."""
        cells = set[_Cell]()
        while self._touched:
            for number, changes in enumerate(self._changes(self._touched.pop()), 1):
                for cell, one in changes:
                    cells.add(cell)
                    self._changed.update(_places(cell, one))
                if number % _AT_ONCE == 0:
                    yield
            yield
        for cell in cells:
            self._tally(cell)
            yield

    def row(self, place: Place) -> InsightsCounted | None:
        """As it stands; None: there is no answer for it."""
        found = self._figures(place)
        if found is None:
            return None
        row_id = place.row_id
        return InsightsCounted(
            id=f"{row_id}:{_hash(orjson.dumps(found.model_dump()))}",
            tenant=place.tenant,
            row_id=row_id,
            window=place.window,
            start=time_of(place.start),
            by=place.by,
            value=None if place.by is None else place.value,
            figures=found,
        )

    def forget(self, since: int) -> None:
        """Begin later. The rows of before are given up as they stand."""
        self.since = since
        self._gathering.forget(since)
        kept = {key: {answer_id: one for answer_id, one in answers.items() if one.answer.at >= since} for key, answers in self._sessions.items()}
        self._sessions = {key: answers for key, answers in kept.items() if answers}
        self._cells = {cell: answers for cell, answers in self._cells.items() if cell[1] >= since}
        self._tallies = {cell: tallies for cell, tallies in self._tallies.items() if cell[1] >= since}

    def __len__(self) -> int:
        """How many answers are kept."""
        return sum(map(len, self._cells.values()))

    def _changes(self, key: SessionKey) -> Iterator[list[_Change]]:
        """Of each answer of a session, if it is other than it was, how it was and how it is. The cells hold them as they are."""
        before, after = self._sessions.get(key, {}), dict[str, JudgedAnswer]()
        for one in self._gathering.answers_of(key):
            after[one.answer.answer_id] = one
            yield self._change(key, before.get(one.answer.answer_id), one)
        for answer_id in before.keys() - after.keys():
            yield self._change(key, before[answer_id], None)
        self._sessions[key] = after

    def _change(self, key: SessionKey, was: JudgedAnswer | None, is_now: JudgedAnswer | None) -> list[_Change]:
        changes: list[_Change] = []
        if was == is_now:
            return changes
        if was is not None:
            del self._cells[_cell_of(was)][key[1], was.answer.answer_id]
            changes.append((_cell_of(was), was))
        if is_now is not None:
            self._cells.setdefault(_cell_of(is_now), {})[key[1], is_now.answer.answer_id] = is_now
            changes.append((_cell_of(is_now), is_now))
        return changes

    def _tally(self, cell: _Cell) -> None:
        groups: dict[_Group, list[JudgedAnswer]] = {}
        for one in self._cells[cell].values():
            for by in _LOOKS:
                for value, part in parts(one, by):
                    groups.setdefault((by, value), []).append(part)
        self._tallies[cell] = {group: tally_of(answers) if len(answers) > _FEW else tuple(answers) for group, answers in groups.items()}

    def _figures(self, place: Place) -> Figures | None:
        starts = range(place.start, place.start + SECONDS[place.window], SECONDS[_SHORTEST])
        cells = (self._tallies.get((place.tenant, start), {}) for start in starts)
        found = [tallies[place.by, place.value] for tallies in cells if (place.by, place.value) in tallies]
        few = [one for answers in found if not isinstance(answers, Tally) for one in answers]
        tallies = [tally for tally in found if isinstance(tally, Tally)] + ([tally_of(few)] if few else [])
        return figures(together(tallies)) if tallies else None


def _cell_of(one: JudgedAnswer) -> _Cell:
    return one.answer.tenant, start_of(one.answer.at, _SHORTEST)


def _places(cell: _Cell, one: JudgedAnswer) -> Iterator[Place]:
    tenant, start = cell
    for by in _LOOKS:
        for value, _ in parts(one, by):
            for window in SECONDS:
                yield Place(tenant, window, start_of(start, window), by, value)


def _hash(text: bytes) -> str:
    return blake2b(text, digest_size=8).hexdigest()
