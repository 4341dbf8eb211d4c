"""Everything under docs/ that is generated from schemas/, as texts by path. Pure: `roxy contracts` (infra/contracts.py) writes or compares.

The same schemas give the same bytes, whatever the environment says: settings are taken at their defaults.
"""

from __future__ import annotations

from schemas.asyncapi import asyncapi_document
from schemas.json_schemas import as_text, event_schemas
from schemas.reference_pages import events_page, settings_page
from schemas.settings import Settings


def contract_files() -> dict[str, str]:
    """Text by path, relative to the project's folder."""
    defaults = Settings.model_construct()  # unlike Settings(), it does not read the environment
    files = {
        "asyncapi.json": as_text(asyncapi_document(defaults)),
        **{path: as_text(schema) for path, schema in event_schemas().items()},
        "events.md": events_page(defaults),
        "settings.md": settings_page(),
    }
    return {f"docs/{path}": text for path, text in files.items()}
