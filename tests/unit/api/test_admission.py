"""Load is shed: what cannot be answered in time is refused at once, with when to come back; and taken again as soon as there is room."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from api.admission import Admission
from api.loop_lag import LoopLag
from api.metrics import Metrics
from api.unanswered import KEPT_S, Unanswered, Waiting
from connectors.journal.memory import MemoryJournal
from schemas.errors import LogUnavailable, Overloaded, TooManyQuestions
from schemas.events import AnswerCancelled, AnswerCompleted, AnswerFailed, Event, answer_id_of
from schemas.session_id import Session
from schemas.settings import ApiKey, Settings
from schemas.topics import QUERIES, Topic
from tests.unit.api.conftest import CONTEXT, until


class Bench:
    """Admission by a clock that stands until it is moved."""

    def __init__(self, **settings: Any) -> None:
        self.now = 0.0
        self.unanswered = Unanswered(MemoryJournal(), lambda: self.now)
        self.lag = LoopLag()
        self.admission = Admission(Settings(**settings), Metrics(), self.unanswered, self.lag)

    def ask(self, tenant: str, number: int) -> None:
        with self.admission.question(waiting(tenant, number)):
            pass


class LateJournal(MemoryJournal):
    """A log that takes its time until it says where it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.there = asyncio.Event()

    async def ends(self, topic: Topic) -> Mapping[int, int]:
        await self.there.wait()
        return await super().ends(topic)


def waiting(tenant: str, number: int) -> Waiting:
    return Waiting(Session(tenant, "t1"), f"a-q{number}")


def ended(session: str, query: str) -> list[Event]:
    """The three ends that an answer can have."""
    fields: dict[str, Any] = {"tenant": "default", "session_id": session, "query_id": query, "answer_id": answer_id_of(query), "attempt": 1}
    return [
        AnswerCompleted(id="e1", question="?", text="", answered=False, model="m", tokens_end=0, took_ms=1.0, **fields),
        AnswerFailed(id="e2", error="e", detail="", remedy="", retryable=False, **fields),
        AnswerCancelled(id="e3", tokens_end=0, **fields),
    ]


async def ask(api: Any, session: str, **headers: str) -> Any:
    return await api.client.post(f"/v1/sessions/{session}/queries", json={"text": "Why?"}, headers=headers)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_question_that_would_wait_too_long_is_refused_with_when_to_come_back(run: Any) -> None:
    """503, a problem with a remedy, Retry-After in whole seconds; nothing is written. Whatever protocol it comes by."""
    async with run(max_unanswered=2) as api:
        session = (await api.session())["session_id"]
        taken = [(await ask(api, session)).status_code for _ in range(2)]
        refused = await ask(api, session)
        chat = await api.client.post("/v1/chat/completions", json={"model": "roxy", "messages": [{"role": "user", "content": "Why?"}]})
        new = await api.client.post("/v1/sessions", json={})

        assert [202, 202, 503, 503, 503] == [*taken, refused.status_code, chat.status_code, new.status_code]
        assert refused.json()["type"] == "urn:roxy:problem:overloaded"
        assert refused.json()["remedy"]
        assert 1 <= int(refused.headers["Retry-After"]) <= 45
        assert 2 == len(api.journal.records(QUERIES))
        assert 'roxy_refused_total{reason="unanswered",tenant="default"} 3.0' in (await api.client.get("/metrics")).text


@pytest.mark.parametrize("end", range(3), ids=["completed", "failed", "cancelled"])
async def test_there_is_room_again_as_soon_as_an_answer_has_ended(run: Any, end: int) -> None:
    """However it ended."""
    async with run(max_unanswered=1) as api:
        session = (await api.session())["session_id"]
        query = (await ask(api, session)).json()["query_id"]
        await until(lambda: api.wiring.admission.unanswered.count() == 1)
        await api.journal.append(ended(session, query)[end], CONTEXT)
        await until(lambda: api.wiring.admission.unanswered.count() == 0)

        assert 202 == (await ask(api, session)).status_code


async def test_another_sessions_answer_makes_no_room(run: Any) -> None:
    """Producers name their queries themselves: the same name may be another session's."""
    async with run(max_unanswered=1) as api:
        session = (await api.session())["session_id"]
        query = (await ask(api, session)).json()["query_id"]
        await api.journal.append(ended("t-other", query)[0], CONTEXT)
        await api.journal.append(ended(session, "q-unknown")[0], CONTEXT)
        await asyncio.sleep(0.05)

        assert 503 == (await ask(api, session)).status_code


async def test_the_same_question_sent_again_is_answered_as_before_and_counts_once(run: Any) -> None:
    """A client that tries again with its key is no load, even where there is no room for others."""
    async with run(max_unanswered=1) as api:
        session = (await api.session())["session_id"]
        replies = [await ask(api, session, **{"Idempotency-Key": "k"}) for _ in range(3)]

        assert [202, 202, 202] == [reply.status_code for reply in replies]
        assert 1 == api.wiring.admission.unanswered.count()


async def test_a_question_that_could_not_be_written_does_not_count(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the log is away, retries must not use up the room."""

    async def away(*_: object) -> None:
        raise LogUnavailable

    async with run(max_unanswered=1) as api:
        session = (await api.session())["session_id"]
        monkeypatch.setattr(api.journal, "append", away)
        assert 503 == (await ask(api, session)).status_code
        monkeypatch.undo()

        assert 202 == (await ask(api, session)).status_code


async def test_a_tenant_that_fills_the_room_does_not_keep_out_another(run: Any) -> None:
    """Each has its share, whoever came first."""
    keys = [ApiKey(key=name, tenant=name) for name in ("acme", "zeta")]
    async with run(max_unanswered=4, api_keys=keys) as api:
        sessions = {name: (await api.session(**bearer(name)))["session_id"] for name in ("acme", "zeta")}
        acme = [(await ask(api, sessions["acme"], **bearer("acme"))).status_code for _ in range(5)]
        zeta = [(await ask(api, sessions["zeta"], **bearer("zeta"))).status_code for _ in range(3)]

        assert [202, 202, 202, 202, 503] == acme
        assert [202, 202, 503] == zeta


async def test_a_tenant_that_asks_faster_than_it_may_is_told_when_it_may_again(run: Any) -> None:
    """429 with the seconds until the next one; other tenants are not touched, and `*` is each tenant that is not named, by itself."""
    keys = [ApiKey(key=name, tenant=name) for name in ("acme", "zeta", "free")]
    async with run(questions_per_min={"acme": 12, "free": 60_000, "*": 6}, api_keys=keys) as api:
        seen: dict[str, list[int]] = {}
        for name in ("acme", "zeta", "free"):
            session = (await api.session(**bearer(name)))["session_id"]
            replies = [await ask(api, session, **bearer(name)) for _ in range(4)]
            seen[name] = [reply.status_code for reply in replies]
            told = [(reply.json()["type"], int(reply.headers["Retry-After"])) for reply in replies if reply.status_code == 429]
            assert {("urn:roxy:problem:too-many-questions", 60 // most) for most in (12, 6)} >= set(told)

        assert {"acme": [202, 202, 429, 429], "zeta": [202, 429, 429, 429], "free": [202] * 4} == seen


async def test_there_are_at_most_so_many_streams(run: Any) -> None:
    """503 with Retry-After; one that closes makes room."""
    async with run(sse_max=1) as api:
        session = (await api.session())["session_id"]
        async with api.stream(session):
            refused = await api.client.get(api.events_url(session))
        await api.open_streams(0)

        assert (503, "urn:roxy:problem:overloaded") == (refused.status_code, refused.json()["type"])
        assert "ROXY_SSE_MAX" in refused.json()["remedy"]
        assert int(refused.headers["Retry-After"]) >= 1
        async with api.stream(session):
            assert 200


async def test_a_process_that_is_late_takes_no_questions_and_no_streams(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has goes on; health and history are answered all the same."""
    async with run() as api:
        session = (await api.session())["session_id"]
        monkeypatch.setattr(LoopLag, "seconds", 3.0)
        statuses = [
            (await ask(api, session)).status_code,
            (await api.client.get(api.events_url(session), headers={"Accept": "text/event-stream"})).status_code,
            (await api.client.get("/health/live")).status_code,
            (await api.client.get(f"/v1/sessions/{session}/history")).status_code,
        ]

        assert [503, 503, 200, 200] == statuses


async def test_a_pause_is_no_lag_and_being_late_all_the_time_is() -> None:
    """A loop that is blocked once has nothing to shed."""
    lag = LoopLag()
    async with lag.watched():
        await asyncio.sleep(0.15)
        _block(0.3)
        await asyncio.sleep(0.01)
        once = lag.seconds
        for _ in range(4):
            await asyncio.sleep(0.01)
            _block(0.3)
        await asyncio.sleep(0)

        assert once < 0.1 < lag.seconds


def _block(seconds: float) -> None:
    import time

    time.sleep(seconds)


def test_a_question_whose_end_never_comes_counts_for_ten_minutes() -> None:
    """Its session may have been forgotten; without this the room would be used up for ever."""
    bench = Bench(max_unanswered=1)
    bench.ask("acme", 1)
    bench.now = KEPT_S - 1
    with pytest.raises(Overloaded):
        bench.ask("acme", 2)
    bench.now = KEPT_S + 1
    bench.ask("acme", 2)

    assert (1, (1, 1)) == (bench.unanswered.count(), bench.unanswered.share("acme"))


def test_a_repetition_that_fails_takes_nothing_from_the_first_one() -> None:
    """The question was written, and its answer is waited for."""
    bench = Bench()
    with bench.admission.question(waiting("acme", 1)):
        with pytest.raises(LogUnavailable), bench.admission.question(waiting("acme", 1)):
            raise LogUnavailable

        assert 1 == bench.unanswered.count()


async def test_questions_whose_ends_nobody_could_see_do_not_count() -> None:
    """What ends before it is known from where on to follow would else take room for ten minutes."""
    journal = LateJournal()
    unanswered = Unanswered(journal, lambda: 0.0)
    missed, seen = (Waiting(Session("default", "t1"), answer_id_of(query)) for query in ("q1", "q2"))
    async with unanswered.followed():
        unanswered.asked(missed)
        await journal.append(ended("t1", "q1")[0], CONTEXT)
        journal.there.set()
        await until(lambda: unanswered.count() == 0)
        unanswered.asked(seen)

        assert 1 == unanswered.count()
        await journal.append(ended("t1", "q2")[0], CONTEXT)
        await until(lambda: unanswered.count() == 0)


def test_who_is_refused_is_told_to_stay_away_for_as_long_as_the_pile_takes() -> None:
    """At the pace of the last ten seconds; half a minute at most, and spread, so that those who were refused do not all come back at once."""
    bench = Bench(max_unanswered=40)
    for number in range(40):
        bench.ask("acme", number)
    told = {_told(bench) for _ in range(20)}
    for number in range(20):
        bench.unanswered.end(waiting("acme", number))
        bench.ask("acme", 100 + number)
    soon = [_told(bench) for _ in range(20)]

    assert 15 <= min(told) < max(told) <= 45
    assert all(10 <= seconds <= 30 for seconds in soon)


def _told(bench: Bench) -> float:
    with pytest.raises(Overloaded) as refused:
        bench.ask("acme", 999)
    return refused.value.retry_after_s


def test_questions_that_are_refused_for_their_pace_take_no_room() -> None:
    """They are not waited for."""
    bench = Bench(questions_per_min={"*": 6})
    bench.ask("acme", 1)
    with pytest.raises(TooManyQuestions):
        bench.ask("acme", 2)

    assert 1 == bench.unanswered.count()
