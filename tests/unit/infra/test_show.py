"""What is printed for people."""

from __future__ import annotations

from pydantic import SecretStr

from infra.show import setting_rows
from schemas.settings import ApiKey, Settings


def test_no_secret_is_printed() -> None:
    """`roxy settings` can be pasted into a bug report."""
    given = Settings(
        api_keys=(ApiKey(key=SecretStr("s3cret"), tenant="acme"),), kafka_password=SecretStr("s3cret"), cursor_secret=SecretStr("s3cret")
    )
    printed = {row.name: row.value for row in setting_rows(given)}

    assert "s3cret" not in str(printed)
    assert printed["ROXY_API_KEYS"] == "•••• (acme/anonymous: ask)"


def test_every_setting_is_listed_with_its_meaning() -> None:
    """The command is the reference."""
    rows = setting_rows(Settings())

    assert len(Settings.model_fields) == len(rows)
    assert all(row.description for row in rows)
