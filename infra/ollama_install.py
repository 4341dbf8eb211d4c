"""Ollama's server, built by `infra.go_install`: its archives for download hold gigabytes of libraries for graphics cards.

Called by `infra.ollama` before it starts a server, and by `roxy test --full` before its tests: `python -m infra.ollama_install`.
"""

from __future__ import annotations

from infra.go_install import Program

OLLAMA = Program(
    name="Ollama",
    version="v0.6.5",  # what came after does not compile by `go install` alone
    module="github.com/ollama/ollama",
    file="ollama",
    elsewhere="run an Ollama of your own (https://ollama.com), or set ROXY_OLLAMA_URL",
    with_c=True,
)

if __name__ == "__main__":
    OLLAMA.main()
