"""What a model's server is asked, and what is made of an answer that comes whole."""

from __future__ import annotations

import pytest

from connectors.language_model.base import Finish, Turn
from connectors.tokenizer.estimate import EstimatedTokens
from schemas.events import Usage
from tests.contract.model_servers import OLLAMA, OPENAI, PROMPT, Dialect, Reply, answers, heard, serving


async def test_turns_are_sent_in_the_roles_that_they_had(dialect: Dialect) -> None:
    """As the protocol has it: system, the turns before, the question; and what is out already as the last."""
    prompt = PROMPT._replace(turns=(Turn("What is a lane?", "A partition."),), summary="- What is a key? → A name.")
    async with serving(dialect, answers) as server:
        [part async for part in dialect.model(server.port, model_resumes="prefix").stream(prompt, prefix="Lag")]
    sent = server.replies[0].body["messages"]

    assert ["system", "user", "assistant", "user", "assistant"] == [turn["role"] for turn in sent]
    assert ["Question: What is a lane?", "A partition."] == [turn["content"] for turn in sent[1:3]]
    assert sent[3]["content"].startswith("<earlier>\n- What is a key? → A name.\n</earlier>")
    assert "Lag" == sent[4]["content"]


async def test_an_answer_is_tokens_usage_reason_and_the_prompt(dialect: Dialect) -> None:
    """As the server counts them; the prompt is what it was given."""
    async with serving(dialect, answers) as server:
        *tokens, finish = await heard(dialect.model(server.port))

    assert ["Lag", " is", " time."] == tokens
    assert isinstance(finish, Finish)
    assert (Usage(prompt_tokens=11, completion_tokens=3), "stop") == (finish.usage, finish.reason)
    assert all(turn["content"] in (finish.prompt or "") for turn in server.replies[0].body["messages"])
    assert server.replies[0].path == dialect.path


async def test_an_answer_that_was_too_long_says_so(dialect: Dialect) -> None:
    """So that nobody takes it for whole."""

    async def is_long(reply: Reply) -> None:
        await reply.say("Lag")
        await reply.end("length")

    async with serving(dialect, is_long) as server:
        *_, finish = await heard(dialect.model(server.port))

    assert isinstance(finish, Finish)
    assert finish.reason == "length"


async def test_the_server_is_told_what_the_settings_say(dialect: Dialect) -> None:
    """Temperature, longest answer, seed, key."""
    told = {"model_temperature": 0.5, "model_max_tokens": 77, "model_seed": 3, "ollama_key": "secret", "openai_key": "secret"}
    async with serving(dialect, answers) as server:
        model = dialect.model(server.port, **told)
        await heard(model)
    body, options = server.replies[0].body, server.replies[0].body.get("options", server.replies[0].body)

    assert ("small", True) == (body["model"], body["stream"])
    assert (0.5, 77, 3) == (options["temperature"], options.get("num_predict") or options.get("max_tokens"), options["seed"])
    assert server.replies[0].headers["authorization"] == "Bearer secret"
    assert "secret" not in str(model.parameters)


async def test_without_a_key_none_is_sent(dialect: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing that the packages would find in the environment by themselves."""
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, "somebody-elses")
    async with serving(dialect, answers) as server:
        await heard(dialect.model(server.port))

    assert "somebody-elses" not in str(server.replies[0].headers)
    assert not server.replies[0].headers.get("authorization")


async def test_no_proxy_leads_to_this_machine(dialect: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the environment names for everything else would be asked for a server that it cannot reach."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(dialect, answers) as server:
        *tokens, _ = await heard(dialect.model(server.port))

    assert ["Lag", " is", " time."] == tokens


async def test_what_is_out_already_is_the_models_last_turn(dialect: Dialect) -> None:
    """For a model that goes on behind it, and one that cannot is never given it."""
    async with serving(dialect, answers) as server:
        model = dialect.model(server.port, model_resumes="prefix")
        await heard(model, prefix="It is so:")
        restarting = dialect.model(server.port, model_resumes="restart")
    body = server.replies[0].body

    assert ("prefix", "restart") == (model.resumes, restarting.resumes)
    assert {"role": "assistant", "content": "It is so:"} == body["messages"][-1]
    assert dialect is OLLAMA or (True, False) == (body["continue_final_message"], body["add_generation_prompt"])


async def test_what_is_out_already_counts_into_the_longest_answer(dialect: Dialect) -> None:
    """As the tokenizer counts it; where all is out, a server still has to be asked for something."""
    prefixes = ("", "It is so:", "and so on " * 50)
    async with serving(dialect, answers) as server:
        model = dialect.model(server.port, model_resumes="prefix", model_max_tokens=50)
        for prefix in prefixes:
            await heard(model, prefix=prefix)
    sent = [reply.body["options"]["num_predict"] if dialect is OLLAMA else reply.body["max_tokens"] for reply in server.replies]

    assert [50, 50 - EstimatedTokens().count(prefixes[1]), 1] == sent


async def test_without_usage_the_tokens_are_counted() -> None:
    """Some endpoints do not know `stream_options`."""

    async def counts_nothing(reply: Reply) -> None:
        await reply.say("Lag", " is")
        await reply.send(b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n')
        await reply.close()

    async with serving(OPENAI, counts_nothing) as server:
        *_, finish = await heard(OPENAI.model(server.port))

    assert isinstance(finish, Finish)
    assert finish.usage == Usage(completion_tokens=2)
