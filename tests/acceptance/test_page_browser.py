"""Reports that the command wrote, opened in Chromium: light, dark, and as wide as a phone."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright
from support.pages import HOSTILE
from support.tools import needs
from support.watched import watched

from retry_contract.service.http import Handler, Request, Response

pytestmark = pytest.mark.slow

VIEWS = {"light": ("light", 1100), "dark": ("dark", 1100), "phone": ("light", 375)}
LOOKED_AT = [
    *(
        (name, view)
        for name in ("kept", "broken", "not tested", "ready", "not ready")
        for view in VIEWS
    ),
    ("hostile service", "light"),
]
READERS = f"""
def ready(response):
    return response["id"]

def not_ready(response):
    if "creatorId" in response:
        raise ValueError({HOSTILE!r})
    return response["id"]
"""
VERDICTS = {
    "kept": "kept The built-in model keeps the contract",
    "broken": "broken The built-in model does not keep the contract",
    "not tested": "not tested This run does not show whether the service keeps the contract",
    "hostile service": "broken The service does not keep the contract",
    "ready": "READY readers:ready is ready for the contract",
    "not ready": "NOT READY readers:not_ready is not ready for the contract",
}
NEXT = {
    "kept": "name your service with --endpoint URL",
    "broken": "Responses look as if another contract than before-2025-02-24 is served.",
    "not tested": "Check that the service runs",
    "hostile service": "Show the service's team what is broken",
    "ready": "Nothing to correct.",
    "not ready": "Correct your code",
}


def hostile(_: Any, handle: Handler) -> Handler:
    """Make the members of a response, and its content type, hostile."""

    def send(request: Request) -> Response:
        response = handle(request)
        if request.method == "GET" or response.status != 201:
            return response
        body = {**json.loads(response.body), HOSTILE: HOSTILE, "id": HOSTILE, "values": HOSTILE}
        headers = {**response.headers, "content-type": HOSTILE.encode("ascii", "ignore").decode()}
        return Response(response.status, json.dumps(body).encode(), headers)

    return send


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def reports(
    command: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Path]]:
    """The page of each run, by its name."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "readers.py").write_text(READERS, encoding="utf-8")
    verify, consumer = ("verify", "--fuzz", "0"), ("consumer", "--payloads", "25")
    nobody = f"http://127.0.0.1:{closed_port()}/api/v2"
    faulty = {"RETRY_CONTRACT_FAULT": "cutover-early"}
    with watched(wraps=[hostile]) as (served, _):
        key = {"POSTMAN_API_KEY": served.key}
        messages = [word for id_ in served.failed(3) for word in ("--message", id_)]
        named = ("--endpoint", nobody, "--campaign", served.campaign, *messages[:2])
        runs: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
            "kept": (verify, {}),
            "broken": ((*verify, "--", "-p", "faulty"), faulty),
            "not tested": ((*verify, *named), key),
            "hostile service": ((*verify, *served.options, *messages), key),
            "ready": ((*consumer, "readers:ready"), {}),
            "not ready": ((*consumer, "readers:not_ready"), {}),
        }

        def run(name: str) -> Path:
            (command_name, *words), env = runs[name]
            command(command_name, "--report", str(folder / name), *words, cwd=folder, env=env)
            return folder / name / "report.html"

        with ThreadPoolExecutor(2) as pool:
            yield dict(zip(runs, pool.map(run, runs), strict=True))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = needs("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def watch(browser: Browser) -> Iterator[Callable[[Path, str], Page]]:
    """Open a page. What it logs, throws or asks for fails the test in the end."""
    noted: list[str] = []
    contexts = []

    def note_request(url: str, file: Path) -> None:
        if url != file.as_uri():
            noted.append(url)

    def open_page(file: Path, view: str = "light") -> Page:
        scheme, width = VIEWS[view]
        context = browser.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 800},
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: noted.append(message.text))
        page.on("pageerror", lambda error: noted.append(str(error)))
        page.on("dialog", lambda dialog: noted.append(dialog.message))
        page.on("request", lambda request: note_request(request.url, file))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert noted == []


Watch = Callable[..., Page]


@pytest.mark.parametrize("name", VERDICTS)
def test_page_says_what_is_wrong_and_what_to_do(
    name: str, reports: dict[str, Path], watch: Watch
) -> None:
    top = " ".join(watch(reports[name]).locator("header").inner_text().split())
    assert top.casefold().startswith(VERDICTS[name].casefold())
    assert NEXT[name] in top


@pytest.mark.parametrize(("name", "view"), LOOKED_AT)
def test_page_is_accessible_and_no_wider_than_the_window(
    name: str, view: str, reports: dict[str, Path], watch: Watch
) -> None:
    page = watch(reports[name], view)
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= VIEWS[view][1]


def test_schemes_differ(reports: dict[str, Path], watch: Watch) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light, dark = (watch(reports["kept"], view).evaluate(colour) for view in ("light", "dark"))
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(15, 19, 24)")


def test_filter_works_by_keyboard(reports: dict[str, Path], watch: Watch) -> None:
    page = watch(reports["broken"])
    rows = page.locator("tr[data-states]:visible")
    every = rows.count()
    page.focus("#only-all")
    page.keyboard.press("ArrowDown")
    assert page.is_checked("#only-broken")
    shown = [row.get_attribute("data-states") or "" for row in rows.all()]
    assert 0 < len(shown) < every
    assert all("broken" in states.split() for states in shown)
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("ArrowUp")
    assert rows.count() == every


def test_regions_that_scroll_are_reached_by_keyboard(
    reports: dict[str, Path], watch: Watch
) -> None:
    page = watch(reports["broken"], "phone")
    region = page.get_by_label("Timeline of the contracts")
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")


@pytest.mark.parametrize("name", ["hostile service", "not ready"])
def test_hostile_text_stays_text(name: str, reports: dict[str, Path], watch: Watch) -> None:
    page = watch(reports[name])
    assert page.locator("script, img, iframe, [onerror], [style]").count() == 0
    assert page.locator('a:not([href^="https://"], [href^="#"])').count() == 0
    text = page.locator("body").inner_text()
    assert "\u202e" not in text
    if name == "not ready":
        assert "<script>alert(1)</script></style><img src=x" in text
        assert "\\u202egpj" in text


def test_policy_stops_a_script_that_gets_in_all_the_same(
    browser: Browser, reports: dict[str, Path], tmp_path: Path
) -> None:
    source = reports["kept"].read_text(encoding="utf-8")
    file = tmp_path / "report.html"
    file.write_text(source.replace("<h1>", "<script>document.title = 'in'</script><h1>"), "utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.title() != "in"
    page.close()
