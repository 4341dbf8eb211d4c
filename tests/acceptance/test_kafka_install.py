"""Fetching jars from a Maven repository over HTTP."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra import kafka_install
from infra.kafka_install import Jar, fetch
from schemas.errors import LocalProcessError

CONTENT = b"classes" * 1000
JAR = Jar("org.example:thing:1.0", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without saying so."""

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[str]:
    """A Maven repository that holds JAR."""
    served = tmp_path / "remote" / JAR.path
    served.parent.mkdir(parents=True)
    served.write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "remote"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; tries follow each other without a wait."""
    monkeypatch.setattr(kafka_install, "_WAITS_S", (0.0, 0.0))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def test_an_absent_jar_is_fetched_once(remote: str, repository: Path) -> None:
    """The second time nothing is asked of the network."""
    seen: list[tuple[int, int]] = []

    fetch(repository, (JAR,), lambda done, total: seen.append((done, total)), remote=remote)
    fetch(repository, (JAR,), lambda done, total: seen.append((done, total)), remote="http://127.0.0.1:9")

    assert (repository / JAR.path).read_bytes() == CONTENT
    assert seen == [(JAR.size, JAR.size)]


def test_an_interrupted_download_is_taken_up_again(remote: str, repository: Path) -> None:
    """Half a jar is no jar."""
    half = repository / JAR.path
    half.parent.mkdir(parents=True)
    half.write_bytes(CONTENT[:10])

    fetch(repository, (JAR,), remote=remote)

    assert half.read_bytes() == CONTENT


def test_a_jar_with_other_content_is_refused(remote: str, repository: Path) -> None:
    """What the lock file does not name is never put on the classpath, nor left in the cache."""
    other = JAR._replace(sha256="0" * 64)

    with pytest.raises(LocalProcessError, match=r"its content is not the one that kafka_jars\.txt names"):
        fetch(repository, (other,), remote=remote)

    assert not (repository / JAR.path).exists()


def test_a_remote_that_is_away_is_named_with_a_remedy(repository: Path) -> None:
    """What to look at, and how to do without."""
    with pytest.raises(LocalProcessError, match=r"thing-1\.0\.jar of Kafka could not be downloaded.*ROXY_KAFKA_BOOTSTRAP"):
        fetch(repository, (JAR,), remote="http://127.0.0.1:9")
