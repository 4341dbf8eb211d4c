"""`roxy export` as users run it: questions that were answered, feedback on them, and training data out of a real Kafka."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from connectors.journal import open_journal
from schemas.settings import Settings
from tests.acceptance.roxy_command import roxy
from tests.builders import CONTEXT
from tests.unit.streams.exports.log import QUESTIONS, answered, usual_feedback

TENANT = "exporting"  # the topics hold what other tests judged


@pytest.fixture
async def judged(settings: Settings) -> Settings:
    """A log with answers and what people thought of them; some records came twice."""
    answers = [answered(number, sibling, tenant=TENANT) for number in range(QUESTIONS) for sibling in (0, 1)]
    feedback = [event.model_copy(update={"tenant": TENANT}) for event in usual_feedback()]
    async with open_journal(settings) as journal:
        await journal.append_all([*feedback[:5], *feedback], CONTEXT)
        await journal.append_all([*answers, *answers[:5]], CONTEXT)
    return settings


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


async def test_an_export_is_repeated_byte_by_byte_and_verified(judged: Settings, tmp_path: Path) -> None:
    """At the bounds that its manifest names, also when the log has grown; and what somebody has altered is found."""
    options = ("--tenant", TENANT, "--test-share", "0.3")
    said = roxy(judged, "export", "preferences", "--out", str(tmp_path / "one"), *options, "--json").json
    async with open_journal(judged) as journal:
        await journal.append_all([event.model_copy(update={"tenant": TENANT, "id": f"{event.id}:late"}) for event in usual_feedback()], CONTEXT)
    at = orjson.dumps({name: said[name]["end"] for name in ("feedback", "answers")}).decode()
    again = roxy(judged, "export", "preferences", "--out", str(tmp_path / "two"), "--at", at, *options)
    verified = roxy(judged, "export", "verify", str(tmp_path / "one"), "--json").json
    altered = tmp_path / "two" / "train.jsonl"
    altered.write_bytes(altered.read_bytes().replace(b"Text of", b"Test of", 1))
    found = roxy(judged, "export", "verify", str(tmp_path / "two"))

    assert ("", 0) == (again.stderr, again.exit_code)
    assert {"verified": True, "rows": 16, "findings": []} == verified
    assert (1, True, True) == (found.exit_code, "the text of" in found.stdout, "Test of" in found.stdout)
    altered.write_bytes(altered.read_bytes().replace(b"Test of", b"Text of", 1))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize("kind", ["kto", "sft", "reward", "prompts"])
async def test_every_kind_is_written_with_what_was_left_out(judged: Settings, tmp_path: Path, kind: str) -> None:
    """And how long the prompts are, which a trainer would not say."""
    (tmp_path / "gone.txt").write_text("bob\n")
    options = ("--tenant", TENANT, "--without-subjects", str(tmp_path / "gone.txt"))
    ran = roxy(judged, "export", kind, "--out", str(tmp_path / "out"), *options)

    assert 0 == ran.exit_code, ran.stderr
    assert all(part in ran.stdout for part in ("judgements of those left out", "tokens of a prompt, longest", "roxy export verify"))
    assert 0 == roxy(judged, "export", "verify", str(tmp_path / "out")).exit_code


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("kto", "--format", "openai"), "preferences only"),
        (("sft", "--balance"), "kto only"),
        (("sft", "--min-rating", "4"), "--min-rating"),
        (("sft", "--format", "csv"), "--format"),
        (("sft", "--tenant", "nobody"), "No row is left for sft"),
        (("sft", "--at", "soon"), "no position"),
        (("sft", "--since", "soon"), "no position"),
        (("sft", "--without-subjects", "/absent"), "cannot be read"),
    ],
)
async def test_what_cannot_be_exported_is_said_in_a_sentence(judged: Settings, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    """Without a traceback, and without a folder."""
    ran = roxy(judged, "export", *arguments, "--out", str(tmp_path / "out"))

    assert 1 == ran.exit_code
    assert ran.stderr.startswith("roxy: ")
    assert says in ran.stderr
    assert not (tmp_path / "out").exists()
