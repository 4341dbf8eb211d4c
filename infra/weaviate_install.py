"""Weaviate's server, built by `infra.go_install`: there is no wheel of it as there is of Kafka's Java, and its archives are for Linux alone.

Called by `infra.weaviate` before it starts a server, and by `roxy test --full` before its tests: `python -m infra.weaviate_install`.
"""

from __future__ import annotations

from infra.go_install import Program

WEAVIATE = Program(
    name="Weaviate",
    version="v1.35.2",
    module="github.com/weaviate/weaviate/cmd/weaviate-server",
    file="weaviate-server",
    elsewhere="run Weaviate by docker compose (infra/compose), or set ROXY_WEAVIATE_URL",
)

if __name__ == "__main__":
    WEAVIATE.main()
