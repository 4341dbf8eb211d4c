"""The local Weaviate: one node, with a key of the state folder. See infra/local_server.py.

That key is needed although HTTP, gossip and Raft listen on loopback only: Weaviate's gRPC port and the port of its internal traffic cannot be
bound to an address, and listen on all. Who does not have it is refused.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from infra.local_server import LocalServer
from infra.ports import LOOPBACK
from infra.weaviate_install import WEAVIATE
from schemas.settings import Settings

_INTERNAL_PORTS = 4  # behind the gRPC port: gossip, data, Raft, Raft's RPC
_USER = "roxy"


def _is_wanted(settings: Settings) -> bool:
    """Whether a part of the index lies in a local Weaviate: by setting, or because the state folder holds one."""
    named = "weaviate" in (settings.vector_index, settings.keyword_index)
    return settings.weaviate_url is None and (named or _key_file(settings.state_dir).exists())


def reached(settings: Settings) -> Settings:
    """The settings with address and key of the Weaviate whose data the state folder holds, running or not.

    Both parts of the index lie there then, unless the settings say otherwise.
    """
    file = _key_file(settings.state_dir)
    if settings.weaviate_url is not None or not file.exists():
        return settings
    parts = {name: "weaviate" for name in ("vector_index", "keyword_index") if name not in settings.model_fields_set}
    address: dict[str, object] = {"weaviate_url": f"http://{LOOPBACK}:{settings.weaviate_port}", "weaviate_key": SecretStr(file.read_text())}
    return settings.model_copy(update=address | parts)


def _ports(settings: Settings) -> tuple[int, ...]:
    first = settings.weaviate_grpc_port
    return (settings.weaviate_port, *range(first, first + 1 + _INTERNAL_PORTS))


def _arguments(settings: Settings) -> tuple[str, ...]:
    return ("--host", LOOPBACK, "--port", str(settings.weaviate_port), "--scheme", "http")


def _environment(settings: Settings) -> dict[str, str]:
    """By Weaviate's names (https://docs.weaviate.io/deploy/configuration/env-vars)."""
    _, grpc, gossip, data, raft, rpc = _ports(settings)
    key = _made_key(settings.state_dir)
    return {
        "PERSISTENCE_DATA_PATH": str(SERVER.folder(settings.state_dir) / "data"),
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
        "AUTHENTICATION_APIKEY_ENABLED": "true",
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS": key,
        "AUTHENTICATION_APIKEY_USERS": _USER,
        "CLUSTER_BASIC_AUTH_USERNAME": _USER,
        "CLUSTER_BASIC_AUTH_PASSWORD": key,
        "CLUSTER_HOSTNAME": "node-1",
        "CLUSTER_IN_LOCALHOST": "true",
        "CLUSTER_BIND_ADDR": LOOPBACK,
        "CLUSTER_ADVERTISE_ADDR": LOOPBACK,
        "GRPC_PORT": str(grpc),
        "CLUSTER_GOSSIP_BIND_PORT": str(gossip),
        "CLUSTER_DATA_BIND_PORT": str(data),
        "RAFT_PORT": str(raft),
        "RAFT_INTERNAL_RPC_PORT": str(rpc),
        "RAFT_BOOTSTRAP_EXPECT": "1",
        **_FIXED,
    }


_FIXED = {
    "AUTOSCHEMA_ENABLED": "false",
    "DEFAULT_VECTORIZER_MODULE": "none",
    "DISABLE_TELEMETRY": "true",
    "GO_PROFILING_DISABLE": "true",  # it would listen on a port of its own, on all addresses
    "RAFT_ENABLE_ONE_NODE_RECOVERY": "true",  # the ports may be others at the next start
    "LOG_LEVEL": "warning",
    "QUERY_MAXIMUM_RESULTS": "100000",
    # With its own limit, this version's BM25 leaves out the best of what is not on disk yet (mended later: weaviate/weaviate#11780, #12022).
    "BLOCKMAX_WAND_PER_SEGMENT_LIMIT": "100000",
}


def _key_file(state_dir: Path) -> Path:
    return state_dir / "weaviate" / "key"


def _made_key(state_dir: Path) -> str:
    """Made at the first start. Readable by its owner only."""
    SERVER.folder(state_dir)
    file = _key_file(state_dir)
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(secrets.token_urlsafe(32))
    return file.read_text()


SERVER = LocalServer(
    program=WEAVIATE,
    ports=_ports,
    ports_setting="ROXY_WEAVIATE_PORT or ROXY_WEAVIATE_GRPC_PORT",
    arguments=_arguments,
    environment=_environment,
    wanted=_is_wanted,
    ready_path="/v1/.well-known/ready",
    also_open=1,  # gRPC
    inherits=frozenset({"HOME"}),
    ready_s=90.0,  # 3 s on a quiet 2-core machine with an empty folder
    stop_s=30.0,  # it writes down what it has in memory
)
