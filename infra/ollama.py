"""The local Ollama: one server on this machine, at the address of ROXY_OLLAMA_URL, its models in the state folder.

Called by the tests. Guarantees: `start` returns when it answers, or raises with the end of its log; it listens on loopback only; a model
that was made is there again after a restart; nothing is read from the user's own Ollama, and nothing written there.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

from infra import processes
from infra.go_install import Say
from infra.ollama_install import OLLAMA
from infra.ports import LOOPBACK, require_free
from infra.processes import Child
from schemas.errors import InvalidSetting, LocalProcessError
from schemas.settings import Settings

NAME = "ollama"
READY_TIMEOUT_S = 60.0  # under a second on a quiet machine
STOP_GRACE_S = 10.0
_POLL_S = 0.05


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


def _start(settings: Settings, say: Say) -> None:
    port = _port(settings)
    require_free(port, "ROXY_OLLAMA_URL")
    program = OLLAMA.install(settings.cache_dir, say)
    say("Starting Ollama")
    folder = processes.make_dir(settings.state_dir / "ollama", "ROXY_STATE_DIR")
    env = {**_inherited(), **_configuration(folder, port)}
    processes.start(NAME, [str(program), "serve"], state_dir=settings.state_dir, address=f"{LOOPBACK}:{port}", env=env, cwd=folder)


def _port(settings: Settings) -> int:
    url = urlsplit(settings.ollama_url)
    if url.hostname not in (LOOPBACK, "localhost") or not url.port:
        raise InvalidSetting(
            f"A local Ollama cannot be started at {settings.ollama_url}.", remedy=f"Set ROXY_OLLAMA_URL to http://{LOOPBACK}:<port>."
        )
    return url.port


def _inherited() -> dict[str, str]:
    """It is told by its environment: nothing of the user's own Ollama may tell it otherwise."""
    return {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR", "LANG", "GOMAXPROCS", "GOMEMLIMIT")}


def _configuration(folder: Path, port: int) -> dict[str, str]:
    """The server's environment, by Ollama's names. It keeps a key of its own in the home folder."""
    return {
        "HOME": str(folder),
        "OLLAMA_HOST": f"{LOOPBACK}:{port}",
        "OLLAMA_MODELS": str(folder / "models"),
        "OLLAMA_NOHISTORY": "1",
        "OLLAMA_KEEP_ALIVE": "30m",
    }


async def _until_ready(settings: Settings) -> None:
    address = f"{LOOPBACK}:{_port(settings)}"
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not await _answers(address):
                if processes.find(settings.state_dir, NAME) is None:
                    raise LocalProcessError(f"Ollama ended while it started. {_log_end(settings.state_dir)}")
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise LocalProcessError(f"Ollama was not ready after {READY_TIMEOUT_S:.0f} s. {_log_end(settings.state_dir)}") from error


async def _answers(address: str) -> bool:
    import httpx2

    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
            return (await client.get(f"http://{address}/api/version")).status_code == 200
    except httpx2.TransportError:
        return False


def _log_end(state_dir: Path) -> str:
    log = processes.log_file(state_dir, NAME)
    return f"The end of {log}:\n{processes.last_lines(log)}\n"
