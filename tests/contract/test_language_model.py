"""Contract of the language model port, over every backend; then what each backend promises of its own."""

from __future__ import annotations

import re
import time
from contextlib import aclosing

import pytest

from connectors.language_model import open_language_model
from connectors.language_model.base import Finish, LanguageModel, Prompt, Turn
from connectors.language_model.canned import CannedModel
from connectors.language_model.extractive import NO_ANSWER
from connectors.language_model.sentences import sentences_of
from schemas.errors import InvalidSetting, MissingExtra, ModelRefused, ModelUnavailable
from schemas.events import RetrievedChunk, Scores
from schemas.settings import Settings
from tests import reciting_model

LAG = """## Lag in time

Lag in records does not say how late a group is. **Lag in time** is the age of the *oldest* unread record, and it is [what users feel](x.md).

| Pattern | Remedy |
|---|---|
| lag in time grows | add members |

- The consumers are slower than the producers: more members are needed.
- lag in time

```sh
# Lag in time is printed here.
```
"""
KEEP = "# Retention\n\nA topic keeps its records for seven days by default. The setting `retention.ms` of the topic changes that, see [2]."
CATS = "Cats sleep most of the day. They hunt at dusk."


def a_chunk(rank: int, text: str, document_id: str, *, title: str = "", vector: float | None = None, start: int = 0) -> RetrievedChunk:
    scores = Scores(vector=vector, keyword=3.0, fused=1 / (60 + rank))
    return RetrievedChunk(
        rank=rank,
        chunk_id=f"default/{document_id}#{start}",
        document_id=document_id,
        title=title,
        source=f"{document_id}.md",
        start=start,
        end=start + len(text),
        text=text,
        scores=scores,
    )


CHUNKS = (a_chunk(1, LAG, "lag", title="Consumer lag"), a_chunk(2, KEEP, "keep", title="Retention"), a_chunk(3, CATS, "cats", title="Cats"))
PROMPTS = [Prompt("What is lag in time?", CHUNKS), Prompt("How long are records kept?", CHUNKS), Prompt("Who wrote Hamlet?", CHUNKS), Prompt("?", ())]


async def said(model: LanguageModel, prompt: Prompt, prefix: str = "") -> tuple[list[str], list[Finish]]:
    parts = [part async for part in model.stream(prompt, prefix=prefix)]
    return [part for part in parts if isinstance(part, str)], [part for part in parts if isinstance(part, Finish)]


async def answer(question: str, chunks: tuple[RetrievedChunk, ...] = CHUNKS) -> str:
    return "".join((await said(open_language_model("extractive", Settings()), Prompt(question, chunks)))[0])


HERE = ("extractive", "scripted", 'scripted:{"text": "It is so.", "resumes": "prefix"}', "canned")
SERVED_NAMES = tuple(f"{backend}:{reciting_model.NAME}" for backend in ("ollama", "openai"))
SERVED = tuple(pytest.param(name, marks=pytest.mark.full) for name in SERVED_NAMES)


@pytest.fixture(params=[*HERE, *SERVED])
def model(request: pytest.FixtureRequest) -> LanguageModel:
    served = request.param.startswith(("ollama", "openai"))
    return a_model(request.param, request.getfixturevalue("ollama_server") if served else Settings())


def a_model(name: str, settings: Settings, **changed: object) -> LanguageModel:
    """Ollama's /v1 goes on behind a prefix as well, which an endpoint has to be said to do."""
    if name == "canned":
        return CannedModel("Hello! Ask me anything.")
    return open_language_model(name, settings.model_copy(update={"model_resumes": "prefix", **changed}))


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.question)
async def test_a_stream_is_tokens_and_then_one_finish(model: LanguageModel, prompt: Prompt) -> None:
    """Words with the space before them; the usage counts them, a server's the end of the text too; the Finish is last."""
    parts = [part async for part in model.stream(prompt)]
    tokens, last = parts[:-1], parts[-1]

    assert isinstance(last, Finish)
    assert [token for token in tokens if not isinstance(token, str) or not re.fullmatch(r"\s?\S+", token)] == []
    assert last.usage.completion_tokens - len(tokens) in (0, 1)


@pytest.mark.parametrize("prompt", PROMPTS[:-1], ids=lambda prompt: prompt.question)
async def test_citations_are_ranks_of_chunks(model: LanguageModel, prompt: Prompt) -> None:
    """No number stands for nothing."""
    text = "".join((await said(model, prompt))[0])

    assert {int(number) for number in re.findall(r"\[(\d+)\]", text)} <= {chunk.rank for chunk in prompt.chunks}


@pytest.mark.parametrize("name", HERE)
async def test_without_chunks_nothing_is_cited(name: str) -> None:
    """By a model that is asked here; what a server's model cites beyond its chunks, the answer's citations leave out."""
    text = "".join((await said(a_model(name, Settings()), Prompt("?", ())))[0])

    assert "[" not in text


async def test_a_model_that_reruns_says_the_same_again(model: LanguageModel) -> None:
    """So that what is out can be skipped; by prefix, the rest follows."""
    tokens, _ = await said(model, PROMPTS[0])
    text = "".join(tokens)
    again, _ = await said(model, PROMPTS[0], prefix="".join(tokens[:2]) if model.resumes == "prefix" else "")

    assert "".join(again) == (text if model.resumes == "rerun" else "".join(tokens[2:]))


async def test_a_closed_stream_does_no_more_work(model: LanguageModel) -> None:
    """Cancelling an answer ends its generator."""
    async with aclosing(model.stream(PROMPTS[0])) as stream:
        await anext(stream)

    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_extractive_answers_in_whole_cited_sentences() -> None:
    """Without Markdown's marks, headings, table rows, fragments and code; each sentence with its chunk."""
    text = await answer("What is lag in time?")

    assert "Lag in time is the age of the oldest unread record, and it is what users feel. [1]" in text
    assert re.findall(r"[*`#|]|printed here", text) == []
    assert all(re.search(r"[.!?] \[\d\]$", part) for part in re.findall(r".+?\[\d\]", text))


async def test_extractive_begins_with_the_best_source_and_keeps_its_order() -> None:
    """Within a source the sentences stand as the document has them."""
    text = await answer("Which setting changes for how many days a topic keeps records?")

    assert text.startswith("A topic keeps its records for seven days by default. [2] The setting retention.ms of the topic changes that")


async def test_extractive_does_not_pass_on_a_documents_own_numbers_as_citations() -> None:
    """ "[2]" in a quoted sentence is no citation of the answer."""
    text = await answer("Which setting changes for how many days a topic keeps records?")

    assert "see (2). [2]" in text


async def test_extractive_says_a_sentence_once() -> None:
    """Overlapping chunks hold the same sentence; it is quoted from the better one."""
    text = await answer("What is lag in time?", (CHUNKS[0], a_chunk(2, LAG, "lag", title="Consumer lag", start=40)))

    assert text.count("Lag in time is the age") == 1
    assert "[2]" not in text


@pytest.mark.parametrize(
    "question", ["Who wrote Hamlet?", "what oven temperature for roasting a chicken?", "How long does Salesforce keep records?", "why?", "???"]
)
async def test_extractive_says_so_when_the_documents_do_not_hold_the_answer(question: str) -> None:
    """One plain sentence without a citation; a name that no chunk holds weighs more than the words around it."""
    assert await answer(question) == NO_ANSWER
    assert await answer(question, ()) == NO_ANSWER


async def test_extractive_trusts_a_chunk_that_is_near_in_meaning() -> None:
    """With vectors fewer of the question's words must be there; without nearness the same words are not enough."""
    question = "how late are my consumers, measured sensibly?"
    near = await answer(question, (a_chunk(1, LAG, "lag", vector=0.6),))
    far = await answer(question, (a_chunk(1, LAG, "lag", vector=0.1),))

    assert near.endswith("[1]")
    assert far == NO_ANSWER


def test_sentences_are_cut_at_their_ends_only() -> None:
    """Not behind an abbreviation; a code span or a quotation may begin one; fragments are left out."""
    text = 'See e.g. Kafka for that. `acks=all` waits for all replicas. "Quoted it stands here." lower case begins none. A fragment without end'

    assert sentences_of(text) == [
        "See e.g. Kafka for that.",
        "acks=all waits for all replicas.",
        '"Quoted it stands here." lower case begins none.',
    ]
    assert sentences_of("# Heading here it is.\n\n> A quotation is a sentence too.\n\n1. Too short.\n2. An item that is a sentence.") == [
        "A quotation is a sentence too.",
        "An item that is a sentence.",
    ]


async def test_scripted_waits_before_the_first_token() -> None:
    """And before each later one, as told."""
    model = open_language_model('scripted:{"tokens": 3, "delay_s": 0.05, "per_token_s": 0.01}', Settings())
    begun = time.perf_counter()
    tokens, _ = await said(model, Prompt("q", ()))

    assert tokens == ["word1", " word2", " word3"]
    assert time.perf_counter() - begun >= 0.07


async def test_scripted_fails_as_often_and_as_late_as_told() -> None:
    """Then it answers."""
    model = open_language_model('scripted:{"tokens": 3, "fail_times": 1, "fail_after": 2}', Settings())
    stream = model.stream(Prompt("q", ()))
    before = [await anext(stream), await anext(stream)]
    with pytest.raises(ModelUnavailable, match="after 2 tokens"):
        await anext(stream)

    assert before == ["word1", " word2"]
    assert len((await said(model, Prompt("q", ())))[0]) == 3


@pytest.mark.full
@pytest.mark.parametrize("name", SERVED_NAMES)
@pytest.mark.parametrize("out", [1, 50, 199, 200])
async def test_a_served_model_goes_on_where_its_text_broke_off(name: str, out: int, ollama_server: Settings) -> None:
    """Byte by byte as if nothing had happened, also when all of it is out."""
    words, _ = await said(a_model(name, ollama_server), PROMPTS[0])
    rest, _ = await said(a_model(name, ollama_server), PROMPTS[0], prefix="".join(words[:out]))

    assert reciting_model.TEXT == "".join(words) == "".join(words[:out] + rest)


@pytest.mark.full
@pytest.mark.parametrize("name", SERVED_NAMES)
async def test_a_served_model_says_why_it_ended_and_what_it_read(name: str, ollama_server: Settings) -> None:
    """At its end, or at the longest answer that the settings allow; tokens as the server counts them, and its prompt."""
    _, (whole,) = await said(a_model(name, ollama_server), PROMPTS[0])
    words, (short,) = await said(a_model(name, ollama_server, model_max_tokens=5), PROMPTS[0])

    assert ("stop", "length") == (whole.reason, short.reason)
    assert 5 == len(words) == short.usage.completion_tokens
    assert whole.usage.prompt_tokens > len(LAG)  # a character a token: it knows none of these words
    assert whole.prompt is not None
    assert "What is lag in time?" in whole.prompt


@pytest.mark.parametrize("name", ['scripted:{"converses": true}', *(pytest.param(name, marks=pytest.mark.full) for name in SERVED_NAMES)])
async def test_a_model_that_converses_is_told_of_the_conversation(name: str, request: pytest.FixtureRequest) -> None:
    """Real servers take a chat with turns before the question; its whole text is what the Finish holds, and the budget can measure it."""
    model = a_model(name, Settings() if name.startswith("scripted") else request.getfixturevalue("ollama_server"))
    turns = (Turn("What is a lane?", "It is a partition."), Turn("And a topic?", "It is a log."))
    prompt = PROMPTS[0]._replace(turns=turns, summary="- What is a key? → It decides the partition.")

    words, (told,) = await said(model, prompt)
    _, (alone,) = await said(model, PROMPTS[0])

    assert model.converses
    assert model.template is not None
    assert words == (await said(model, PROMPTS[0]))[0]
    assert model.template.asked(prompt).text == told.prompt
    assert told.usage.prompt_tokens > alone.usage.prompt_tokens


@pytest.mark.full
@pytest.mark.parametrize("backend", ["ollama", "openai"])
async def test_a_server_stops_to_compute_an_answer_that_nobody_reads(backend: str, ollama_server: Settings) -> None:
    """Many begin that would not end for minutes, more than the server computes at a time; each gets its turn."""
    model = a_model(f"{backend}:{reciting_model.ENDLESS}", ollama_server, model_max_tokens=100_000)
    begun = []
    for _ in range(12):
        async with aclosing(model.stream(PROMPTS[0])) as stream:
            begun.append(await anext(stream))

    assert ["Lag"] * 12 == begun


@pytest.mark.full
@pytest.mark.parametrize(("backend", "remedy"), [("ollama", "`ollama pull absent`"), ("openai", "ROXY_LANGUAGE_MODEL")])
async def test_a_model_that_the_server_does_not_have_is_refused(backend: str, remedy: str, ollama_server: Settings) -> None:
    """Trying again does not help; the remedy says what does."""
    with pytest.raises(ModelRefused, match="not found") as refused:
        await said(a_model(f"{backend}:absent", ollama_server), PROMPTS[0])

    assert remedy in refused.value.remedy


@pytest.mark.parametrize("backend", ["ollama", "openai"])
def test_a_package_that_is_absent_is_named(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setattr("connectors.language_model.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=f"extra `{backend}`"):
        open_language_model(f"{backend}:small", Settings())


@pytest.mark.parametrize("name", ["ollama_url", "openai_url"])
@pytest.mark.parametrize("url", ["127.0.0.1:11434", "ftp://127.0.0.1", "http://", "http://[", "http://host:port", "http://host:99999"])
def test_an_address_that_is_none_is_refused(name: str, url: str) -> None:
    """When the process starts, by the setting's name."""
    with pytest.raises(InvalidSetting, match=f"ROXY_{name.upper()} is no address"):
        open_language_model(f"{name[:6]}:small", Settings.model_validate({name: url}))


@pytest.mark.parametrize("setting", ["nonsense", "ollama", "ollama:", "openai:", "scripted:{", 'scripted:{"unknown": 1}', 'scripted:{"tokens": 0}'])
def test_an_unknown_model_or_script_is_refused(setting: str) -> None:
    """With the reason."""
    with pytest.raises(InvalidSetting):
        open_language_model(setting, Settings())
