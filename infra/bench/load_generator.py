"""The load's clients, in a process of their own, so that their work does not slow down what reports it: `python -m infra.bench.load_generator`.

Standard input: a line with the Crowd, then one for each Phase. Standard output: a line when all streams are open, then one for each
phase with what became of its operations.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import cycle
from typing import Any

import orjson
import uvloop

from infra.bench.corpus import questions, text_of
from infra.bench.load_client import Gap, LoadClient, Posts
from infra.bench.load_plan import ANSWERED, Crowd, Done, Phase, moments
from infra.bench.wire import NotServed
from schemas.settings import Placement

TIMEOUT_S = 30.0  # of one operation
DOCUMENTS = 200  # that are submitted again and again, each time with another text
_AT_ONCE = 25  # clients that come side by side at the start
_QUESTIONS = 5_000


class Generator:
    """Does what is due with whichever client can."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._posts = posts = [Posts(port) for port in crowd.ports]
        self._clients = [LoadClient(crowd.ports[number % len(posts)], posts[number % len(posts)]) for number in range(crowd.clients)]
        self._turns = cycle(self._clients)
        self._questions = cycle(questions(_QUESTIONS))
        self._submitted = 0

    async def start(self) -> None:
        """Everybody comes; who is told to come back later does so."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def come(client: LoadClient) -> None:
            async with turns:
                while not await _came(client, self._crowd.placement):
                    await asyncio.sleep(1)

        await asyncio.gather(*map(come, self._clients))

    async def stop(self) -> None:
        for client in self._clients:
            client.stop()
        await asyncio.gather(*(posts.close() for posts in self._posts))

    async def run(self, phase: Phase) -> dict[str, Any]:
        """Begin each operation when it is due; wait for the last one's end."""
        pick, begun, running = random.Random(phase.seed), time.time(), list[asyncio.Task[Done]]()
        lost = sum(client.lost for client in self._clients)
        for due_s, kind in moments(phase):
            await asyncio.sleep(max(0.0, begun + due_s - time.time()))
            running.append(asyncio.create_task(self._do(kind, due_s, begun + due_s, pick)))
        done = await asyncio.gather(*running)
        return {"done": [tuple(one) for one in done], "lost": sum(client.lost for client in self._clients) - lost, "seconds": time.time() - begun}

    async def _do(self, kind: str, due_s: float, due: float, pick: random.Random) -> Done:
        kind, work = self._chosen(kind, pick)
        begun_ms, ended = _ms(due), Done(kind, due_s, "", -1.0, -1.0)
        try:
            async with asyncio.timeout(due + TIMEOUT_S - time.time()):
                ended = await work(ended, due)
            outcome = ended.outcome or "ok"
        except NotServed as error:
            outcome = f"status_{error.status}" + ("" if error.says_when or error.status not in (429, 503) else "_mute")
        except TimeoutError:
            outcome = "timeout"
        except Gap:
            outcome = "gap"
        except (OSError, EOFError):
            outcome = "transport"
        return ended._replace(outcome=outcome, begun_ms=begun_ms, done_ms=ended.done_ms if ended.done_ms >= 0 else _ms(due))

    def _chosen(self, kind: str, pick: random.Random) -> tuple[str, Callable[[Done, float], Awaitable[Done]]]:
        """Who does it. Where nobody has an answer yet, a first question is asked instead."""
        ready = self._clients_where(lambda client: client.answered is not None, pick) if kind in ("follow_up", "feedback") else None
        if kind == "ingest":
            return kind, self._ingest
        if kind == "resume":
            client = self._clients_where(lambda client: not client.coming_back, pick) or next(self._turns)
            return kind, lambda ended, due: _replied(ended, client.resume())
        if ready is None:
            return "ask", lambda ended, due: _ask(ended, due, next(self._turns), next(self._questions))
        query, ready.answered = str(ready.answered), None
        if kind == "feedback":
            up = pick.random() < 0.8
            return kind, lambda ended, due: _replied(ended, ready.give_feedback(query, up))
        return kind, lambda ended, due: _ask(ended, due, ready, f"And why is that so? ({query[-6:]})")

    def _clients_where(self, holds: Callable[[LoadClient], bool], pick: random.Random) -> LoadClient | None:
        """Any of them; after a few that do not, there are too few of those."""
        return next((client for client in pick.choices(self._clients, k=20) if holds(client)), None)

    async def _ingest(self, ended: Done, due: float) -> Done:
        self._submitted += 1
        number = self._submitted
        return await _replied(ended, next(self._turns).submit(f"load-{number % DOCUMENTS}", f"# Page {number}\n\n{text_of(number)}\n"))


async def _came(client: LoadClient, placement: Placement) -> bool:
    try:
        await client.start(placement)
    except NotServed as error:
        if not error.says_when:
            raise
        return False
    return True


async def _replied(ended: Done, work: Awaitable[None]) -> Done:
    await work
    return ended


async def _ask(ended: Done, due: float, client: LoadClient, text: str) -> Done:
    assert ended.kind in ANSWERED
    accepted_ns, watch = await client.ask(text)
    whole = (watch.end_ns / 1e9 - due) * 1000
    first = (watch.tokens[0][0] / 1e9 - due) * 1000 if watch.tokens else whole
    outcome = "wrong" if watch.wrong else "answer_failed" if watch.end == "AnswerFailed" else "ok"
    return ended._replace(outcome=outcome, done_ms=(accepted_ns / 1e9 - due) * 1000, first_token_ms=first, whole_ms=whole)


def _ms(due: float) -> float:
    return (time.time() - due) * 1000


async def _serve(lines: Iterable[str]) -> None:
    waiting = iter(lines)
    fields = orjson.loads(next(waiting))
    generator = Generator(Crowd(tuple(fields["ports"]), fields["clients"], fields["placement"]))
    await generator.start()
    _tell({"clients": fields["clients"]})
    while line := await asyncio.to_thread(next, waiting, ""):
        _tell(await generator.run(_phase(line)))
    await generator.stop()


def _phase(line: str) -> Phase:
    fields = orjson.loads(line)
    return Phase(tuple((rate, seconds) for rate, seconds in fields["steps"]), fields["seed"])


def _tell(said: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(said) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a handle each client
    uvloop.run(_serve(sys.stdin))


if __name__ == "__main__":
    main()
