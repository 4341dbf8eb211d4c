"""What `roxy up` is going to run, and where."""

from __future__ import annotations

import pytest

from infra.up import planned
from schemas.errors import InvalidSetting
from schemas.settings import Settings


def test_each_process_has_ports_of_its_own() -> None:
    """The API on the ports from ROXY_API_PORT, workers' health a hundred above."""
    plan = planned(Settings(api_port=8000), 2, 2)

    assert [(one.name, one.address) for one in plan] == [
        ("worker-1", "127.0.0.1:8100"),
        ("worker-2", "127.0.0.1:8101"),
        ("api-1", "127.0.0.1:8000"),
        ("api-2", "127.0.0.1:8001"),
    ]


@pytest.mark.parametrize(("host", "address"), [("0.0.0.0", "127.0.0.1:8000"), ("::1", "[::1]:8000"), ("10.0.0.5", "10.0.0.5:8000")])
def test_readiness_is_asked_where_the_api_listens(host: str, address: str) -> None:
    """An address that stands for all is asked on loopback."""
    assert address == planned(Settings(api_host=host), 0, 1)[0].address


def test_a_port_must_be_known() -> None:
    """Port 0 means any free one, which nobody could then find."""
    with pytest.raises(InvalidSetting, match="ROXY_API_PORT"):
        planned(Settings(api_port=0), 1, 1)
