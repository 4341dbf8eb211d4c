"""Settings: read once from the environment; a mistake there names the variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.errors import InvalidSetting
from schemas.settings import PREFIX, Settings, load_settings

_KEYS = '[{"key": "open-sesame", "tenant": "acme", "roles": ["ask", "ingest"]}]'


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_without_any_setting_there_are_defaults() -> None:
    """Roxy runs on one machine without being told anything."""
    settings = load_settings()

    assert settings == Settings()
    assert settings.bootstrap == "127.0.0.1:9092"
    assert settings.api_host == "127.0.0.1"


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each under its own name: numbers, choices, paths, and keys as JSON."""
    for name, text in {"KAFKA_BOOTSTRAP": "k:1,l:2", "PARTITIONS": "3", "STATE_DIR": "/tmp/s", "API_KEYS": _KEYS}.items():
        monkeypatch.setenv(PREFIX + name, text)
    settings = load_settings()

    assert (settings.bootstrap, settings.partitions, settings.state_dir) == ("k:1,l:2", 3, Path("/tmp/s"))
    assert (settings.api_keys[0].tenant, settings.api_keys[0].roles) == ("acme", ("ask", "ingest"))
    assert settings.api_keys[0].key.get_secret_value() == "open-sesame"


def test_folders_follow_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    """State and downloads go where the user keeps such things."""
    monkeypatch.setenv("XDG_STATE_HOME", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    settings = load_settings()

    assert (settings.state_dir, settings.cache_dir) == (Path("/a/roxy"), Path("/b/roxy"))


@pytest.mark.parametrize("names", [("ROXY_KAFKA_BOOTSTRP",), ("ROXY_", "ROXY_Top_K"), ("ROXY_TOPK", "ROXY_NONSENSE")])
def test_an_unknown_name_is_an_error(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> None:
    """A typing error in a name does not leave the default in force; all such names are named."""
    for name in names:
        monkeypatch.setenv(name, "1")
    with pytest.raises(InvalidSetting) as caught:
        load_settings()

    assert caught.value.detail == f"Unknown setting {', '.join(sorted(names))}."
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "text", "detail"),
    [
        ("ROXY_KAFKA_PORT", "many", "ROXY_KAFKA_PORT: "),
        ("ROXY_KAFKA_PORT", "65536", "ROXY_KAFKA_PORT: "),
        ("ROXY_TOP_K", "0", "ROXY_TOP_K: "),
        ("ROXY_SSE_HEARTBEAT_S", "16", "ROXY_SSE_HEARTBEAT_S: "),
        ("ROXY_SESSION_PLACEMENT", "cellar", "ROXY_SESSION_PLACEMENT: "),
        ("ROXY_API_KEYS", "open-sesame", "ROXY_API_KEYS: not valid JSON."),
        ("ROXY_API_KEYS", '[{"tenant": "acme"}]', "ROXY_API_KEYS, 0, key: "),
        ("ROXY_API_KEYS", '[{"key": "open-sesame", "roles": ["king"]}]', "ROXY_API_KEYS, 0, roles, 0: "),
        ("ROXY_API_KEYS", '[{"key": "open-sesame", "tenant": "No Tenant"}]', "ROXY_API_KEYS, 0, tenant: "),
        ("ROXY_API_KEYS", '[{"key": "open-sesame", "colour": "red"}]', "ROXY_API_KEYS, 0, colour: "),
    ],
)
def test_a_value_that_does_not_fit_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, text: str, detail: str) -> None:
    """And does not repeat a key that may stand in it."""
    monkeypatch.setenv(name, text)
    with pytest.raises(InvalidSetting) as caught:
        load_settings()

    assert caught.value.detail.startswith(detail)
    assert "open-sesame" not in str(caught.value)


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in repr nor in JSON: settings end up in logs."""
    monkeypatch.setenv("ROXY_KAFKA_PASSWORD", "open-sesame")
    monkeypatch.setenv("ROXY_CURSOR_SECRET", "open-sesame")
    monkeypatch.setenv("ROXY_API_KEYS", _KEYS)
    settings = load_settings()

    assert "open-sesame" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_every_setting_that_holds_a_secret_hides_it() -> None:
    """By its name: password, secret, key, token."""
    secret = {name for name in Settings.model_fields if name.rpartition("_")[2] in ("password", "secret", "key", "token")}
    hidden = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}

    assert hidden == secret


def test_settings_cannot_be_changed() -> None:
    """What a process was told at its start holds."""
    with pytest.raises(ValidationError):
        Settings().top_k = 7  # type: ignore[misc]


def test_every_setting_says_what_it_is() -> None:
    """A sentence each, for docs/settings.md and `roxy settings`."""
    silent = [name for name, field in Settings.model_fields.items() if not (field.description or "").strip().endswith((".", "]."))]

    assert silent == []
