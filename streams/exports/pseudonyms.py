"""Pseudonyms: who judged, without saying so. The same person has the same one, in every export with the same salt."""

from __future__ import annotations

from hashlib import blake2b

from pydantic import SecretStr

_LEFT_OUT = "left out"


class Pseudonyms:
    """Hashes of names under a key. Without a salt of your own (ROXY_EXPORT_SECRET) a name that is guessed can be confirmed."""

    def __init__(self, salt: SecretStr | None = None) -> None:
        given = salt.get_secret_value() if salt else ""
        self._key = blake2b(given.encode(), digest_size=32).digest()

    @property
    def fingerprint(self) -> str:
        """Tells two salts apart, and says nothing of either."""
        return self._hash("salt")

    def of(self, tenant: str, name: str) -> str:
        """Two people of two tenants have two, also under one name."""
        return self._hash("rater", tenant, name)

    def left_out(self, subject: str) -> str:
        """As the manifest lists someone who must not be in the export."""
        return self._hash(_LEFT_OUT, subject)

    def _hash(self, *parts: str) -> str:
        return blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), key=self._key, digest_size=12).hexdigest()
