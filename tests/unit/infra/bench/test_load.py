"""infra/bench/load*.py and soak.py: when what is due, what is told of it, and what the search for the highest rate finds."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bench.load import highest_rate, wish_of
from infra.bench.load_client import LoadClient, Posts
from infra.bench.load_figures import Outcome, of_overload, recovery_s
from infra.bench.load_plan import MIX, Done, Phase, moments
from infra.bench.soak import Used, slope_per_h
from infra.bench.wire import NotServed
from schemas.errors import InvalidInput


def done(due_s: float = 0.0, outcome: str = "ok", kind: str = "ask", first_ms: float = 20.0) -> Done:
    return Done(kind, due_s, outcome, 0.0, 5.0, first_ms, 30.0)


def outcome(*operations: Done, took_s: float = 10.0, lost: int = 0) -> Outcome:
    return Outcome(10.0, 10.0, took_s, operations, lost)


def test_a_day_has_the_shares_that_it_should() -> None:
    """Within what chance allows of 20,000; at each step's rate."""
    due = list(moments(Phase(((100.0, 100.0), (200.0, 50.0)), seed=1)))
    kinds = Counter(kind for _, kind in due)

    assert all(abs(kinds[kind] / len(due) - share / 100) < 0.01 for kind, share in MIX.items())
    assert 9_500 < sum(at < 100 for at, _ in due) < 10_500
    assert 9_500 < sum(at >= 100 for at, _ in due) < 10_500
    assert sorted(due) == due


def test_a_seed_is_a_sequence() -> None:
    """What was measured can be measured again."""
    phase = Phase(((50.0, 10.0),), seed=3)

    assert list(moments(phase)) == list(moments(phase))
    assert list(moments(phase)) != list(moments(phase._replace(seed=4)))


def test_what_is_told_of_a_phase() -> None:
    """Times of what succeeded, by kind; what went wrong, by kind and outcome, with the streams that were lost."""
    phase = outcome(done(), done(first_ms=40.0), done(outcome="status_503"), done(kind="ingest", outcome="timeout"), lost=1, took_s=13.0)
    figures = phase.figures()

    assert (30.0, 5.0, 3.0, 4.0) == (figures["ask_first_token_p50_ms"], figures["ask_accepted_p99_ms"], figures["behind_s"], figures["operations"])
    assert {"errors_ask_status_503": 1.0, "errors_ingest_timeout": 1.0, "errors_stream_lost": 1.0}.items() <= figures.items()
    assert 0.75 == figures["errors_share"]
    assert "ingest_p50_ms" not in figures


@pytest.mark.parametrize(
    ("phase", "sustained"),
    [
        (outcome(done()), True),
        (outcome(done(), took_s=12.5), False),
        (outcome(*[done()] * 999, done(outcome="gap")), True),
        (outcome(*[done()] * 998, done(outcome="gap"), done(outcome="status_429")), False),
        (outcome(*[done()] * 500, lost=1), False),
    ],
    ids=["all well", "behind", "one of 1,000", "two of 1,000", "a stream lost"],
)
def test_a_rate_is_sustained_if_hardly_anything_fails_and_nothing_piles_up(phase: Outcome, sustained: bool) -> None:
    """A queue that grows has no errors at first."""
    assert sustained == phase.sustained


def test_being_refused_with_when_to_come_back_is_not_falling_over() -> None:
    """Without Retry-After it is, as is whatever else goes wrong."""
    over = outcome(done(), done(outcome="status_503"), done(outcome="status_429"), done(outcome="status_503_mute"), done(outcome="timeout"))
    figures = of_overload(over, outcome(done()))

    assert (0.4, 0.4) == (figures["overload_shed_share"], figures["overload_fell_over_share"])


def test_it_has_recovered_after_the_last_that_was_refused_or_late() -> None:
    """A first token after more than a second is late."""
    after = outcome(done(1.0, "status_503"), done(2.0), done(3.0, first_ms=1_500.0), done(4.0), done(5.0, kind="ingest", first_ms=-1.0))

    assert 3.0 == recovery_s(after)
    assert 0.0 == recovery_s(outcome(done(4.0)))


@given(st.floats(0.6, 5_000))
def test_the_highest_rate_is_found(limit: float) -> None:
    """Within a tenth below it, with few trials."""
    tried: list[float] = []

    async def sustains(rate: float) -> bool:
        tried.append(rate)
        return rate <= limit

    found = asyncio.run(highest_rate(sustains))

    assert limit / 1.1 <= found <= limit
    assert len(tried) <= 20


async def test_where_nothing_is_sustained_it_says_so() -> None:
    """Instead of dividing for ever."""

    async def sustains(rate: float) -> bool:
        return False

    with pytest.raises(RuntimeError, match="Not even"):
        await highest_rate(sustains)


def test_a_placement_that_is_none_is_refused() -> None:
    """Before anything is started."""
    with pytest.raises(InvalidInput):
        wish_of(placement="shelf")


def test_a_slope_is_that_of_an_hour() -> None:
    """10 MiB in 10 minutes are 60 in an hour, whatever single samples say."""
    used = [Used(at, 0.0, 100 + at / 60 + (-1) ** at, 10) for at in range(600)]

    assert 60 == pytest.approx(slope_per_h(used, [one.memory_mib for one in used]), abs=1)
    assert 0 == pytest.approx(slope_per_h(used, [float(one.handles) for one in used]))


class Server:
    """As much HTTP as a client needs: what it answers is said beforehand."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.last_ids: list[str] = []
        self.status = b"202 Accepted"
        self.hang_up = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                if head.startswith("GET"):
                    self.last_ids.append(head.partition("Last-Event-ID: ")[2].partition("\r\n")[0])
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b"".join(self.frames))
                    continue
                await reader.readexactly(int(head.lower().partition("content-length: ")[2].partition("\r\n")[0]))
                body = b'{"query_id":"q1","cursor":"c0","links":{"queries":"/q","events":"/e","feedback":"/f"}}'
                writer.write(b"HTTP/1.1 %b\r\nRetry-After: 3\r\nContent-Length: %d\r\n\r\n%b" % (self.status, len(body), body))
                if self.hang_up:
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()


@pytest.fixture
async def served() -> Any:
    """A server and its port."""
    said = Server()
    server = await asyncio.start_server(said.serve, "127.0.0.1", 0)
    yield said, server.sockets[0].getsockname()[1]
    server.close()


def frame(number: int, event: str, data: str) -> bytes:
    return f'id: c{number}\nevent: {event}\ndata: {{"query_id":"q1",{data}}}\n\n'.encode()


ANSWER = [
    frame(1, "QueryAsked", '"text":"?"'),
    frame(2, "GenerationStarted", '"attempt":1,"resumes_at":0,"model":"m"'),
    frame(3, "TokensGenerated", '"attempt":1,"index":0,"text":"a"'),
    frame(4, "AnswerCompleted", '"text":"a"'),
]


async def test_a_client_follows_its_answer_and_comes_back_where_it_was(served: Any) -> None:
    """The session's first cursor, and after the answer the last one."""
    server, port = served
    posts = Posts(port)
    client = LoadClient(port, posts)
    server.frames = ANSWER[:1]
    await client.start("topic")
    asked = asyncio.create_task(client.ask("?"))
    await asyncio.sleep(0.05)
    server.frames = ANSWER[1:]
    await client.resume()
    accepted_ns, watch = await asyncio.wait_for(asked, 5)
    await client.resume()
    client.stop()
    await posts.close()

    assert ["c0", "c1", "c4"] == server.last_ids
    assert ("AnswerCompleted", 0, 1, "q1", 0) == (watch.end, watch.wrong, len(watch.tokens), client.answered, client.lost)
    assert accepted_ns <= time.time_ns()


async def test_a_connection_that_the_server_has_closed_is_replaced(served: Any) -> None:
    """Servers close what is idle: that is no error of the load."""
    server, port = served
    posts, server.hang_up = Posts(port), True
    for _ in range(3):
        assert "q1" == (await posts.post("/q", {}))["query_id"]
    await posts.close()


async def test_what_a_server_refuses_is_told_with_when_to_come_back(served: Any) -> None:
    """The status, and whether Retry-After was there."""
    server, port = served
    server.status = b"503 Service Unavailable"
    posts = Posts(port)
    with pytest.raises(NotServed) as refused:
        await posts.post("/q", {})
    await posts.close()

    assert (503, True) == (refused.value.status, refused.value.says_when)
