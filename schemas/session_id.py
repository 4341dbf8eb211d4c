"""Session ids say where a session lives and, in a lane, whose it is.

`t` + name: a topic of its own, `session.<tenant>.<id>`; whether the session exists is whether the topic does.
`l` + 26 characters of a ULID + 10 characters of check: a lane of `sessions`. A lane holds many tenants' sessions and has no
register of them, so the id itself answers for its tenant: the check is BLAKE2b of tenant and ULID. It stops typing errors and
one tenant reading under another's id; it is no secret, so that producers can make ids too.
The ULID begins with the time (https://github.com/ulid/spec): a bounded read of a lane starts there instead of at its beginning.
"""

from __future__ import annotations

import os
import re
import time
from hashlib import blake2b
from typing import NamedTuple

from schemas.errors import InvalidSessionId
from schemas.settings import Placement


class Session(NamedTuple):
    """Which session, and whose."""

    tenant: str
    id: str

    @property
    def placement(self) -> Placement:
        """Where its records lie. Raises InvalidSessionId."""
        return require_placement(self.id, self.tenant)


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
_OWN_TOPIC = re.compile(r"t[A-Za-z0-9_-]{1,100}")
_LANE = re.compile(rf"l([{_ALPHABET}]{{26}})([{_ALPHABET}]{{10}})")


def new_session_id(tenant: str, placement: Placement) -> str:
    """A fresh id for a session of that tenant."""
    ulid = new_ulid()
    return f"t{ulid}" if placement == "topic" else f"l{ulid}{_check(tenant, ulid)}"


def placement_of(session_id: str, tenant: str) -> Placement | None:
    """Where the session lives; None if the id cannot be one of this tenant's."""
    if _OWN_TOPIC.fullmatch(session_id):
        return "topic"
    lane = _LANE.fullmatch(session_id)
    return "lane" if lane and lane[2] == _check(tenant, lane[1]) else None


def require_placement(session_id: str, tenant: str) -> Placement:
    """Like placement_of, but raises InvalidSessionId."""
    placement = placement_of(session_id, tenant)
    if placement is None:
        raise InvalidSessionId(f"{session_id!r} is no session id of tenant {tenant!r}.")
    return placement


def created_ms(session_id: str) -> int:
    """Milliseconds since 1970 at which a lane's session id was made."""
    return int(sum(_ALPHABET.index(c) << 5 * place for place, c in enumerate(reversed(session_id[1:11]))))


def new_ulid() -> str:
    """26 characters that sort by time: 48 bits of milliseconds, 80 random ones."""
    return _base32(time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10)), 26)


def _check(tenant: str, ulid: str) -> str:
    digest = blake2b(f"{tenant}/{ulid}".encode(), digest_size=7, person=b"roxy.session").digest()
    return _base32(int.from_bytes(digest) >> 6, 10)


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))
