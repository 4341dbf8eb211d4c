"""A client of the API that never loses its place: it reconnects with the last cursor, on the next address if one is away."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple
from uuid import uuid4

import httpx2
import orjson

from schemas.errors import ClientError, RequestRefused, ServerNotRunning
from schemas.events import NO_FILTERS, Filters
from schemas.settings import Settings

_CONNECT_S = 3.0
_SILENCE_S = 30.0  # twice the longest heartbeat
_FIRST_RETRY_S = 1.0
_SHORTEST_RETRY_S = 0.1  # `Retry-After: 0` is no reason to spin
_LONGEST_RETRY_S = 5.0  # a server may name an hour; another address may be free long before
_GIVE_UP_S = 60.0
_BUSY = frozenset({429, 503})


class StreamedEvent(NamedTuple):
    """One record of a session as the API sent it."""

    cursor: str
    type: str
    event: dict[str, Any]


class Client:
    """Calls the API. One address is enough; with several it goes on at the next when one is away."""

    def __init__(self, settings: Settings, url: str | None = None) -> None:
        addresses = url or settings.url or f"http://127.0.0.1:{settings.api_port}"
        self._addresses = [address.strip().rstrip("/") for address in addresses.split(",")]
        headers = {"Authorization": f"Bearer {settings.key.get_secret_value()}"} if settings.key else {}
        timeout = httpx2.Timeout(_SILENCE_S, connect=_CONNECT_S)
        self._http = httpx2.Client(headers=headers, timeout=timeout, mounts=_past_proxies(self._addresses))

    @property
    def address(self) -> str:
        return self._addresses[0]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._http.close()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises ServerNotRunning, RequestRefused."""
        return self._send("POST", path, body, {})[0]

    def get(self, path: str) -> dict[str, Any]:
        """Raises ServerNotRunning, RequestRefused."""
        return self._send("GET", path, None, {})[0]

    def delete(self, path: str) -> dict[str, Any]:
        """Raises ServerNotRunning, RequestRefused."""
        return self._send("DELETE", path, None, {})[0]

    def create_session(self) -> str:
        return str(self.post("/v1/sessions", {})["session_id"])

    def ask(self, session_id: str, text: str, filters: Filters = NO_FILTERS) -> dict[str, Any]:
        """The 202 of a question: query_id, cursor, links. However often it has to be sent, it is one question.

        If it was sent more than once the cursor is empty, the session's beginning: the answer may have begun before the last.
        """
        body = {"text": text} | ({"filters": filters.model_dump(exclude_defaults=True)} if filters != NO_FILTERS else {})
        accepted, tries = self._send("POST", f"/v1/sessions/{session_id}/queries", body, {"Idempotency-Key": uuid4().hex})
        return accepted if tries == 1 else accepted | {"cursor": ""}

    def regenerate(self, session_id: str, query_id: str, settings: Mapping[str, Any], *, look_up_again: bool) -> dict[str, Any]:
        """The 202 of another answer to a question: answer_id, cursor, links. The same holds of it."""
        body = {"settings": dict(settings), "look_up_again": look_up_again}
        path = f"/v1/sessions/{session_id}/queries/{query_id}/answers"
        accepted, tries = self._send("POST", path, body, {"Idempotency-Key": uuid4().hex})
        return accepted if tries == 1 else accepted | {"cursor": ""}

    def events(
        self, session_id: str, *, after: str | None = None, query_id: str | None = None, answer_id: str | None = None
    ) -> Iterator[StreamedEvent]:
        """The session's records from the cursor on, for ever; of one answer, or a query and its first one, until that has ended.

        Connections may drop: no record does.
        """
        retry_s, patience = _FIRST_RETRY_S, _Patience()
        only = {name: value for name, value in (("query", query_id), ("answer", answer_id)) if value}
        while True:
            wait_s = None
            try:
                for frame in self._connect(session_id, after, only, patience):
                    after = frame.id or after
                    retry_s = frame.retry / 1000 if frame.retry is not None else retry_s
                    if frame.data and frame.event != "closing":
                        yield StreamedEvent(frame.id, frame.event, orjson.loads(frame.data))
            except _Ended:
                return
            except _Busy as busy:
                patience.spend(busy.refusal)
                wait_s = busy.wait_s
                self._next_address()
            except httpx2.TransportError as error:
                patience.spend(self._not_running(), error)
                self._next_address()
            time.sleep(retry_s if wait_s is None else wait_s)

    def _send(self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> tuple[dict[str, Any], int]:
        """The answer, and how often it was asked for. Addresses that are away are tried once each, those that are busy until the time is up."""
        away, patience = 0, _Patience()
        for tries in count(1):
            try:
                return _answer(self._http.request(method, self.address + path, json=body, headers=headers)), tries
            except _Busy as busy:
                patience.spend(busy.refusal)
                away = 0
                time.sleep(busy.wait_s)
            except httpx2.TransportError as error:
                away += 1
                if away == len(self._addresses):
                    raise self._not_running() from error
            self._next_address()
        raise AssertionError  # count() has no end

    def _not_running(self) -> ServerNotRunning:
        return ServerNotRunning(f"No API answers at {', '.join(self._addresses)}.")

    def _connect(self, session_id: str, after: str | None, only: dict[str, str], patience: _Patience) -> Iterator[httpx2.ServerSentEvent]:
        headers = {"Last-Event-ID": after} if after else {}
        with self._http.sse(f"{self.address}/v1/sessions/{session_id}/events", params=only, headers=headers) as source:
            if source.response.status_code == 204:
                raise _Ended
            if source.response.status_code != 200:
                source.response.read()
                _answer(source.response)
            patience.renew()
            yield from source

    def _next_address(self) -> None:
        self._addresses = [*self._addresses[1:], self._addresses[0]]


class _Ended(Exception):
    """204: nothing more will come."""


class _Busy(Exception):
    """429 or 503: it may do later, or elsewhere."""

    def __init__(self, refusal: ClientError, wait_s: float) -> None:
        super().__init__(str(refusal))
        self.refusal, self.wait_s = refusal, wait_s


class _Patience:
    """How long to go on trying: _GIVE_UP_S from the first failure since the last connection."""

    def __init__(self) -> None:
        self._since: float | None = None

    def renew(self) -> None:
        self._since = None

    def spend(self, failure: ClientError, cause: BaseException | None = None) -> None:
        """Raises the failure once the time is up."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since > _GIVE_UP_S:
            raise failure from cause


def _answer(response: httpx2.Response) -> dict[str, Any]:
    if response.is_success:
        return dict(response.json()) if response.content else {}
    if response.status_code in _BUSY:
        raise _Busy(_refusal(response), _wait_s(response))
    raise _refusal(response)


def _refusal(response: httpx2.Response) -> RequestRefused:
    if "json" not in response.headers.get("content-type", ""):
        return RequestRefused(f"{response.request.url}: HTTP {response.status_code}.")
    problem = response.json()
    return RequestRefused(problem.get("detail") or problem.get("title", ""), remedy=problem.get("remedy", ""))


def _wait_s(response: httpx2.Response) -> float:
    """Retry-After in seconds; its other form, a date, counts as none."""
    asked = response.headers.get("retry-after", "")
    return min(max(float(asked), _SHORTEST_RETRY_S), _LONGEST_RETRY_S) if asked.isdecimal() else _FIRST_RETRY_S


def _past_proxies(addresses: Iterable[str]) -> dict[str, None]:
    """HTTP_PROXY and its like are for other machines: a proxy's own 127.0.0.1 is not ours. None means no proxy, for that host."""
    hosts = {httpx2.URL(address).host for address in addresses}
    return {f"all://[{host}]" if ":" in host else f"all://{host}": None for host in hosts if _is_loopback(host)}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
