"""The local Ollama: at the address of ROXY_OLLAMA_URL, its models in the state folder. See infra/local_server.py.

It listens on loopback only; nothing is read from the user's own Ollama, and nothing written there.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from infra.local_server import LocalServer
from infra.ollama_install import OLLAMA
from infra.ports import LOOPBACK
from schemas.errors import InvalidSetting
from schemas.settings import Settings

#: Models come from the network: by the user's proxy, if there is one.
_PROXIES = frozenset({"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"})


def _ports(settings: Settings) -> tuple[int]:
    url = urlsplit(settings.ollama_url)
    if not _is_local(settings) or not url.port:
        raise InvalidSetting(
            f"A local Ollama cannot be started at {settings.ollama_url}.", remedy=f"Set ROXY_OLLAMA_URL to http://{LOOPBACK}:<port>."
        )
    return (url.port,)


def _is_local(settings: Settings) -> bool:
    return urlsplit(settings.ollama_url).hostname in (LOOPBACK, "localhost")


def _is_wanted(settings: Settings) -> bool:
    """The state folder holds its models, and it is asked at an address of this machine."""
    return _is_local(settings) and (settings.state_dir / SERVER.name).is_dir()


def _environment(settings: Settings) -> dict[str, str]:
    """By Ollama's names. It keeps a key of its own in the home folder."""
    folder = SERVER.folder(settings.state_dir)
    return {
        "HOME": str(folder),
        "OLLAMA_HOST": f"{LOOPBACK}:{_ports(settings)[0]}",
        "OLLAMA_MODELS": str(folder / "models"),
        "OLLAMA_NOHISTORY": "1",
        "OLLAMA_KEEP_ALIVE": "30m",
    }


SERVER = LocalServer(
    program=OLLAMA,
    ports=_ports,
    ports_setting="ROXY_OLLAMA_URL",
    arguments=lambda settings: ("serve",),
    environment=_environment,
    wanted=_is_wanted,
    ready_path="/api/version",
    inherits=_PROXIES,
    ready_s=60.0,  # under a second on a quiet machine
    stop_s=10.0,
)
