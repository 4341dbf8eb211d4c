"""Feature flags: GET /v1/flags says how they stand for the caller's tenant, PUT /v1/flags/{name} switches one for it.

A key belongs to a tenant, so what holds for all tenants is not for it to say: that is `roxy flags set --everywhere`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from structlog.contextvars import bind_contextvars

from api.principal import Principal, require
from api.problems import refusals
from api.topic_reading import records_until_now
from api.wiring import Wired, context
from connectors.journal.base import Journal
from schemas.codec import decoded
from schemas.events import FlagChanged
from schemas.flags import FLAG_NAMES, Flags, flag_changed
from schemas.http_bodies import ID_LENGTH, FlagAccepted, FlagsListed, FlagStatus, FlagWanted
from schemas.topics import FLAGS

router = APIRouter(prefix="/v1/flags", tags=["flags"])
Operator = Annotated[Principal, Depends(require("operate"))]
_PATIENCE_S = 10.0  # some records, in one partition


@router.get("", responses=refusals())
async def list_flags(wired: Wired, principal: Operator) -> FlagsListed:
    """How each flag stands, and who made it so."""
    flags = await _read(wired.journal)
    found = (FlagStatus.of(flags.standing(name, principal.tenant), wired.settings) for name in FLAG_NAMES)
    return FlagsListed(tenant=principal.tenant, flags=tuple(found))


@router.put("/{name}", status_code=202, responses=refusals(404))
async def switch(
    name: Annotated[str, Path(min_length=1, max_length=ID_LENGTH)], wanted: FlagWanted, wired: Wired, principal: Operator
) -> FlagAccepted:
    """Switch a flag for the tenant. Questions asked from now on are answered so."""
    bind_contextvars(correlation=name)
    change = flag_changed(name, wanted.value, tenant=principal.tenant, everywhere=False, changed_by=principal.subject, reason=wanted.reason)
    await wired.journal.append(change, context())
    return FlagAccepted(flag=name, value=wanted.value, changed_by=change.changed_by)


async def _read(journal: Journal) -> Flags:
    """All changes up to now. Raises LogUnavailable."""
    flags = Flags()
    async for record in records_until_now(journal, FLAGS, _PATIENCE_S):
        if isinstance(change := decoded(record), FlagChanged):
            flags.fold(change)
    return flags
