"""infra/bench/replay.py: only a whole replay is measured."""

from __future__ import annotations

import pytest

from infra.bench.lanes import RECORDS
from infra.bench.replay import check_whole


@pytest.mark.parametrize("less", [{"records": 10 * RECORDS - 1}, {"answers": 9}])
def test_a_replay_that_read_less_than_there_was_is_no_measurement(less: dict[str, float]) -> None:
    """It would be the faster one."""
    check_whole(10 * RECORDS, {"records": 10 * RECORDS, "answers": 10})

    with pytest.raises(RuntimeError, match="were read, of 640 and 10"):
        check_whole(10 * RECORDS, {"records": 10 * RECORDS, "answers": 10, **less})
