"""Card: the README.md of an export, as `datasets` and the Hugging Face hub read it: which file is which split, then words for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.exports.columns import trained_columns
from streams.exports.lengths import TRL_MAX_LENGTH
from streams.exports.manifest import Manifest
from streams.exports.personal_data import DETECTORS
from streams.exports.plan import Kind

NAME = "README.md"
_WHAT: Mapping[Kind, str] = {
    "preferences": "Pairs of answers of which one is preferred, with their prompt: for TRL's DPOTrainer.",
    "reward": "Pairs of whole conversations of which one is preferred: for TRL's RewardTrainer.",
    "kto": "Single answers, desirable or not, from marks: for TRL's KTOTrainer.",
    "sft": "Prompts with corrections and with well-rated answers: for TRL's SFTTrainer.",
    "prompts": "Prompts of which an answer was judged: for TRL's trainers that make their own answers.",
}


def card(manifest: Manifest) -> str:
    """The page. Nothing in it depends on when or where it is written."""
    parts = (_front_matter(manifest), _what(manifest), _settings(manifest), _counts(manifest), _personal_data(manifest), _origin(manifest))
    return "\n".join(line for part in parts for line in (*part, ""))


def _front_matter(manifest: Manifest) -> Iterable[str]:
    yield from ("---", f"pretty_name: Roxy, {manifest.plan.kind}", "tags:", "- roxy", f"- {manifest.plan.kind}", "configs:", "- config_name: default")
    yield "  data_files:"
    for file in manifest.files:
        if file.split is not None and not file.name.startswith("provenance/"):
            yield from (f"  - split: {file.split}", f"    path: {file.name}")
    yield "---"


def _what(manifest: Manifest) -> Iterable[str]:
    yield from (f"# {manifest.plan.kind.capitalize()}", "", _WHAT[manifest.plan.kind])
    yield f"Trained on: {', '.join(f'`{name}`' for name in trained_columns(manifest.plan.kind))}. All other columns say where a row comes from."


def _settings(manifest: Manifest) -> Iterable[str]:
    yield from ("## What was asked for", "")
    for name, value in manifest.plan.model_dump(exclude={"without"}).items():
        yield f"- {name}: {_words(value)}"
    yield f"- left out by their own wish: {len(manifest.plan.without)} people or sessions"


def _counts(manifest: Manifest) -> Iterable[str]:
    lengths = manifest.lengths
    yield from ("## What is here", "")
    yield from (f"- {split}: {count} rows" for split, count in manifest.rows.items())
    yield from (f"- left out, {reason}: {count}" for reason, count in manifest.left_out.items())
    yield from (f"- {name}, to train on: {count}" for name, count in manifest.labels.items())
    yield (
        f"- tokens of a prompt ({lengths['tokenizer']}): half of them have up to {lengths['p50']}, 95 of 100 up to {lengths['p95']}, "
        f"the longest {lengths['longest']}. {lengths['over_1024']} rows have {TRL_MAX_LENGTH} or more: trainers of TRL drop them "
        "without a word, unless `max_length` is set."
    )


def _personal_data(manifest: Manifest) -> Iterable[str]:
    yield from ("## Personal data", "")
    if manifest.plan.pii == "keep":
        yield "Texts are as they were written: nothing was looked for. Raters stand here as salted hashes."
        return
    yield f"Looked for by patterns and checksums, and replaced by its kind: {', '.join(DETECTORS)} of presidio."
    yield "Names of people and places have no pattern: they are not found. Raters stand here as salted hashes."
    yield from (("",) if manifest.scrubbed else ())
    yield from (f"- {kind}: {count}" for kind, count in manifest.scrubbed.items())


def _origin(manifest: Manifest) -> Iterable[str]:
    yield from ("## Where it comes from", "")
    for topic, where in (("feedback", manifest.feedback), ("answers", manifest.answers)):
        offsets = ", ".join(f"{partition}:{offset}" for partition, offset in where.end.items())
        yield f"- topic `{topic}` up to offsets {offsets}"
    yield from ("", "`roxy export verify` makes the rows again from these records and compares them.")


def _words(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "any"
    return "any" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
