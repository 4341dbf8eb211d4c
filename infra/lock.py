"""`./roxy lock`: makes requirements/*.txt and kafka_jars.txt again. Needs uv.

All tiers agree on versions: `full` is resolved first, the others are held to it. The files hold hashes and no address.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from infra.environment import PROJECT
from infra.kafka_lock import lock as lock_jars
from schemas.errors import LocalProcessError

OLDEST_PYTHON = "3.11"
#: What each file of requirements/ installs. `roxy` picks the file by the command.
TIERS: dict[str, tuple[str, ...]] = {
    "full": ("server", "embeddings", "distributed", "export", "otlp", "test", "training"),
    "server": ("server",),
    "demo": ("server", "embeddings"),
    "evaluation": ("server", "embeddings", "tuning"),
    "test": ("server", "otlp", "test"),  # otlp: its types are checked
}


def lock(repository: Path) -> list[Path]:
    """Write the lock files; returns them. `repository`: where jars are kept."""
    if shutil.which("uv") is None:
        raise LocalProcessError("`roxy lock` needs uv.", remedy="Install uv (https://docs.astral.sh/uv/) and run it again.")
    folder = PROJECT / "requirements"
    folder.mkdir(exist_ok=True)
    files = [_compile(folder, tier, extras) for tier, extras in TIERS.items()]
    lock_jars(repository)
    return files


def _compile(folder: Path, tier: str, extras: tuple[str, ...]) -> Path:
    file = folder / f"{tier}.txt"
    held = [] if tier == "full" else ["-c", "requirements/full.txt"]
    argv = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-emit-index-url"]
    argv += ["--quiet", "--custom-compile-command", "./roxy lock", *held, "-o", f"requirements/{tier}.txt"]
    argv += [part for extra in extras for part in ("--extra", extra)]
    if subprocess.run(argv, cwd=PROJECT, check=False).returncode != 0:
        raise LocalProcessError(f"requirements/{tier}.txt could not be resolved.", remedy="Read uv's words above, and mend pyproject.toml.")
    return file
