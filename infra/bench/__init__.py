"""`roxy bench NAME`: figures against a baseline of the same run. Each bench starts its own broker and processes on free ports."""

from infra.bench.command import register

__all__ = ["register"]
