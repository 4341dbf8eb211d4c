"""Contract of the reranker port, over a tiny cross-encoder that is made here, with random weights: no weights can be had without a network."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from connectors.reranker import open_reranker
from connectors.reranker.base import Reranker
from schemas.errors import InvalidSetting, ModelUnavailable

WORDS = ["lag", "is", "the", "distance", "between", "end", "of", "a", "partition", "and", "group", "cats", "sleep", "on", "warm", "radiators", "what"]
TEXTS = ["lag is the distance", "cats sleep on warm radiators " * 20, "", "a group and the end of a partition"]


def save_cross_encoder(folder: Path, labels: int = 1) -> str:
    """A BERT of one layer, with a vocabulary of a few words."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(0)
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    sizes = {"vocab_size": len(WORDS) + 5, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertForSequenceClassification(BertConfig(**sizes, max_position_embeddings=64, num_labels=labels, initializer_range=1.0)).save_pretrained(folder)
    return f"cross-encoder:{folder}"


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    opened = open_reranker(save_cross_encoder(tmp_path_factory.mktemp("cross-encoder")))
    assert opened is not None
    return opened


@pytest.mark.full
async def test_each_text_has_its_number_in_order(reranker: Reranker) -> None:
    """Whatever it is asked with, up to rounding; the question matters too."""
    together = await reranker.score("what is lag", TEXTS * 5)
    alone = [(await reranker.score("what is lag", [text]))[0] for text in TEXTS]

    assert [pytest.approx(score, abs=1e-4) for score in alone] * 5 == together
    assert len(set(alone)) == len(alone)
    assert alone != await reranker.score("cats", TEXTS)


@pytest.mark.full
async def test_no_text_has_no_number(reranker: Reranker) -> None:
    """Nothing was found."""
    assert [] == await reranker.score("what is lag", [])


@pytest.mark.full
async def test_a_cancelled_call_is_not_computed_to_its_end(reranker: Reranker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one under way stops before its next batch, the one in the line never begins: who comes after them does not wait for nobody."""
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    computed: list[str] = []

    class Slow(type(reranker)):  # type: ignore[misc]
        def _forward(self, pairs: list[tuple[str, str]]) -> list[float]:
            computed.append(pairs[0][0])
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(30)
            scores: Any = super()._forward(pairs)
            return list(scores)

    monkeypatch.setattr(reranker, "__class__", Slow)
    calls = [asyncio.create_task(reranker.score(question, ["lag"] * 100)) for question in ("first", "queued")]
    await begun.wait()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    go_on.set()
    await reranker.score("third", ["lag"])

    assert ["first", "third"] == computed


@pytest.mark.full
def test_a_model_that_is_no_reranker_is_refused(tmp_path: Path) -> None:
    """One that is not there, and one that sorts texts into classes."""
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        open_reranker(f"cross-encoder:{tmp_path / 'nowhere'}")
    with pytest.raises(ModelUnavailable, match="3 labels"):
        open_reranker(save_cross_encoder(tmp_path, labels=3))


def test_none_opens_nothing_and_an_unknown_name_is_refused() -> None:
    """`none` leaves the order as it was found."""
    assert open_reranker("none") is None
    for setting in ("nonsense", "cross-encoder", "cross-encoder:"):
        with pytest.raises(InvalidSetting, match="names no reranker"):
            open_reranker(setting)
