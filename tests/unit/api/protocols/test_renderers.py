"""Renderers as pure folds: golden streams, attempts that begin anew, and the same bytes for the same records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.protocols.chat_chunks import ChatChunks
from api.protocols.following import Renderer
from api.protocols.response_events import ResponseEvents
from api.protocols.told_text import ToldText
from api.protocols.ui_parts import UiParts
from api.reading import expecting
from schemas.cursor import Cursor
from schemas.events import AnswerCompleted, CachedAnswer, Event
from schemas.response_id import AnswerPlace
from schemas.session_id import Session
from tests.builders import a_query, chunks_retrieved, generation_started, tokens
from tests.scripted_worker import PIECES, an_answer, cancelled, completed, failed

ASKED = a_query()
FOUND = chunks_retrieved()
PLACE = AnswerPlace(Session("default", "t1"), "q1", expecting(Cursor(UUID(int=1), 0, 0), "a-q1"), 1_700_000_000)
RENDERERS: dict[str, Callable[[], Renderer]] = {
    "chat": lambda: ChatChunks(PLACE, include_usage=True),
    "responses": lambda: ResponseEvents("resp_1", PLACE),
    "ui": lambda: UiParts(PLACE),
}
EACH = pytest.mark.parametrize("protocol", RENDERERS)


def rendered(renderer: Renderer, events: Sequence[Event]) -> bytes:
    return renderer.opening() + b"".join(renderer.take(event) for event in events)


def datas(stream: bytes) -> list[Any]:
    lines = [line.removeprefix(b"data: ") for line in stream.split(b"\n") if line.startswith(b"data: {")]
    return [orjson.loads(line) for line in lines]


def text_of(protocol: str, stream: bytes) -> str:
    """What a client puts together that keeps only the last text that was begun."""
    texts = [""]
    for data in datas(stream):
        if data.get("type") in ("text-start", "response.output_item.added"):
            texts.append("")
        if protocol == "chat":
            texts[-1] += data["choices"][0]["delta"].get("content") or "" if data.get("choices") else ""
        else:
            texts[-1] += data.get("delta", "")
    return texts[-1]


def begun_again(at: int, pieces: Sequence[str]) -> list[Event]:
    """An answer whose first attempt stopped after three pieces, and whose second says these from `at` on."""
    before = [ASKED, FOUND, generation_started(FOUND), *(tokens(FOUND, index, PIECES[index]) for index in range(3))]
    after = [tokens(FOUND, at + index, piece, attempt=2) for index, piece in enumerate(pieces)]
    whole = "".join((*PIECES[:at], *pieces))
    return [*before, generation_started(FOUND, 2, at), *after, completed(ASKED, whole, at + len(pieces), attempt=2)]


@EACH
@pytest.mark.parametrize("at", range(4))
def test_an_attempt_that_says_the_same_is_not_noticed(protocol: str, at: int) -> None:
    """Nothing is told twice, wherever it begins and however it cuts the text."""
    events = begun_again(at, list("".join(PIECES[at:])))
    stream = rendered(RENDERERS[protocol](), events)

    assert "".join(PIECES) == text_of(protocol, stream)
    assert b"error" not in stream.replace(b'"error":null', b"")


@pytest.mark.parametrize("protocol", ["responses", "ui"])
def test_an_attempt_that_says_something_else_is_told_as_another_text(protocol: str) -> None:
    """The first stays unfinished; the client need not guess where it ended."""
    stream = rendered(RENDERERS[protocol](), begun_again(0, ["Records ", "stay."]))

    assert "Records stay." == text_of(protocol, stream)


def test_a_chat_that_cannot_be_taken_back_ends_with_an_error() -> None:
    """And says nothing after it: no text that nobody wrote."""
    last = datas(rendered(RENDERERS["chat"](), begun_again(1, ["stay."])))[-1]

    assert "answer-changed" == last["error"]["code"]


@EACH
@given(cuts=st.lists(st.integers(0, 3), max_size=3))
def test_the_fold_ends_at_the_answers_text(protocol: str, cuts: list[int]) -> None:
    """Through any number of attempts that say the same."""
    events: list[Event] = [ASKED, FOUND]
    for attempt, at in enumerate([0, *sorted(cuts)], start=1):
        events += [generation_started(FOUND, attempt, at), *(tokens(FOUND, index, PIECES[index], attempt) for index in range(at, 4))]
    stream = rendered(RENDERERS[protocol](), [*events, completed(ASKED)])

    assert "".join(PIECES) == text_of(protocol, stream)


@EACH
@pytest.mark.parametrize("end", [completed(ASKED), failed(ASKED), cancelled(ASKED)], ids=lambda end: end.type)
def test_the_same_records_give_the_same_bytes(protocol: str, end: Event) -> None:
    """And nothing comes after the end."""
    events = [*an_answer(ASKED)[:-1], end]
    one, two = RENDERERS[protocol](), RENDERERS[protocol]()

    assert rendered(one, events) == rendered(two, events)
    assert b"" == one.take(tokens(FOUND, 9, "late"))


@given(after=st.integers(-1, 20))
def test_a_reader_that_has_some_numbers_gets_the_others(after: int) -> None:
    """Of an attempt that changed the text too."""
    events = begun_again(0, ["Records ", "stay."])
    whole = rendered(ResponseEvents("resp_1", PLACE), events)
    rest = rendered(ResponseEvents("resp_1", PLACE, after=after), events)
    numbers = [data["sequence_number"] for data in datas(rest)]

    assert whole.endswith(rest)
    assert list(range(after + 1, len(datas(whole)))) == numbers


def test_a_chat_stream() -> None:
    """To the byte."""
    event = completed(ASKED)
    stream = rendered(ChatChunks(PLACE, include_usage=False), [ASKED, tokens(FOUND, 0, "Records are kept for 30 days [1]."), event])
    same = b'data: {"id":"chatcmpl-q1","created":1700000000,"model":"roxy","object":"chat.completion.chunk","choices":[{"index":0,"delta":'
    cited = b'{"type":"url_citation","url_citation":{"start_index":29,"end_index":32,"title":"Document 1","url":"d1.md"}}'
    rest = b',"logprobs":null,"finish_reason":null}]'
    first, second, third, done = stream.strip().split(b"\n\n")

    assert same + b'{"role":"assistant","content":""}' + rest + b',"roxy":{"session_id":"t1","query_id":"q1"}}' == first
    assert same + b'{"content":"Records are kept for 30 days [1]."}' + rest + b"}" == second
    assert third.startswith(same + b'{"annotations":[' + cited + b']},"logprobs":null,"finish_reason":"stop"}],"roxy":{"status":"completed",')
    assert b"data: [DONE]" == done


def test_told_text_tells_what_is_new() -> None:
    """Nothing while an attempt repeats what was told; None once it differs."""
    text = ToldText()
    text.add("ab")
    text.resume(0)

    assert ["", "", "c", None] == [text.add("a"), text.add("b"), text.add("c"), text.end("ab")]


@pytest.mark.parametrize(
    ("protocol", "told"),
    [
        ("chat", '"cached":{"kind":"semantic","answer_id":"a-q0","similarity":0.97}'),
        ("responses", '"cached":"semantic","cached_answer":"a-q0"'),
        ("ui", '"cached":{"kind":"semantic","answerId":"a-q0","similarity":0.97}'),
    ],
)
def test_an_answer_that_was_given_before_says_so(protocol: str, told: str) -> None:
    """Where the format has room for it; one that was made for this question does not."""
    *events, end = an_answer(ASKED)
    assert isinstance(end, AnswerCompleted)
    cached = CachedAnswer(kind="semantic", answer_id="a-q0", similarity=0.97)
    again = rendered(RENDERERS[protocol](), [*events, end.model_copy(update={"cached": cached})]).decode()
    made = rendered(RENDERERS[protocol](), [*events, end]).decode()

    assert (True, False) == (told in again, told in made)
