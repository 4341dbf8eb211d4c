"""Space: what `roxy tune` varies, and in which steps. A trial draws parameters; `changes` makes settings of them.

The steps are coarse on purpose: a few hundred questions cannot tell 0.43 from 0.45, and settings that were tried need not be tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

Parameters = Mapping[str, Any]


class Trial(Protocol):
    """What Optuna hands out: it draws the parameters."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int: ...

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None) -> float: ...

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any: ...


class Space(NamedTuple):
    """Which parts there are to vary."""

    cutting: bool  #: documents are cut
    vectors: bool  #: and what is found by them has to be weighed against the keywords

    def draw(self, trial: Trial) -> None:
        """Draw every parameter that matters; one that another makes idle is not drawn."""
        if self.cutting:
            trial.suggest_int("chunk_tokens", 100, 800, step=50)
            trial.suggest_float("overlap_share", 0.0, 0.4, step=0.1)
        trial.suggest_categorical("candidates", [50, 100, 200, 400])
        trial.suggest_float("diversity", 0.0, 0.4, step=0.1)
        if not self.vectors:
            return
        if trial.suggest_categorical("fusion", ["weighted", "rrf"]) == "weighted":
            trial.suggest_float("keyword_weight", 0.1, 0.9, step=0.1)
        trial.suggest_float("smoothing", 0.0, 0.5, step=0.1)
        if trial.suggest_int("feedback_chunks", 0, 10) > 0:
            trial.suggest_float("feedback_weight", 0.1, 1.0, step=0.1)


def changes(parameters: Parameters) -> dict[str, Any]:
    """The settings that parameters stand for. The least chunk follows from the largest: a quarter of it, as by default."""
    made = {name: value for name, value in parameters.items() if name != "overlap_share"}
    if "chunk_tokens" in made:
        tokens = int(made["chunk_tokens"])
        made |= {"chunk_overlap": round(tokens * parameters["overlap_share"]), "chunk_min_tokens": tokens // 4}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in made.items()}
