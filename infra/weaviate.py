"""The local Weaviate: one server on this machine, in the state folder.

Called by `infra.up` and by the tests. Guarantees: what was stored is there again after a restart; a start of what runs already does nothing;
`start` returns when it answers on both ports, or raises with the end of its log; who does not have the key of the state folder is refused.
That key is needed although HTTP, gossip and Raft listen on loopback only: Weaviate's gRPC port and the port of its internal traffic cannot be
bound to an address, and listen on all.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from infra import processes
from infra.go_install import Say
from infra.ports import LOOPBACK, is_open, require_free
from infra.processes import Child
from infra.weaviate_install import WEAVIATE
from schemas.errors import LocalProcessError
from schemas.settings import Settings

NAME = "weaviate"
READY_TIMEOUT_S = 90.0  # 3 s on a quiet 2-core machine with an empty folder
STOP_GRACE_S = 30.0  # it writes down what it has in memory
_POLL_S = 0.05
_INTERNAL_PORTS = 4  # behind the gRPC port: gossip, data, Raft, Raft's RPC
_USER = "roxy"


def is_wanted(settings: Settings) -> bool:
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


async def start(settings: Settings, say: Say = lambda text: None) -> bool:
    """Start it unless it runs, and wait until it answers; whether it was started. Raises PortTaken, MissingExtra, LocalProcessError."""
    absent = processes.find(settings.state_dir, NAME) is None
    if absent:
        await asyncio.to_thread(_start, settings, say)
    await _until_ready(settings)
    return absent


def stop(settings: Settings) -> list[Child]:
    """Stop it if it runs; returns what ran."""
    child = processes.find(settings.state_dir, NAME)
    return processes.stop(settings.state_dir, [child] if child else [], grace_s=STOP_GRACE_S)


async def is_ready(address: str) -> bool:
    """Whether the server at host:port says that it is ready."""
    import httpx2

    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
            return (await client.get(f"http://{address}/v1/.well-known/ready")).status_code == 200
    except httpx2.TransportError:
        return False


def _start(settings: Settings, say: Say) -> None:
    for port in (settings.weaviate_port, *_grpc_and_internal(settings)):
        require_free(port, "ROXY_WEAVIATE_PORT or ROXY_WEAVIATE_GRPC_PORT")
    program = WEAVIATE.install(settings.cache_dir, say)
    say("Starting Weaviate")
    argv = [str(program), "--host", LOOPBACK, "--port", str(settings.weaviate_port), "--scheme", "http"]
    env = {**_inherited(), **_configuration(settings, _made_key(settings.state_dir))}
    folder = _folder(settings.state_dir)
    processes.start(NAME, argv, state_dir=settings.state_dir, address=f"{LOOPBACK}:{settings.weaviate_port}", env=env, cwd=folder)


def _inherited() -> dict[str, str]:
    """Weaviate is told by its environment: nothing of the user's may tell it otherwise."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR", "LANG", "GOMAXPROCS", "GOMEMLIMIT")}


def _configuration(settings: Settings, key: str) -> dict[str, str]:
    """The server's environment, by Weaviate's names (https://docs.weaviate.io/deploy/configuration/env-vars)."""
    grpc, gossip, data, raft, rpc = _grpc_and_internal(settings)
    return {
        "PERSISTENCE_DATA_PATH": str(_folder(settings.state_dir) / "data"),
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


async def _until_ready(settings: Settings) -> None:
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not await is_ready(f"{LOOPBACK}:{settings.weaviate_port}") or not is_open(settings.weaviate_grpc_port):
                if processes.find(settings.state_dir, NAME) is None:
                    raise LocalProcessError(f"Weaviate ended while it started. {_log_end(settings.state_dir)}")
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise LocalProcessError(f"Weaviate was not ready after {READY_TIMEOUT_S:.0f} s. {_log_end(settings.state_dir)}") from error


def _log_end(state_dir: Path) -> str:
    log = processes.log_file(state_dir, NAME)
    return f"The end of {log}:\n{processes.last_lines(log)}\n"


def _grpc_and_internal(settings: Settings) -> range:
    return range(settings.weaviate_grpc_port, settings.weaviate_grpc_port + 1 + _INTERNAL_PORTS)


def _folder(state_dir: Path) -> Path:
    return processes.make_dir(state_dir / "weaviate", "ROXY_STATE_DIR")


def _key_file(state_dir: Path) -> Path:
    return state_dir / "weaviate" / "key"


def _made_key(state_dir: Path) -> str:
    """Made at the first start. Readable by its owner only."""
    _folder(state_dir)
    file = _key_file(state_dir)
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(secrets.token_urlsafe(32))
    return file.read_text()
