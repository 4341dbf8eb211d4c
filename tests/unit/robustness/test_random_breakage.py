"""tests/robustness/validators: a sound history that is broken at a place which chance chooses is found out, wherever that is.

What by its nature nobody can find out, and is not tried here:

- a record that does not count, a paused worker's or that of an attempt which another has replaced, is lost or altered: readers pass it over;
- a record comes again behind all others: delivery is at least once, and every fold is made for it;
- records of `retrievals` and `chunks`, which are steps on the way: that they are right shows in answers and in searches;
- a reader that left in the middle lacks the last things before it left: they were on their way;
- an outcome that nobody was told, `unknown`, which has left nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import orjson
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from schemas.record import Record
from schemas.topics import ANSWERS, DEAD_LETTERS, DOCUMENTS, FEEDBACK, INGESTIONS, QUERIES
from tests.robustness.history import Connection, Frame, History
from tests.robustness.log import Log
from tests.robustness.validators.rules import violations_of
from tests.unit.robustness.breaking import fields_of, with_topic
from tests.unit.robustness.sound import sound

SOME = settings(max_examples=40)
_JUDGED = (QUERIES.name, ANSWERS.name, FEEDBACK.name, DOCUMENTS.name, DEAD_LETTERS.name, INGESTIONS.name)
#: Of each type, what it says that is held against something else.
_TELLING = {
    "QueryAsked": "text",
    "QueryCancelled": "query_id",
    "RegenerationAsked": "sibling",
    "AnswerCompleted": "text",
    "AnswerFailed": "error",
    "AnswerCancelled": "tokens_end",
    "FeedbackGiven": "given_by",
    "FeedbackRetracted": "feedback_id",
    "DocumentSubmitted": "content",
    "DocumentDeleted": "document_id",
    "RecordDeadLettered": "offset",
    "DocumentIndexed": "id",
    "DocumentRemoved": "id",
    "DocumentFailed": "id",
}
_OTHERWISE = {"content": "Other words.", "sibling": {"answer_id": "a-q4.9"}, "tokens_end": 77, "offset": 77}


class Place(NamedTuple):
    """A record of the log, or a frame of a connection, by its number."""

    of: str
    number: int


def places_in_sessions() -> list[Place]:
    """Records that count."""
    positions = {entry.record.position for entries in Log(sound()).counted.values() for entry in entries}
    found = [(topic, number, record) for topic, records in sound().topics.items() for number, record in enumerate(records)]
    return [Place(topic, number) for topic, number, record in found if record.position in positions]


def places_in_topics() -> list[Place]:
    """What replaced nothing and was replaced by nothing: of a document's versions what became of the last one is kept."""
    last = {(record.topic, record.key): number for topic in _JUDGED for number, record in enumerate(sound().topics[topic])}
    found = [(topic, number, record) for topic in _JUDGED for number, record in enumerate(sound().topics[topic])]
    return [Place(topic, number) for topic, number, record in found if topic != INGESTIONS.name or last[topic, record.key] == number]


def places_of_frames() -> list[Place]:
    """Also each connection's first and last: every reader of this history has read to its end."""
    return [Place(str(number), frame) for number, one in enumerate(sound().connections) for frame in range(len(one.frames))]


@SOME
@for_all(st.sampled_from(places_in_sessions() + places_in_topics()))
def test_a_record_that_is_lost_is_missed(place: Place) -> None:
    """Of a session, or of a topic that the product folds."""
    records = sound().topics[place.of]

    assert violations_of(with_topic(sound(), place.of, [*records[: place.number], *records[place.number + 1 :]]))


@SOME
@for_all(st.sampled_from(places_in_sessions() + places_in_topics()))
def test_a_record_that_says_something_else_is_noticed(place: Place) -> None:
    """In what it tells."""
    records = list(sound().topics[place.of])
    records[place.number] = _otherwise(records[place.number])

    assert violations_of(with_topic(sound(), place.of, records))


@SOME
@for_all(st.sampled_from(places_in_sessions()), st.data())
def test_two_records_of_a_session_in_each_others_place_are_noticed(place: Place, data: st.DataObject) -> None:
    """Wherever both lie."""
    other = data.draw(st.sampled_from([each for each in places_in_sessions() if each.of == place.of and each != place]))
    records = list(sound().topics[place.of])
    one, two = records[place.number], records[other.number]
    records[place.number], records[other.number] = two._replace(offset=one.offset), one._replace(offset=two.offset)

    assert violations_of(with_topic(sound(), place.of, records))


@SOME
@for_all(st.sampled_from(places_of_frames()))
def test_a_record_that_a_reader_was_not_shown_is_missed(place: Place) -> None:
    """In the middle of a connection, or between two."""
    assert violations_of(_reshown(place, lambda frames: [*frames[: place.number], *frames[place.number + 1 :]]))


@SOME
@for_all(st.sampled_from(places_of_frames()), st.data())
def test_a_record_that_a_reader_was_shown_again_is_noticed(place: Place, data: st.DataObject) -> None:
    """At once, or any time later."""
    frames = _connection(place).frames
    later = data.draw(st.integers(place.number + 1, len(frames)))

    assert violations_of(_reshown(place, lambda frames: [*frames[:later], frames[place.number], *frames[later:]]))


@SOME
@for_all(st.sampled_from([place for place in places_of_frames() if place.number]), st.data())
def test_two_records_that_a_reader_was_shown_in_another_order_are_noticed(place: Place, data: st.DataObject) -> None:
    """Next to each other, or far apart."""
    earlier = data.draw(st.integers(0, place.number - 1))

    def exchanged(frames: list[Frame]) -> list[Frame]:
        frames[earlier], frames[place.number] = frames[place.number], frames[earlier]
        return frames

    assert violations_of(_reshown(place, exchanged))


@SOME
@for_all(st.sampled_from(places_of_frames()), st.sampled_from(["cursor", "digest", "tenant", "session"]))
def test_a_record_that_a_reader_was_shown_otherwise_is_noticed(place: Place, field: str) -> None:
    """With another's cursor, in other words, or as somebody else's."""

    def changed(frames: list[Frame]) -> list[Frame]:
        frames[place.number] = frames[place.number]._replace(**{field: "other"})
        return frames

    assert violations_of(_reshown(place, changed))


def _otherwise(record: Record) -> Record:
    fields = fields_of(record)
    name = _TELLING.get(fields["type"], "id")
    return record._replace(value=orjson.dumps(fields | {name: _OTHERWISE.get(name, f"{fields[name]}-other")}))


def _connection(place: Place) -> Connection:
    return sound().connections[int(place.of)]


def _reshown(place: Place, change: Callable[[list[Frame]], list[Frame]]) -> History:
    connections = list(sound().connections)
    one = connections[int(place.of)]
    connections[int(place.of)] = one._replace(frames=tuple(change(list(one.frames))))
    return sound()._replace(connections=tuple(connections))
