"""The guard: nothing leaves for another place or path, nor faster or more often than agreed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from retry_contract.endpoint.guard import (
    Guard,
    GuardedTransport,
    GuardError,
    host_of,
    is_loopback,
    origin,
)
from retry_contract.endpoint.live import check_key, check_proxy, check_url, may_provision
from retry_contract.outcome import NotTested, UsageError
from retry_contract.service.records import SIMULATOR

BASE = "https://test.postman.gov.sg/api/v2"
HERE = "http://127.0.0.1:8000/api/v2"
CAMPAIGN, FOREIGN = "campaign_1", "campaign_2"
MESSAGES = f"/campaigns/{CAMPAIGN}/messages"
RETRY = f"{MESSAGES}/message_1/retry"
SEND = {"recipient": "6522222222", "language": "english", "values": {"name": "Test"}}


class Recorder(httpx.BaseTransport):
    """Keeps what is sent, and answers 200."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(f"{request.method} {request.url}")
        return httpx.Response(200)


def _client(
    base: str = BASE, *, may_send: bool = True, **limits: Any
) -> tuple[httpx.Client, Recorder]:
    recorder = Recorder()
    guard = Guard(httpx.URL(base), CAMPAIGN, FOREIGN, may_send)
    transport = GuardedTransport(guard, recorder, **limits)
    return httpx.Client(base_url=base, transport=transport, trust_env=False), recorder


def _refused(method: str, url: str, *, base: str = BASE, **request: Any) -> str:
    client, recorder = _client(base, may_send=request.pop("may_send", True))
    with pytest.raises(GuardError, match=r"^not sent, since a live run may not: ") as refused:
        client.request(method, url, **request)
    assert recorder.sent == []
    return str(refused.value)


# Where a request goes

ELSEWHERE = [
    "https://evil.example" + "/api/v2" + RETRY,
    "http://test.postman.gov.sg/api/v2" + RETRY,
    "https://test.postman.gov.sg:8443/api/v2" + RETRY,
    "https://test.postman.gov.sg:0/api/v2" + RETRY,
    "https://test.postman.gov.sg../api/v2" + RETRY,
    "https://postman.gov.sg/api/v2" + RETRY,
    "https://loadtest.postman.gov.sg/api/v2" + RETRY,
    "https://test.postman.gov.sg.evil.example/api/v2" + RETRY,
    "https://eviltest.postman.gov.sg/api/v2" + RETRY,
    "https://test-postman.gov.sg/api/v2" + RETRY,
    "https://xtest%2epostman.gov.sg/api/v2" + RETRY,
    "https://user@test.postman.gov.sg/api/v2" + RETRY,
    "https://user:password@test.postman.gov.sg/api/v2" + RETRY,
    "https://test.postman.gov.sg@evil.example/api/v2" + RETRY,
    "https://test.postman.gov.sg\\@evil.example/api/v2" + RETRY,
    "https://evil.example#@test.postman.gov.sg/api/v2" + RETRY,
    "https://[::1]/api/v2" + RETRY,
    "https://[::ffff:7f00:1]/api/v2" + RETRY,
    "https://127.0.0.1/api/v2" + RETRY,
    "https://2130706433/api/v2" + RETRY,
    "https://0x7f.1/api/v2" + RETRY,
    "https://0x7f000001/api/v2" + RETRY,
    "https://127.1/api/v2" + RETRY,
    "https://t\u0435st.postman.gov.sg/api/v2" + RETRY,
    "ftp://test.postman.gov.sg/api/v2" + RETRY,
]

OTHER_PATHS = [
    "https://test.postman.gov.sg/api/v22" + RETRY,
    "https://test.postman.gov.sg/api/v2x/.." + RETRY,
    "https://test.postman.gov.sg" + RETRY,
    "https://test.postman.gov.sg/api/v1" + RETRY,
    "https://test.postman.gov.sg/API/V2" + RETRY,
    "https://test.postman.gov.sg//api/v2" + RETRY,
    "https://test.postman.gov.sg/api/v2",
    "https://test.postman.gov.sg/api/v2/",
    *(
        BASE + f"{MESSAGES}/{part}/retry"
        for part in (
            *("..", ".", "%2e%2e", "%2E%2e", ".%2e", "%2e", "%252e%252e", "%25252e%25252e"),
            *("a/b", "a%2fb", "a%2Fb", "a%252fb", "a%5cb", "a\\b", "%5c..", "..%2f..", "..;a"),
            *("%2e%2e;a", "a%00", "a%0d%0aHost:%20x", "a%3fb", "a%253fb", "a%23b", "", "%20.."),
            *("..%20", "%c0%ae%c0%ae", "%ff", "%ef%bc%8e%ef%bc%8e", "a%ef%bc%8fb", "%e2%80%a5"),
            *("a%u002e", "a%U002fb", "a%25u002f", "%c2%85", "a%c2%80", "a%e2%80%8b", "a%e2%80%ae"),
            *("a%c2%adb", "%ef%bb%bfa", "a%e2%80%a8b", "a%cd%8f", "%e3%85%a4", "a%ef%b8%8f"),
            *("a%f3%a0%84%80", "a%e2%81%a0", "a%c2%a0", "a%25e2%2580%258b"),
        )
    ),
    BASE + RETRY + "/",
    BASE + RETRY + "?",
    BASE + RETRY + "?again=1",
    BASE + RETRY + "/x",
    BASE + RETRY + "x",
    BASE + RETRY + "%2f..",
    BASE + MESSAGES,
    BASE + MESSAGES + "/",
    BASE + MESSAGES + "/message_1",
    BASE + "/campaigns",
    BASE + f"/campaigns/{CAMPAIGN}",
    BASE + f"/campaigns/{CAMPAIGN}/batch/messages",
    BASE + f"/campaigns/{CAMPAIGN}/batch/batch_1/retry",
    BASE + "/campaigns/campaign_3/messages/message_1/retry",
    BASE + f"/campaigns/{CAMPAIGN.upper()}/messages/message_1/retry",
    BASE + f"/campaigns/x{CAMPAIGN}/messages/message_1/retry",
    BASE + f"/campaigns/{CAMPAIGN}%20/messages/message_1/retry",
    BASE + "/campaigns//messages/message_1/retry",
    BASE + "/campaigns/../campaigns/campaign_3/messages/message_1/retry",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_request_never_leaves_for_another_place(url: str) -> None:
    try:
        assert httpx.URL(url).raw_host is not None
    except httpx.InvalidURL:
        pytest.fail("not a URL to httpx: it tries nothing")
    _refused("POST", url)


@pytest.mark.parametrize("url", OTHER_PATHS)
def test_request_never_leaves_for_another_path(url: str) -> None:
    _refused("POST", url)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", MESSAGES + "/message_1"),
        ("POST", MESSAGES + "/message_1"),
        ("PATCH", MESSAGES + "/message_1"),
        ("GET", MESSAGES),
        ("DELETE", RETRY),
        ("PUT", RETRY),
        ("PATCH", RETRY),
        ("OPTIONS", RETRY),
        ("TRACE", RETRY),
        ("CONNECT", RETRY),
        ("X-ANY", RETRY),
        ("GET", f"/campaigns/{FOREIGN}/messages/message_1"),
        ("POST", f"/campaigns/{FOREIGN}/messages"),
    ],
)
def test_request_never_leaves_with_another_method(method: str, path: str) -> None:
    _refused(method, BASE + path, json=SEND if path.endswith("messages") else None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"host": "test.postman.gov.sg.evil.example"},
        [("Host", "test.postman.gov.sg"), ("HOST", "postman.gov.sg")],
        {"X-Original-URL": "/admin"},
        {"X-Rewrite-URL": "/admin"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"x-forwarded-host": "evil.example"},
        *({name: "/admin"} for name in ("X-Forwarded-Path", "X-Override-URL", "Forwarded", "Via")),
        *({name: "a"} for name in ("Cookie", "Upgrade", "TE", "Content-Encoding", "Expect")),
        *({name: "a"} for name in ("X-Accel-Redirect", "Transfer-Encoding", "Range", "X-Any")),
    ],
)
def test_header_names_no_other_place_path_or_method(headers: Any) -> None:
    _refused("POST", BASE + RETRY, headers=headers)


@pytest.mark.parametrize("base", [BASE, HERE])
def test_headers_that_the_kit_sends_pass(base: str) -> None:
    client, recorder = _client(base)
    headers = {"Authorization": "Bearer key", "X-Schemathesis-TestCaseId": "1", "Accept-Any": "a"}
    client.post(f"{base}{RETRY}", headers=headers)
    client.post(f"{base}{MESSAGES}", json=SEND, headers=headers)
    assert len(recorder.sent) == 2


def _pieces() -> Iterator[bytes]:
    yield b"{}"


@pytest.mark.parametrize("body", [{"json": {}}, {"data": {"a": "b"}}, {"content": b" "}])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", RETRY), ("GET", RETRY), ("GET", f"{MESSAGES}/message_1")]
)
def test_body_leaves_with_a_single_send_alone(method: str, path: str, body: Any) -> None:
    assert "a body with a call that has none" in _refused(method, BASE + path, **body)
    client, recorder = _client(HERE)
    client.request(method, HERE + path, **body)
    assert len(recorder.sent) == 1, "on this machine anything may be tried"


def test_body_that_is_streamed_never_leaves() -> None:
    _refused("POST", BASE + RETRY, content=_pieces(), headers={"content-length": "2"})
    for base in (BASE, HERE):
        _refused("POST", base + RETRY, base=base, content=_pieces())


@pytest.mark.parametrize("extensions", [{"target": b"/admin"}, {"sni_hostname": "evil.example"}])
def test_extension_names_no_other_place_or_path(extensions: dict[str, Any]) -> None:
    _refused("POST", BASE + RETRY, extensions=extensions)


def test_request_without_tls_stays_on_this_machine() -> None:
    base = "http://test.postman.gov.sg/api/v2"
    assert "without TLS" in _refused("POST", base + RETRY, base=base)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", BASE + RETRY),
        ("POST", "HTTPS://TEST.Postman.GOV.sg/api/v2" + RETRY),
        ("POST", "https://test.postman.gov.sg:443/api/v2" + RETRY),
        ("POST", RETRY),
        ("GET", RETRY),
        ("GET", MESSAGES + "/message_1"),
        ("POST", f"/campaigns/{FOREIGN}/messages/message_1/retry"),
        ("POST", f"{MESSAGES}/%E6%B5%8B%E8%AF%95%20%25/retry"),
    ],
)
def test_documented_calls_of_the_named_campaigns_pass(method: str, url: str) -> None:
    client, recorder = _client()
    client.request(method, url)
    assert len(recorder.sent) == 1


@pytest.mark.parametrize("link", ["//evil.example" + RETRY, "evil.example" + RETRY])
def test_link_without_a_scheme_stays_below_the_base(link: str) -> None:
    client, recorder = _client()
    with contextlib.suppress(GuardError):
        client.post(link)
    assert all(sent.startswith(f"POST {BASE}/") for sent in recorder.sent)


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "PATCH", "DELETE"])
def test_every_wrong_method_may_be_tried_on_this_machine(method: str) -> None:
    client, recorder = _client(HERE)
    client.request(method, f"{HERE}/campaigns/campaign_3/messages/message_1/retry?a=1")
    assert len(recorder.sent) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["https://evil.example/", "/admin", "http:" + BASE[6:]])
def test_redirect_is_refused_even_by_a_client_that_follows(status: int, location: str) -> None:
    class Redirecting(Recorder):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            super().handle_request(request)
            return httpx.Response(status, headers={"location": location}, request=request)

    recorder = Redirecting()
    transport = GuardedTransport(Guard(httpx.URL(BASE), CAMPAIGN), recorder)
    client = httpx.Client(transport=transport, follow_redirects=True, trust_env=False)
    with client, pytest.raises(GuardError):
        client.get(f"{BASE}{MESSAGES}/message_1")
    assert len(recorder.sent) == 1


# Single Send


@pytest.mark.parametrize("number", SIMULATOR)
def test_single_send_to_a_simulator_number_passes(number: str) -> None:
    client, recorder = _client()
    client.post(MESSAGES, json={**SEND, "recipient": number})
    assert len(recorder.sent) == 1


BODY = json.dumps(SEND)


@pytest.mark.parametrize(
    "content",
    [
        BODY.replace("6522222222", "6591234567"),
        BODY.replace("6522222222", "+6522222222"),
        BODY.replace("6522222222", " 6522222222"),
        BODY.replace("6522222222", "65222222220"),
        BODY.replace('"6522222222"', "6522222222"),
        BODY.replace('"6522222222"', '["6522222222"]'),
        BODY.replace('"6522222222"', '{"value": "6522222222"}'),
        BODY.replace('"6522222222"', "null"),
        BODY.replace("{", '{"recipient": "6591234567", ', 1),
        BODY.replace("{", '{"recipients": ["6591234567"], ', 1),
        BODY.replace("{", '{"Recipient": "6591234567", ', 1),
        BODY.replace("6522222222", "".join(chr(0xFF10 + int(digit)) for digit in "6522222222")),
        BODY.encode("utf-16"),
        f"[{BODY}]",
        '[["recipient", "6522222222"]]',
        "\ufeff" + BODY,
        BODY + BODY,
        "{}",
        "[]",
        "5",
        '"recipient"',
        "",
        b"\xff",
        "recipient=6522222222",
    ],
)
def test_single_send_to_anything_else_is_refused(content: Any) -> None:
    said = _refused("POST", BASE + MESSAGES, content=content)
    assert "simulator number" in said
    assert "6591234567" not in said


def test_single_send_that_cannot_be_read_is_refused() -> None:
    _refused("POST", BASE + MESSAGES, content=(part for part in [BODY.encode()]))
    _refused("POST", BASE + MESSAGES, json=SEND, headers={"content-encoding": "gzip"})


def test_single_send_is_refused_where_none_was_allowed() -> None:
    _refused("POST", BASE + MESSAGES, json=SEND, may_send=False)
    _refused("POST", HERE + MESSAGES, base=HERE, json=SEND, may_send=False)


@pytest.mark.parametrize("host", ["postman.gov.sg", "loadtest.postman.gov.sg", "agency.example"])
def test_single_send_is_refused_outside_the_test_environment(host: str) -> None:
    base = f"https://{host}/api/v2"
    assert "none was allowed" in _refused("POST", base + MESSAGES, base=base, json=SEND)
    assert not may_provision(base)


# Budget and rate


def test_budget_bounds_the_requests_of_a_run() -> None:
    client, recorder = _client(budget=3)
    for _ in range(3):
        client.post(RETRY)
    with pytest.raises(NotTested, match="the budget of 3 requests is spent; see --budget"):
        client.post(RETRY)
    assert len(recorder.sent) == 3


def test_refused_request_costs_nothing() -> None:
    client, recorder = _client(budget=1)
    with pytest.raises(GuardError):
        client.post("https://evil.example/")
    client.post(RETRY)
    assert len(recorder.sent) == 1


class Clock:
    """A clock that only sleeping, and `now`, move on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_rate_is_kept_between_requests() -> None:
    clock = Clock()
    client, _ = _client(rate=2.0, sleep=clock.sleep, clock=clock)
    for _ in range(4):
        client.post(RETRY)
    assert clock.slept == [0.5, 0.5, 0.5]
    clock.now += 0.25
    client.post(RETRY)
    clock.now += 60
    client.post(RETRY)
    client.post(RETRY)
    assert clock.slept == [0.5, 0.5, 0.5, 0.25, 0.5], "a long pause saves nothing up"


def test_without_a_rate_nothing_waits() -> None:
    clock = Clock()
    client, _ = _client(sleep=clock.sleep, clock=clock)
    client.post(RETRY)
    client.post(RETRY)
    assert clock.slept == []


# What may be given as an endpoint, a key, a proxy


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (BASE, BASE),
        (f" {BASE}/ ", BASE),
        ("HTTPS://Test.Postman.gov.sg/api/v2", BASE),
        ("https://test.postman.gov.sg:443/api/v2/", BASE),
        ("http://127.0.0.1:8000/api/v2", HERE),
        ("http://localhost/api/v2", "http://localhost/api/v2"),
        ("http://[::1]:8000/api/v2", "http://[::1]:8000/api/v2"),
        ("http://127.255.1.2/", "http://127.255.1.2"),
        ("https://staging.agency.example", "https://staging.agency.example"),
        ("https://staging.agency.example/v2.0/", "https://staging.agency.example/v2.0"),
    ],
)
def test_base_url_is_accepted(url: str, base: str) -> None:
    assert check_url(url, allow_production=False) == base


@pytest.mark.parametrize(
    "url",
    [
        *("http://test.postman.gov.sg/api/v2", "http://192.168.0.1/", "http://10.0.0.1:8000/"),
        *("http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://0177.0.0.1/"),
        *("http://localhost.evil.example/", "http://127.0.0.1.nip.io/", "http://localhost%00/"),
        *("http://0.0.0.0/", "http://[::]/", "http://localhosts/", "http://[::ffff:8.8.8.8]/"),
        *("http://user@127.0.0.1/", "https://u:p@test.postman.gov.sg/", "http://127.0.0.1\\@x/"),
        *("https://test.postman.gov.sg/?a=1", "https://test.postman.gov.sg/?", "https://a/#b"),
        *("ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1:8000", "https://", "https:a", "//x"),
        *("https://a:0/", "https://a:70000/", "https://a:80:80/", "https://a b/", "https://xn--/"),
        *(
            "https://a%2eb/",
            "https://[::1",
            "https://\uff50ostman.gov.sg/",
            *("https://a.example/%2e%2e/v2", "https://a.example/v2%2E0", "https://a.example/%252e"),
            *("http://localhost../", "http://localhost.../api/v2", "http://127.0.0.1./"),
            "https://a\tb/",
            "Mock",
        ),
    ],
)
def test_base_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match=r"^--endpoint") as error:
        check_url(url, allow_production=True)
    assert "\n" not in str(error.value)
    assert "u:p" not in str(error.value)


PRODUCTION = [
    "https://postman.gov.sg/api/v2",
    "https://POSTMAN.Gov.SG/api/v2",
    "HTTPS://postman.gov.sg",
    "https://postman.gov.sg./api/v2",
    "https://postman.gov.sg../api/v2",
    "https://postman.gov.sg:443/api/v2",
    "https://postman.gov.sg:8443/api/v2",
    "https://Postman.Gov.Sg.:443",
    "https://postman\u3002gov\u3002sg/api/v2",
    " https://postman.gov.sg ",
]


@pytest.mark.parametrize("url", PRODUCTION)
def test_production_needs_to_be_allowed(url: str) -> None:
    with pytest.raises(UsageError, match=r"this is production.*--allow-production"):
        check_url(url, allow_production=False)
    assert host_of(httpx.URL(check_url(url, allow_production=True))) == "postman.gov.sg"


@pytest.mark.parametrize("key", ["PMAK-0123456789abcdef", " PMAK-0123456789abcdef\n"])
def test_key_of_the_other_postman_is_refused_unquoted(key: str) -> None:
    with pytest.raises(UsageError, match="another product") as error:
        check_key(key)
    assert "0123456789abcdef" not in str(error.value)


@pytest.mark.parametrize("key", ["secret key", "secret\nkey", "secr\u00e9t", "secret\x00"])
def test_key_that_no_header_can_carry_is_refused_unquoted(key: str) -> None:
    with pytest.raises(UsageError, match="copy it once more") as error:
        check_key(key)
    assert "secr" not in str(error.value)


def test_key_is_needed_and_stripped() -> None:
    with pytest.raises(UsageError, match="POSTMAN_API_KEY"):
        check_key(" \n")
    assert check_key(" key_test_1\r\n") == "key_test_1"


def test_proxy_is_checked_unquoted() -> None:
    assert check_proxy(None, BASE) is None
    assert check_proxy(" http://proxy.example:8080 ", BASE) == "http://proxy.example:8080"
    assert check_proxy("http://127.0.0.1:8080", HERE) == "http://127.0.0.1:8080"
    for proxy in ("proxy:8080", "socks5://u:secret@proxy", "http://", "http://a:b:c", "", "\0"):
        with pytest.raises(UsageError, match=r"^--proxy: give the URL") as error:
            check_proxy(proxy, BASE)
        assert "secret" not in str(error.value)
    for here in (HERE, "https://localhost/api/v2"):
        with pytest.raises(UsageError, match="on this machine, the proxy is not"):
            check_proxy("http://proxy.example:8080", here)


def test_addresses_of_this_machine_are_known_as_they_are_written() -> None:
    here = ("http://127.0.0.1", "http://LOCALHOST:1", "http://localhost./", "http://[::1]:2")
    assert all(is_loopback(httpx.URL(url)) for url in here)
    elsewhere = ("http://localhost..", "http://127.0.0.1.", "http://xlocalhost", "http://0.0.0.0")
    assert not any(is_loopback(httpx.URL(url)) for url in elsewhere)
    assert origin(httpx.URL("https://A.example.")) == ("https", "a.example", 443)
    assert origin(httpx.URL("https://a.example:0")) == ("https", "a.example", 0)
    assert origin(httpx.URL("http://localhost..")) != origin(httpx.URL("http://localhost"))


def test_budget_and_rate_hold_over_all_threads() -> None:
    recorder, slept = Recorder(), list[float]()
    guard = Guard(httpx.URL(BASE), CAMPAIGN)
    transport = GuardedTransport(
        guard, recorder, budget=40, rate=10, sleep=slept.append, clock=lambda: 0.0
    )

    def send(_: int) -> bool:
        with contextlib.suppress(NotTested):
            transport.handle_request(httpx.Request("POST", BASE + RETRY))
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(100))) == 40
    assert len(recorder.sent) == 40
    assert sorted(round(10 * pause) for pause in slept) == list(range(1, 40))


def test_nothing_is_sent_after_the_end_by_a_thread_that_waited_for_its_turn() -> None:
    recorder = Recorder()
    transport = GuardedTransport(
        Guard(httpx.URL(BASE), CAMPAIGN), recorder, rate=1, sleep=lambda _: transport.close()
    )
    transport.handle_request(httpx.Request("POST", BASE + RETRY))
    with pytest.raises(NotTested, match="the run has ended"):
        transport.handle_request(httpx.Request("POST", BASE + RETRY))
    assert len(recorder.sent) == 1
