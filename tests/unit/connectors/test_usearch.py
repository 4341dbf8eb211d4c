"""Of the usearch index, what no contract asks; tests/contract/test_vector_index.py has the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest
import usearch

from connectors.vector_index import open_vector_index
from connectors.vector_index import usearch as backend
from connectors.vector_index.usearch import UsearchIndex
from schemas.errors import InvalidSetting


async def test_the_name_of_what_was_saved_says_its_form(tmp_path: Path) -> None:
    """A worker of another version knows by it whether it can read the files. Whoever changes what is in them changes the name."""
    index = UsearchIndex(4)
    await index.upsert("a", ["d#0", "d#1", "d#2"], np.eye(3, 4, dtype=np.float32))
    await index.upsert("a", ["d#1"], np.eye(1, 4, dtype=np.float32))
    await index.save(tmp_path)

    assert ["d#0", "", "d#2", "d#1"] == orjson.loads((tmp_path / "a.chunks").read_bytes())
    assert f"usearch {usearch.__version__} bf16, ids by place" == index.saved_as


def test_a_usearch_that_does_not_give_vectors_back_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What gives them is not part of its documented interface: without it a worker must not start, and fail at the first question."""
    monkeypatch.setattr(backend, "Compiled", object)
    with pytest.raises(InvalidSetting, match=usearch.__version__):
        open_vector_index("usearch", 4)
