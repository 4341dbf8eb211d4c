"""`roxy bench routing`: 200 labelled questions through the real retrieval over the sample documents, and which tier each is routed to.

The labels (routing_questions.jsonl) say what a question needs, by one who read it, not by any rule: `simple` is one fact or a definition, `medium`
a how-to, several facts or a comparison of two, `hard` what has to be weighed, designed or put together from many places. The built-in
table was tuned on every second one; the others are held out, and their figures stand apart.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal, NamedTuple, get_args

from connectors.language_model.base import Prompt
from connectors.language_model.evidence import forget_evidence
from connectors.language_model.prompting import template
from connectors.tokenizer import open_tokenizer
from infra.bench.corpus import SAMPLES, TENANT
from infra.bench.report import Report, Wanted, quantiles, report
from infra.documents import find_documents
from infra.evaluation.indexing import Indexes
from schemas.answering_settings import Price
from schemas.events import ChunksRetrieved, QueryAsked, Tier
from schemas.settings import Settings
from streams.answering.budget import within
from streams.answering.conversation import Told
from streams.answering.routing import routed
from streams.ports import Ports
from streams.retrieval import retrieve
from streams.search.plan import Plan
from streams.turns import Turn
from streams.understanding.understand import understand
from streams.understanding.vocabulary import Vocabulary

Need = Literal["simple", "medium", "hard"]

#: USD for a million tokens: about what hosted models of these sizes cost. The extractive one, which is none, costs nothing.
PRICES: dict[Tier, Price] = {
    "extractive": Price(prompt=0, completion=0),
    "small": Price(prompt=0.15, completion=0.6),
    "medium": Price(prompt=0.8, completion=4),
    "large": Price(prompt=3, completion=15),
}
_ANSWER_TOKENS = 200  # of each answer, whoever gives it
_CHEAP: frozenset[Tier] = frozenset({"extractive", "small"})
_GOALS: dict[str, Wanted] = {
    "simple_to_cheap_share": (">=", 0.8),
    "simple_to_cheap_held_out_share": (">=", 0.8),
    "decision_unread_p99_ms": ("<=", 50),
}


class Labelled(NamedTuple):
    """A question, and what it needs."""

    text: str
    needs: Need
    held_out: bool


class Decided(NamedTuple):
    """What became of one."""

    question: Labelled
    tier: Tier
    prompt_tokens: int
    unread_ms: float  #: where nobody has read the chunks yet
    read_ms: float  #: where the worker has, while what was found travelled through the log


async def bench_routing(settings: Settings) -> Report:
    """Route each question, and count."""
    settings = settings.model_copy(update={"tiers": dict.fromkeys(get_args(Tier), "extractive"), "routing": True, "experimenting": False})
    documents = find_documents([SAMPLES / "docs"], tenant=TENANT, tags=(), max_bytes=settings.max_document_bytes).documents
    ports = (await Indexes(list(documents), settings).of(settings)).ports
    decided = [_decided(question, await _found(question, number, ports), settings) for number, question in enumerate(questions())]
    figures = {**_shares(decided), **_confusion(decided)}
    figures |= quantiles("decision_unread", [one.unread_ms for one in decided]) | quantiles("decision", [one.read_ms for one in decided])
    figures |= {"prompt_tokens_mean": sum(one.prompt_tokens for one in decided) / len(decided), "answer_tokens_assumed": _ANSWER_TOKENS}
    routed_usd, large_usd = _usd([(one.prompt_tokens, one.tier) for one in decided]), _usd([(one.prompt_tokens, "large") for one in decided])
    figures |= {"cost_of_1000_usd": routed_usd, "saved_against_all_large_share": 1 - routed_usd / large_usd}
    figures |= {f"price_{tier}_{kind}_usd_per_million": value for tier, price in PRICES.items() for kind, value in price}
    return report("routing", figures=figures, baseline={"cost_of_1000_usd": large_usd}, goals=_GOALS)


def questions() -> list[Labelled]:
    """All of them. The odd ones are held out."""
    lines = files("infra.bench").joinpath("routing_questions.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Labelled(row["text"], row["needs"], held_out=number % 2 == 1) for number, row in enumerate(rows, 1)]


async def _found(question: Labelled, number: int, ports: Ports) -> ChunksRetrieved:
    """As a worker looks it up, at the beginning of a session."""

    async def no_turns() -> Sequence[Turn]:
        return ()

    query_id = f"q{number}"
    asked = QueryAsked(id=query_id, tenant=TENANT, session_id="tbench", query_id=query_id, text=question.text)
    understanding = await understand(asked, history=no_turns, vocabulary=Vocabulary(ports.searched, ports.terms))
    plan = Plan.of(ports.settings)
    return await retrieve(asked, understanding, embedder=ports.embedder, index=ports.searched, plan=plan, reranker=ports.rerankers.get(plan.reranker))


def _decided(question: Labelled, found: ChunksRetrieved, settings: Settings) -> Decided:
    times = []
    forget_evidence()
    for _ in range(2):
        again = found.model_copy(deep=True)  # it comes anew from the log
        begun = time.perf_counter()
        tier = routed(again, settings).tier
        times.append((time.perf_counter() - begun) * 1000)
    assert tier is not None
    return Decided(question, tier, _prompt_tokens(found, settings), *times)


def _prompt_tokens(found: ChunksRetrieved, settings: Settings) -> int:
    """Of the prompt that a generating model is given."""
    words, tokenizer = template(settings.prompt, settings.prompts_dir), open_tokenizer(settings.tokenizer_file)
    prompt = within(Prompt(found.understanding.text, found.chunks), Told(), words, settings).prompt
    return sum(tokenizer.count(turn["content"]) for turn in words.asked(prompt).turns())


def _shares(decided: Sequence[Decided]) -> dict[str, float]:
    held_out = [one for one in decided if one.question.held_out]
    return {
        "simple_to_cheap_share": _share(decided, "simple", _CHEAP),
        "simple_to_cheap_held_out_share": _share(held_out, "simple", _CHEAP),
        "medium_to_medium_share": _share(decided, "medium", {"medium"}),
        "medium_to_medium_held_out_share": _share(held_out, "medium", {"medium"}),
        "hard_to_large_share": _share(decided, "hard", {"large"}),
        "hard_to_large_held_out_share": _share(held_out, "hard", {"large"}),
    }


def _share(decided: Sequence[Decided], needs: Need, tiers: frozenset[Tier] | set[Tier]) -> float:
    asked = [one for one in decided if one.question.needs == needs]
    return sum(one.tier in tiers for one in asked) / len(asked)


def _confusion(decided: Sequence[Decided]) -> dict[str, float]:
    """How many of each need went to each tier."""
    counts = Counter((one.question.needs, one.tier) for one in decided)
    return {f"{needs}_to_{tier}_questions": counts[needs, tier] for needs in get_args(Need) for tier in get_args(Tier)}


def _usd(prompts: Sequence[tuple[int, Tier]]) -> float:
    """What a thousand such questions cost."""
    each = [tokens * PRICES[tier].prompt + _ANSWER_TOKENS * PRICES[tier].completion for tokens, tier in prompts]
    return sum(each) / len(each) * 1_000 / 1e6
