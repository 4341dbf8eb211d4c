"""One client's watch over one question, or another answer to it: what came when, folded as clients fold it."""

from __future__ import annotations

import asyncio
from typing import Any

from schemas.events import TERMINAL
from tests.acceptance.fleet import Api, Frame

WATCH_S = 180.0  # a take-over and a whole answer, on two busy cores


class Watch:
    """Opened with the question, read to the answer's end."""

    def __init__(self, api: Api, session: str, accepted: dict[str, Any]) -> None:
        self.api, self.session, self.accepted = api, session, accepted
        self.texts: list[str] = []  #: by index, as they are now
        self.ends: list[Frame] = []
        self.wrong: list[Frame] = []  #: doubled, or behind a hole, or behind the end
        self.task = asyncio.create_task(self._follow())

    @property
    def end(self) -> dict[str, Any]:
        return self.ends[0].event

    @property
    def text(self) -> str:
        return "".join(self.texts)

    async def _follow(self) -> None:
        only = {"answer": self.accepted["answer_id"]} if "answer_events" in self.accepted["links"] else {"query": self.accepted["query_id"]}
        async with asyncio.timeout(WATCH_S), self.api.stream(self.session, after=self.accepted["cursor"], **only) as frames:
            async for frame in frames:
                self._take(frame)

    def _take(self, frame: Frame) -> None:
        """A client's whole fold: an attempt's beginning drops what lies behind it, an index comes in its turn."""
        if self.ends:
            self.wrong.append(frame)
        elif frame.type == "GenerationStarted":
            del self.texts[frame.event["resumes_at"] :]
        elif frame.type == "TokensGenerated":
            self._token(frame)
        elif frame.type in TERMINAL:
            self.ends.append(frame)

    def _token(self, frame: Frame) -> None:
        if frame.event["index"] != len(self.texts):
            self.wrong.append(frame)
        self.texts.append(frame.event["text"])


async def ask_watched(api: Api, question: str, *, placement: str = "lane") -> Watch:
    """A question in a session of its own."""
    session = await api.session(placement)
    return Watch(api, session, await api.ask(session, question))


def assert_one_whole_answer(watch: Watch, text: str) -> None:
    """Every index once and in order, one end, the text that is expected, in the tokens and in the terminal record."""
    assert ([], ["AnswerCompleted"]) == (watch.wrong, [frame.type for frame in watch.ends])
    assert text == watch.text == watch.end["text"]
    assert len(watch.texts) == watch.end["tokens_end"]
