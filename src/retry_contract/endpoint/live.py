"""A service over HTTP, on one httpx client behind the guard."""

import contextlib
import os
import re
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy

import certifi
import httpx

from retry_contract.endpoint import guard
from retry_contract.endpoint.base import Endpoint, Numbers, response_or_error
from retry_contract.endpoint.body import ACCEPTED, Allowance, read_body
from retry_contract.endpoint.deadline import TimedTransport
from retry_contract.endpoint.guard import Guard, GuardedTransport, host_of, is_loopback
from retry_contract.endpoint.waiting import Waiting
from retry_contract.environment import isolated
from retry_contract.outcome import UsageError
from retry_contract.service.model import simulator_number

_PATIENCE_HERE, _PATIENCE = 10.0, 90.0
_AT_ONCE = 4
"""How many generated requests may be on their way: a server may take one at a time."""
_GLANCE = 0.1
"""How often a wait for other threads hears Ctrl-C, in seconds."""
_HOST = re.compile(r"[^\s%\x00-\x1f]+")
_WIRE_HEADERS = (b"content-encoding", b"content-length", b"transfer-encoding")


@dataclass(frozen=True)
class LiveSettings:
    """Where a service is, and what may be done there.

    `messages` are the ids of messages that may be retried, in the order of preference. `budget`
    is in requests, `rate` in requests a second, `timeout` in seconds for a whole response, and
    `patience` in seconds for a message that is to fail, by default 10 here and 90 elsewhere, and
    for all waits after a 429, by default five minutes.
    """

    url: str
    key: str = field(repr=False)
    campaign: str
    foreign_campaign: str | None = None
    messages: tuple[str, ...] = ()
    simulate: bool = False
    values: Mapping[str, str] | None = field(default=None, repr=False)
    budget: int | None = None
    rate: float | None = None
    timeout: float = 10.0
    patience: float | None = None
    proxy: str | None = None
    ca_file: str | None = None
    revoked_key: str | None = field(default=None, repr=False)


class LiveEndpoint(Endpoint):
    """A service over HTTP. Nothing of the environment but `SSL_CERT_FILE` is used.

    `state_of` asks the service's team for a message in a state.
    """

    real_time = True

    def __init__(
        self, settings: LiveSettings, state_of: Callable[[str], str | None] | None = None
    ) -> None:
        base = httpx.URL(settings.url)
        bounds = Guard(base, settings.campaign, settings.foreign_campaign, settings.simulate)
        self.name, self.key, self.campaign = settings.url, settings.key, settings.campaign
        self.revoked_key, self.numbers = settings.revoked_key, Numbers()
        self.foreign_campaign, self.named = settings.foreign_campaign, settings.messages
        self.simulator = simulator_number() if settings.simulate else None
        self.values, self.expendable = settings.values, bounds.loopback
        self.patience = settings.patience or (_PATIENCE_HERE if bounds.loopback else _PATIENCE)
        self.waiting, self._allowance = Waiting(settings.patience), Allowance()
        self._state_of, self._proxied = state_of, settings.proxy is not None
        self.asks_team = state_of is not None
        self._few = threading.Semaphore(_AT_ONCE)
        timeout = settings.timeout
        # Servers drop an idle connection after five seconds or more.
        self._transport = TimedTransport(
            timeout,
            only_here=bounds.loopback,
            verify=trust(settings.ca_file) if base.scheme == "https" else False,
            limits=httpx.Limits(keepalive_expiry=3.0),
            proxy=settings.proxy,
        )
        self.client = httpx.Client(
            base_url=settings.url,
            transport=GuardedTransport(bounds, self._transport, settings.budget, settings.rate),
            headers={"accept-encoding": ACCEPTED},
            # A cookie of the service's might let a request without a key pass.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
        )

    def send(self, request: httpx.Request) -> httpx.Response:
        with self._few:
            return self._send(request)

    def send_together(
        self, requests: Sequence[httpx.Request]
    ) -> Sequence[httpx.Response | Exception]:
        found: dict[httpx.Request, httpx.Response | Exception] = {}
        start = threading.Barrier(len(requests))

        def send(request: httpx.Request) -> None:
            start.wait()
            try:
                found[request] = response_or_error(self._send, request)
            except RuntimeError:  # Ctrl-C has closed the client, and nobody waits for this one
                if not self.client.is_closed:
                    raise

        # Daemons: a request that takes its time must not hold up the end of an interrupted run.
        threads = [threading.Thread(target=send, args=(r,), daemon=True) for r in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_GLANCE)
        return [found[request] for request in requests]

    def _send(self, request: httpx.Request) -> httpx.Response:
        self._allowance.check()
        try:
            response = self.client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if self._proxied and not is_about_tls(error):
                raise httpx.ProxyError("out of reach", request=request) from error
            raise
        with contextlib.closing(response):
            if response.status_code >= 500:  # before it is given back, to be used by others
                self._transport.drop_connection()
            body = read_body(response)
        self._allowance.take(len(body))
        # As bytes: httpx reads more in a header than it would write.
        headers = [(k, v) for k, v in response.headers.raw if k.lower() not in _WIRE_HEADERS]
        status = response.status_code
        return httpx.Response(status, headers=headers, content=body, request=request)

    def message_in(self, state: str) -> str | None:
        return None if self._state_of is None else self._state_of(state)


def is_about_tls(error: BaseException | None) -> bool:
    """Return whether a connection failed in its TLS handshake."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def may_provision(url: str) -> bool:
    """Return whether a URL has simulator numbers: the documented test host, and this machine."""
    return is_loopback(url) or host_of(httpx.URL(url)) == guard.TEST


def check_url(url: str, *, allow_production: bool) -> str:
    """Return the base URL without a trailing slash. Raises UsageError."""
    try:
        parsed = httpx.URL(url.strip())
        host = host_of(parsed)
    except (httpx.InvalidURL, ValueError):
        raise UsageError("--endpoint: not a URL; give mock, or https://HOST/api/v2") from None
    if parsed.userinfo or b"?" in parsed.raw_path or parsed.fragment:
        raise UsageError("--endpoint: give a base URL of scheme, host and path, and no more")
    if parsed.scheme not in ("http", "https") or not host:
        form = "a base URL that begins with https://, or for this machine with http://"
        raise UsageError(f"--endpoint {url}: give mock, or {form}")
    port = 443 if parsed.port is None else parsed.port
    if not 0 < port < 2**16 or not _HOST.fullmatch(host):
        raise UsageError(f"--endpoint {url}: no such host or port can be; see how it is written")
    if guard.escapes_a_dot(parsed.raw_path.decode("ascii")):
        raise UsageError(f"--endpoint {url}: write the dots of the path as they are, not as %2e")
    if parsed.scheme == "http" and not is_loopback(parsed):
        raise UsageError(f"--endpoint {url}: the service answers over https only; give https://")
    if host == guard.PRODUCTION and not allow_production:
        raise UsageError(
            f"--endpoint {url}: this is production, and its owner forbids tests there; "
            f"https://{guard.TEST}/api/v2 is the place, or give --allow-production"
        )
    return str(parsed).rstrip("/")


def check_key(key: str, name: str = "POSTMAN_API_KEY") -> str:
    """Return an API key that can be sent in a header. Raises UsageError, and never quotes it.

    `name` is that of its variable in the environment.
    """
    key = key.strip()
    if not key:
        raise UsageError(f"no API key: put it into the environment as {name}")
    if key.startswith("PMAK-"):
        raise UsageError(
            f"{name} begins with PMAK-: it is of another product named Postman; "
            "use a key of the campaign in postman.gov.sg"
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise UsageError(f"{name} holds characters that no key has: copy it once more")
    return key


def check_proxy(proxy: str | None, url: str) -> str | None:
    """Return the URL of a proxy. Raises UsageError, and never quotes it: it may hold a password."""
    if proxy is None:
        return None
    try:
        parsed = httpx.URL(proxy.strip())
        if parsed.scheme not in ("http", "https") or not host_of(parsed):
            raise ValueError
    except (httpx.InvalidURL, ValueError):
        example = "http://proxy.example:8080"
        raise UsageError(f"--proxy: give the URL of an HTTP proxy, such as {example}") from None
    if is_loopback(url) and not is_loopback(parsed):
        raise UsageError("--proxy: the endpoint is on this machine, the proxy is not; leave it out")
    return proxy.strip()


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Return what TLS trusts: a CA file, that of SSL_CERT_FILE, or certifi's. Raises UsageError."""
    file = ca_file or os.environ.get("SSL_CERT_FILE")
    try:
        with isolated():  # under pytest it would write keys where SSLKEYLOGFILE names a file
            return ssl.create_default_context(cafile=file or certifi.where())
    except OSError:
        name = "--ca-file" if ca_file else "SSL_CERT_FILE"
        raise UsageError(f"{name} {file}: no CA certificates in PEM can be read there") from None
