"""Makes `kafka_jars.txt`: which jars the broker needs, by jgo. Run by `./roxy lock`, never by a user's `roxy up`."""

from __future__ import annotations

from pathlib import Path

from infra.kafka_install import LOCK_FILE, Jar, sha256_of

# The newest Kafka whose jars are all there: of 4.4.0 the POMs resolve, but kafka-tools-api has no jar yet (November 2026).
KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
# Kafka's own log4j version, for SLF4J 1.7. The "!" keeps jgo from using its parent POM as a BOM, which would pull in kafka-clients 3.9.
LOGGING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!"

_HEADER = "# Jars of the local Kafka broker: coordinate, bytes, SHA-256. Made by `./roxy lock`.\n"


def lock(repository: Path, lock_file: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """Resolve and fetch the jars into the repository, and write them down."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=repository, local_repos=[])
    inputs, transitive = context.resolver.resolve([context.create_dependency(coordinate) for coordinate in (KAFKA, LOGGING)])
    jars = [_jar(dep.artifact.resolve(), f"{dep.groupId}:{dep.artifactId}:{dep.version}") for dep in (*inputs, *transitive)]
    lock_file.write_text(_HEADER + "".join(f"{jar.coordinate} {jar.size} {jar.sha256}\n" for jar in jars))
    return tuple(jars)


def _jar(path: Path, coordinate: str) -> Jar:
    return Jar(coordinate, path.stat().st_size, sha256_of(path))
