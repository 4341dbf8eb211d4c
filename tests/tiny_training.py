"""A tiny random model, trained for a few steps by TRL: the judge of what exports look like. Needs no network and no weights."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any, Literal

os.environ["HF_HUB_OFFLINE"] = "1"

Trainer = Literal["DPO", "KTO", "Reward", "SFT"]
_TEMPLATE = "{% for turn in messages %}<|{{ turn.role }}|>{{ turn.content }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
_BATCH = 4  # KTO takes no less
_MAX_LENGTH = 512


def read_dataset(folder: Path, cache: Path) -> Any:
    """The splits, as the folder's card says."""
    import datasets

    return datasets.load_dataset(str(folder), cache_dir=str(cache))


def train(name: Trainer, rows: Any, work: Path, steps: int) -> int:
    """How many steps there were. A row that the trainer cannot use is dropped without a word, and without rows there is no step."""
    import trl

    tokenizer = _tokenizer()
    model = _model(name, tokenizer)
    options = {"output_dir": str(work), "max_steps": steps, "per_device_train_batch_size": _BATCH, "max_length": _MAX_LENGTH}
    config = getattr(trl, f"{name}Config")(**options, use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True)
    # Without a copy it would be looked for by the name of the model, which has none.
    extra = {"ref_model": copy.deepcopy(model)} if name in ("DPO", "KTO") else {}
    trainer = getattr(trl, f"{name}Trainer")(model=model, args=config, train_dataset=rows, processing_class=tokenizer, **extra)
    trainer.train()
    return int(trainer.state.global_step)


def _model(name: Trainer, tokenizer: Any) -> Any:
    """Two layers. A reward model has one number to say."""
    import torch
    from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

    torch.manual_seed(1)
    ends = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.eos_token_id}
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2, n_positions=1_024, num_labels=1, **ends)
    return GPT2ForSequenceClassification(config) if name == "Reward" else GPT2LMHeadModel(config)


def _tokenizer() -> Any:
    """Bytes, and a few pairs of them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer, bare.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<eos>", "<pad>"], initial_alphabet=alphabet, show_progress=False)
    bare.train_from_iterator(["What is kept in place? The text of an answer."], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bare, eos_token="<eos>", pad_token="<pad>")
    tokenizer.chat_template = _TEMPLATE
    return tokenizer
