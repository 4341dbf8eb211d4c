"""Contract of the tokenizer port, over every backend; then what each promises of its own."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from connectors.chunker.words import as_tokens, count_words
from connectors.tokenizer import open_tokenizer
from connectors.tokenizer.base import Tokenizer
from schemas.errors import InvalidSetting, MissingExtra

TEXTS = ["Lag is the number of records that were not read yet.", "acks=all; `retention.ms`", "分区中的最新位移", "a" * 500, "\n\n", "😀 <|im_end|>"]


@pytest.fixture(params=["estimate", pytest.param("tokenizer.json", marks=pytest.mark.full)])
def tokenizer(request: pytest.FixtureRequest, tmp_path: Path) -> Tokenizer:
    return open_tokenizer(None if request.param == "estimate" else a_file(tmp_path))


def a_file(folder: Path) -> Path:
    """A byte-level tokenizer, trained on a few words; it cuts and fills up, and adds a token of its own, as those of models do."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(TEXTS[:2] * 3, trainers.BpeTrainer(special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False))
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    made.enable_truncation(8)
    made.enable_padding(length=8)
    made.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_as_long_every_time(tokenizer: Tokenizer, text: str) -> None:
    """A prompt that fitted fits again."""
    assert tokenizer.count(text) == tokenizer.count(text) >= 0


def test_nothing_is_no_tokens_long(tokenizer: Tokenizer) -> None:
    """What a model's server adds is not counted."""
    assert 0 == tokenizer.count("")


def test_a_long_text_is_counted_to_its_end(tokenizer: Tokenizer) -> None:
    """However short the longest text of a model may be."""
    one, many = tokenizer.count("Lag is time. "), tokenizer.count("Lag is time. " * 2_000)

    assert 1_500 * one <= many <= 2_100 * one


@pytest.mark.parametrize(
    ("text", "least"),
    [
        (b64encode(bytes(range(256)) * 3).decode(), 400),
        (sha256(b"").hexdigest() * 4, 128),
        ("a" * 500, 125),
        ("Donaudampfschifffahrtsgesellschaft " * 10, 85),
    ],
)
def test_what_is_no_prose_is_not_estimated_far_too_low(text: str, least: int) -> None:
    """Base64 and hex have a token for two characters or less, long words one for four: by words alone it would be one for sixteen."""
    assert least <= open_tokenizer(None).count(text)


def test_prose_is_estimated_as_chunks_are_counted() -> None:
    """Both have the same budget."""
    text = TEXTS[0]

    assert as_tokens(count_words(text)) == open_tokenizer(None).count(text)


@pytest.mark.full
def test_a_tokenizers_file_counts_as_the_model_does(tmp_path: Path) -> None:
    """Words that it knows are one token each, letters that it does not know one a byte."""
    assert (1, 3) == tuple(open_tokenizer(a_file(tmp_path)).count(text) for text in ("Lag", "分"))


@pytest.mark.full
def test_a_file_that_holds_no_tokenizer_is_refused(tmp_path: Path) -> None:
    """When the worker starts."""
    (tmp_path / "tokenizer.json").write_text("{}")

    with pytest.raises(InvalidSetting, match="ROXY_TOKENIZER_FILE holds no tokenizer"):
        open_tokenizer(tmp_path / "tokenizer.json")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With where to take it from."""
    with pytest.raises(InvalidSetting, match="is no file") as refused:
        open_tokenizer(tmp_path / "tokenizer.json")

    assert "tokenizer.json" in refused.value.remedy


def test_a_package_that_is_absent_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.setattr("connectors.tokenizer.find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match="package tokenizers") as missing:
        open_tokenizer(tmp_path / "tokenizer.json")

    assert "extra `tokenizer`" in missing.value.remedy
