"""Fold: the rows of a plan, from the log up to its bounds. Called by `roxy export` and by its verification, which therefore agree.

Sessions come one after the other; of each only its rows are kept, on disk: in memory they are half a KiB each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from connectors.journal.base import Journal
from connectors.tokenizer.base import Tokenizer
from schemas.events import Feedback, FeedbackGiven
from streams.exports.answer_rows import kto_rows, prompt_rows, sft_rows
from streams.exports.filters import reason_against
from streams.exports.kept_rows import Kept, Rows, set_aside
from streams.exports.pair_rows import pair_rows
from streams.exports.personal_data import Scrubber
from streams.exports.plan import Kind, Plan
from streams.exports.pseudonyms import Pseudonyms
from streams.exports.row import Row
from streams.exports.split import SPLITS, Split, balanced, distinct, split_of
from streams.preferences.replay import Bounds, Judged, judged_sessions
from streams.replay import Advance
from streams.set_aside import SetAside

_MAKERS: dict[Kind, Callable[[Judged, Plan, Pseudonyms, Counter[str]], Iterator[Row]]] = {
    "preferences": pair_rows,
    "reward": pair_rows,
    "kto": kto_rows,
    "sft": sft_rows,
    "prompts": prompt_rows,
}


class Tools(NamedTuple):
    """What a fold is done with."""

    names: Pseudonyms
    tokenizer: Tokenizer
    scrubber: Scrubber | None = None  #: None: personal data is kept


class Folded(NamedTuple):
    """The rows, by split, in order of their ids; and how many were left out, by reason."""

    splits: dict[Split, Rows]
    dropped: dict[str, int]


async def folded(journal: Journal, bounds: Bounds, plan: Plan, tools: Tools, advance: Advance = lambda _: None) -> Folded:
    """Raises LogUnavailable."""
    rows, aside = list[Kept](), SetAside[Row]()
    dropped: Counter[str] = Counter()
    async for judged in judged_sessions(journal, bounds, advance):
        rows += [set_aside(row, aside) for row in _rows_of(judged, plan, tools, dropped)]
    rows.sort(key=lambda row: row.row_id)
    kept = distinct(rows) if plan.deduplicate else rows
    dropped["said already"] = len(rows) - len(kept)
    splits = {split: [row for row in kept if split_of(row.prompt_hash, plan.test_share) == split] for split in SPLITS}
    if plan.balance:
        train = balanced(splits["train"])  # what is tested on stays as it is in life
        dropped["balanced away"], splits["train"] = len(splits["train"]) - len(train), train
    return Folded(
        {split: Rows(aside, found) for split, found in splits.items()}, {reason: count for reason, count in sorted(dropped.items()) if count}
    )


def _rows_of(judged: Judged, plan: Plan, tools: Tools, dropped: Counter[str]) -> Sequence[Row]:
    """Those of one session."""
    if not judged.feedback or plan.tenant not in (None, judged.feedback[0].tenant):
        return ()
    allowed = [event for event in judged.feedback if not _left_out(event, plan, tools.names)]
    dropped["judgements of those left out"] += len(judged.feedback) - len(allowed)
    found = []
    for row in _MAKERS[plan.kind](judged._replace(feedback=tuple(allowed)), plan, tools.names, dropped):
        reason = reason_against(row, plan, tools.tokenizer)
        if reason is None:
            found.append(tools.scrubber.scrubbed(row) if tools.scrubber else row)
        else:
            dropped[reason] += 1
    return found


def _left_out(event: Feedback, plan: Plan, names: Pseudonyms) -> bool:
    """By who judged, or by the session."""
    rater = event.given_by if isinstance(event, FeedbackGiven) else event.retracted_by
    return bool(plan.without) and not {names.left_out(rater), names.left_out(f"session:{event.session_id}")}.isdisjoint(plan.without)
