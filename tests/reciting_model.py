"""A language model of 1 MB that recites: made in code, so that tests have a real model on a real server and download nothing.

Its tokens are whole words; its weights say of each word which one comes next, whatever was asked. So it says the same every time, ends with
an end-of-text token, and goes on rightly behind any beginning of its text: what a test needs of a model that resumes by prefix.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType
from ollama import AsyncClient

NAME = "reciting"
ENDLESS = "endless"  #: begins again behind its last word
WORDS = 200
TEXT = " ".join(["Lag", "is", "told", "by", *(f"word{number}" for number in range(1, WORDS - 4)), "[1]"])
#: What `ollama create` is told: a chat template that ends where the model's turn begins, or where it broke off.
TEMPLATE = "{{ if .System }}{{ .System }}\n{{ end }}{{ .Prompt }}\n<answer>{{ .Response }}"

_WIDTH, _HEADS, _LAYERS, _CONTEXT = 128, 2, 2, 16_384
_UNKNOWN, _BEGIN, _END, _START = range(4)
_BYTES = 4  # the first of 256 tokens that stand for a byte each: any prompt can be read
_FIRST_WORD = _BYTES + 256


async def create(url: str, folder: Path) -> None:
    """Make both on the Ollama server at that address. One thread computes: several would spin while others have the cores."""
    async with AsyncClient(url, trust_env=False) as client:
        for name in (NAME, ENDLESS):
            file = folder / f"{name}.gguf"
            write(file, endless=name == ENDLESS)
            digest = await client.create_blob(file)
            await client.create(name, files={file.name: digest}, template=TEMPLATE, parameters={"num_thread": 1})


def write(file: Path, *, endless: bool = False) -> None:
    """The model, in GGUF."""
    words = _words()
    writer = GGUFWriter(file, "llama")
    _add_shape(writer, _FIRST_WORD + len(words))
    _add_tokens(writer, words)
    _add_weights(writer, len(words), last=_FIRST_WORD if endless else _END)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _words() -> list[str]:
    """Each with the space before it."""
    first, *others = TEXT.split(" ")
    return [first, *(f" {word}" for word in others)]


def _add_shape(writer: GGUFWriter, tokens: int) -> None:
    writer.add_vocab_size(tokens)
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_WIDTH)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(0)


def _add_tokens(writer: GGUFWriter, words: Sequence[str]) -> None:
    """Words are tokens of the user's: found in a text before anything else is, so a text is always cut in the same way."""
    special = ["<unk>", "<s>", "</s>", "<answer>"]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, TokenType.USER_DEFINED]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*special, *(f"<0x{byte:02X}>" for byte in range(256)), *words])
    writer.add_token_types([*kinds, *([TokenType.BYTE] * 256), *([TokenType.USER_DEFINED] * len(words))])
    writer.add_token_scores([0.0] * (_FIRST_WORD + len(words)))
    writer.add_bos_token_id(_BEGIN)
    writer.add_eos_token_id(_END)
    writer.add_unk_token_id(_UNKNOWN)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)


def _add_weights(writer: GGUFWriter, words: int, *, last: int) -> None:
    """Attention and feed-forward add nothing, so the last token alone decides: the output's row of a word is the embedding of the one before."""
    tokens = _FIRST_WORD + words
    embedding = np.random.default_rng(0).standard_normal((tokens, _WIDTH)).astype(np.float32)
    output = np.zeros_like(embedding)
    says = [_START, *range(_FIRST_WORD, tokens)]
    np.add.at(output, [*says[1:], last], embedding[says])  # two words may be followed by the same
    nothing, ones = np.zeros((_WIDTH, _WIDTH), dtype=np.float32), np.ones(_WIDTH, dtype=np.float32)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", ones)
    writer.add_tensor("output.weight", output)
    for layer in range(_LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", nothing)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", ones)
