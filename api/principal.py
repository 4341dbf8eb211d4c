"""Who asks: API key -> tenant, subject, roles. Every route but /health depends on `require`.

With API keys set, a request must show one, as `Authorization: Bearer <key>` or `X-API-Key: <key>`. Without any, the server listens on
loopback only and whoever reaches it is the default tenant with every role; there a request whose Host or Origin is not loopback is
refused too, because a web page in the user's browser can reach loopback under a name of its own (DNS rebinding).
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Coroutine, Sequence, Set
from hashlib import blake2b
from typing import Annotated, NamedTuple, get_args
from urllib.parse import urlsplit

from fastapi import Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request
from structlog.contextvars import bind_contextvars

from schemas.errors import InvalidSetting, NotAllowed, NotAuthenticated
from schemas.settings import ApiKey, Role, Settings


class Principal(NamedTuple):
    """Who asks, for which tenant, and what they may do."""

    tenant: str
    subject: str
    roles: tuple[Role, ...]


ANYONE = Principal("default", "anonymous", get_args(Role))
_BEARER = HTTPBearer(auto_error=False, description="An API key of ROXY_API_KEYS.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key of ROXY_API_KEYS.")


class Principals:
    """Finds the principal of a key. Keeps hashes only, and compares with all of them, so that time tells nothing of a key."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._known = [(_hash(key.key.get_secret_value()), Principal(key.tenant, key.subject, key.roles)) for key in keys]

    @property
    def open(self) -> bool:
        """No keys are set: everyone who gets here is served."""
        return not self._known

    def find(self, key: str | None) -> Principal:
        """Raises NotAuthenticated."""
        found = None
        shown = _hash(key or "")
        for known, principal in self._known:
            if hmac.compare_digest(known, shown):
                found = principal
        if found is None:
            raise NotAuthenticated
        return found


def require(role: Role, *others: Role) -> Callable[..., Coroutine[None, None, Principal]]:
    """A dependency that gives the principal, who has one of these roles."""
    roles = {role, *others}

    async def principal(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        header: Annotated[str | None, Security(_HEADER)],
    ) -> Principal:
        return _with_role(request, bearer.credentials if bearer else header, roles)

    return principal


def principal_of(request: Request, role: Role) -> Principal:
    """The same for what is no route of FastAPI's. Raises NotAuthenticated, NotAllowed."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    key = credentials.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key")
    return _with_role(request, key, {role})


def require_safe_address(settings: Settings) -> None:
    """Raises InvalidSetting if the API would listen beyond this machine without API keys."""
    if not settings.api_keys and not is_loopback(settings.api_host):
        raise InvalidSetting(
            f"ROXY_API_HOST={settings.api_host} would serve everybody, as no API keys are set.",
            remedy="Set ROXY_API_KEYS, or leave ROXY_API_HOST at 127.0.0.1.",
        )


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _with_role(request: Request, key: str | None, roles: Set[Role]) -> Principal:
    found = _principal(request, request.app.state.principals, key)
    bind_contextvars(tenant=found.tenant, subject=found.subject)
    if roles.isdisjoint(found.roles):
        raise NotAllowed(f"This needs the role {' or '.join(sorted(roles))}.")
    return found


def _principal(request: Request, principals: Principals, key: str | None) -> Principal:
    if not principals.open:
        return principals.find(key)
    places = [f"//{request.headers.get('host', '')}", request.headers.get("origin")]
    for place in places:
        if place is not None and not is_loopback(_host_of(place)):
            raise NotAllowed("Without API keys only requests to and from this machine are served.", remedy="Set ROXY_API_KEYS on the server.")
    return ANYONE


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _hash(key: str) -> bytes:
    return blake2b(key.encode("utf-8", "surrogateescape"), digest_size=32, person=b"roxy.api-key").digest()
