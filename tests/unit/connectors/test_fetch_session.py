"""connectors/kafka/fetch_session.py against a broker's side of KIP-227 in miniature."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.fetch_session import FetchSession
from connectors.kafka.wire import FetchSessionRequest

A, B, C = (TopicPartition(name, 0) for name in "abc")


class Answer(NamedTuple):
    """The part of a fetch response that the session looks at."""

    session_id: int
    error_code: int = 0


OPEN = Answer(7)


def a_session(**wanted: int) -> FetchSession:
    session = FetchSession(max_wait_ms=20, max_bytes=1_000)
    for name, offset in wanted.items():
        session.want(TopicPartition(name, 0), offset)
    return session


def told(request: FetchSessionRequest) -> dict[str, Any]:
    """What a request says, read from what would go over the wire."""
    return {
        "session": request._fixed[5:],
        "wanted": {topic: row[2] for topic, rows in request._wanted for row in rows},
        "forgotten": sorted(topic for topic, rows in request._forgotten for _ in rows),
    }


def exchange(session: FetchSession, answer: Answer = OPEN) -> dict[str, Any]:
    said = told(session.request())
    session.accept(answer)
    return said


def test_the_first_fetch_names_everything_and_the_next_only_what_changed() -> None:
    """Session 0, epoch 0 opens a session; then its id and rising epochs."""
    session = a_session(a=1, b=2)
    first, quiet = exchange(session), exchange(session)
    session.want(B, 5)
    session.want(C, 0)
    changed = exchange(session)

    assert first == {"session": (0, 0), "wanted": {"a": 1, "b": 2}, "forgotten": []}
    assert quiet == {"session": (7, 1), "wanted": {}, "forgotten": []}
    assert changed == {"session": (7, 2), "wanted": {"b": 5, "c": 0}, "forgotten": []}


def test_what_is_dropped_is_forgotten_once() -> None:
    """And only if the broker had been told of it."""
    session = a_session(a=1, b=2)
    exchange(session)
    session.want(C, 0)
    session.drop(A)
    session.drop(C)

    assert [exchange(session)["forgotten"], exchange(session)["forgotten"]] == [["a"], []]
    assert (len(session), session.partitions(), session.position(A)) == (1, [B], None)


def test_what_is_dropped_and_wanted_again_is_told_anew() -> None:
    """With its new offset, and not forgotten."""
    session = a_session(a=1)
    exchange(session)
    session.drop(A)
    session.want(A, 9)

    assert exchange(session) == {"session": (7, 1), "wanted": {"a": 9}, "forgotten": []}


@pytest.mark.parametrize("offset", [10, 12])
def test_an_answer_to_an_older_question_is_not_for_us(offset: int) -> None:
    """A reader went and another came while a fetch was under way: what was fetched from further on would leave a hole, and what was fetched from
    there may be of another topic, which had the name before."""
    session = a_session(a=12)
    session.request()
    session.drop(A)
    dropped = session.answered(A)
    session.want(A, offset)
    wanted_anew = session.answered(A)
    session.accept(Answer(7))
    session.request()

    assert (dropped, wanted_anew, session.answered(A)) == (None, None, offset)


def test_a_change_while_a_fetch_is_under_way_is_told_with_the_next() -> None:
    """It is not lost with the answer."""
    session = a_session(a=1)
    session.request()
    session.want(A, 4)
    session.accept(Answer(7))

    assert exchange(session)["wanted"] == {"a": 4}


@pytest.mark.parametrize("error_code", [70, 71])
def test_a_session_that_the_broker_forgot_is_opened_again(error_code: int) -> None:
    """With everything that is wanted, at its present offset; the answer itself holds nothing."""
    session = a_session(a=1, b=2)
    exchange(session)
    session.want(A, 3)
    session.request()

    assert not session.accept(Answer(0, error_code))
    assert exchange(session) == {"session": (0, 0), "wanted": {"a": 3, "b": 2}, "forgotten": []}


def test_after_a_lost_connection_everything_is_told_again() -> None:
    """Nobody knows what the broker heard."""
    session = a_session(a=1)
    exchange(session)
    session.want(B, 2)
    session.request()
    session.reset()

    assert exchange(session) == {"session": (0, 0), "wanted": {"a": 1, "b": 2}, "forgotten": []}


def test_without_a_session_every_fetch_is_a_full_one() -> None:
    """A broker whose session cache is full answers with id 0."""
    session = a_session(a=1)
    exchange(session, Answer(0))
    session.want(A, 2)
    session.want(B, 3)
    session.drop(B)

    assert exchange(session, Answer(0)) == {"session": (0, 0), "wanted": {"a": 2}, "forgotten": []}


def test_epochs_start_again_at_one() -> None:
    """A 32-bit number; 0 would open another session. At a thousand fetches a second it is reached in 25 days."""
    session = a_session(a=1)
    exchange(session)
    session._epoch = 2**31 - 2

    assert [exchange(session)["session"] for _ in range(3)] == [(7, 2**31 - 2), (7, 2**31 - 1), (7, 1)]


_CHANGES = st.tuples(
    st.sampled_from(["want", "want", "drop", "fetch", "fetch", "lost", "forgotten", "no session"]), st.sampled_from("abcd"), st.integers(0, 9)
)


@given(changes=st.lists(_CHANGES, max_size=40))
def test_whatever_happens_the_broker_fetches_what_is_wanted(changes: list[tuple[str, str, int]]) -> None:
    """The broker keeps what it was told, as KIP-227 says; after each fetch that is exactly what is wanted now, and its answers count."""
    session, wanted, broker = a_session(), dict[str, int](), dict[str, int]()
    for change, name, offset in [*changes, ("fetch", "a", 0)]:
        partition = TopicPartition(name, 0)
        if change == "want":
            session.want(partition, offset)
            wanted[name] = offset
        elif change == "drop":
            session.drop(partition)
            wanted.pop(name, None)
        else:
            said = told(session.request())
            if change == "lost":
                session.reset()
                continue
            if said["session"][1] == 0:
                broker = {}
            broker |= said["wanted"]
            for gone in said["forgotten"]:
                del broker[gone]
            kept = session.accept(Answer({"fetch": 7, "no session": 0, "forgotten": 0}[change], 70 if change == "forgotten" else 0))

            assert broker == wanted
            assert kept == (change != "forgotten")
            assert not kept or {key: session.answered(TopicPartition(key, 0)) for key in wanted} == wanted
