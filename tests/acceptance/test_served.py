"""Which contract is served, expected, and tolerated; and messages that the service's team gives."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.server import Served
from support.watched import Watch, begin, watched

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.faults.model import is_retrieve, payloads
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service, Settings
from retry_contract.service.seeds import seed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NAMES = {"before": "before-2025-02-24", "after": "after-2025-02-24"}
CUTOVER = "2025-02-24T00:00:00+08:00"
HOOK = """
import os
from pathlib import Path
def pytest_retry_contract_state(state):
    folder = Path(os.environ["STATES"])
    found = sorted(folder.glob(state.replace(":", "=") + "@*"))
    if not found:
        return None
    found[0].unlink()
    return found[0].name.partition("@")[2]
"""
GIVEN = 12
STATES = (
    *("created", "enqueued", "sending", "sent", "sent_to_telco", "success", "failure"),
    *("batch:messages_enqueued", "batch:messages_enqueuing_failed", "batch:success"),
    *("attempts-spent", "foreign", "before-cutover", "other-creator", "special-values"),
)


def _never_string(value: Any) -> Any:
    def change(payload: dict[str, Any]) -> None:
        payload["creatorId"] = value

    return payloads(change, to=is_retrieve, status=200)


Verified = tuple[int, dict[str, Any], Watch]


@pytest.fixture
def verified(here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verified]:
    def run(*arguments: str, contract: str = "after", **more: Any) -> Verified:
        with watched(contract, **more) as (served, watch):
            monkeypatch.setenv("POSTMAN_API_KEY", served.key)
            options = [*served.options, "--message", *served.failed(), "--fuzz", "0", "--json"]
            done = here("verify", *options, *arguments)
        return done.returncode, json.loads(done.stdout), watch

    return run


def _states(report: dict[str, Any]) -> dict[str, Any]:
    (contract,) = report["contracts"]
    return {rule["rule"]: rule for rule in contract["rules"]}


@pytest.mark.parametrize("contract", NAMES)
def test_served_is_what_retrieve_shows(contract: str, verified: Callable[..., Verified]) -> None:
    code, report, watch = verified("--contract", "served", contract=contract)
    assert (code, report["outcome"]) == (0, "kept")
    assert report["contracts"][0]["contract"] == NAMES[contract]
    assert watch.seen[0][0].method == "GET"
    in_force = _states(report)["contract-in-force-served"]
    assert in_force["state"] == "not exercised"
    assert "--contract served" in in_force["reason"]
    assert _states(report)["one-contract-served"]["state"] == "kept"


@pytest.mark.parametrize("value", ["", None, 7, {"id": "x"}])
def test_any_creator_id_at_the_top_is_after(value: Any, verified: Callable[..., Verified]) -> None:
    _, report, _ = verified("--contract", "served", wraps=[_never_string(value)])
    assert report["contracts"][0]["contract"] == NAMES["after"]


def test_nothing_but_gets_comes_before_it_is_known(verified: Callable[..., Verified]) -> None:
    extra = ("--provision", "simulator", "--", "-k", "unknown-message-refused")
    _, _, watch = verified("--contract", "served", *extra)
    methods = [method for method, _ in watch.calls]
    assert methods == ["GET", "POST"]


def test_disagreement_names_the_requests(verified: Callable[..., Verified]) -> None:
    for fault in ("cutover-of-retry-only", "cutover-not-of-retrieve"):
        code, report, _ = verified("--contract", "served", faults=[fault])
        assert (code, report["outcome"]) == (1, "broken")
        (violation,) = _states(report)["one-contract-served"]["violations"]
        assert "as retrieve showed at request 1" in violation["expected"]
        assert violation["actual"].startswith(("absent, as in ", "present, as in "))
        assert "(retry, request 2)" in violation["message"]


@pytest.mark.parametrize(
    ("on", "contract"),
    [("2025-01-27", "after"), ("2025-02-23", "after"), ("2025-02-24", "before")],
)
def test_transition_lets_the_other_be_served(
    on: str, contract: str, verified: Callable[..., Verified]
) -> None:
    code, report, _ = verified("--on", on, contract=contract)
    assert (code, report["outcome"]) == (0, "kept")
    assert report["contracts"][0]["drift"]
    code, report, _ = verified("--on", on, "--strict", contract=contract)
    assert (code, report["outcome"]) == (1, "broken")


@pytest.mark.parametrize(
    ("on", "contract", "told"),
    [
        ("2025-02-25", "before", ("after-2025-02-24 is in force at", CUTOVER)),
        ("2025-01-26", "after", ("before-2025-02-24 is in force at", CUTOVER)),
    ],
)
def test_other_contract_outside_the_transition_is_broken(
    on: str, contract: str, told: tuple[str, str], verified: Callable[..., Verified]
) -> None:
    code, report, _ = verified("--contract", "auto", "--on", on, contract=contract)
    assert (code, report["outcome"]) == (1, "broken")
    (violation,) = _states(report)["contract-in-force-served"]["violations"]
    for part in told:
        assert part in violation["message"]


def _changing(changes: dict[int, str]) -> Callable[[Service, Handler], Handler]:
    """Serve another contract from the request of a number on."""

    def wrap(service: Service, handle: Handler) -> Handler:
        numbers = itertools.count(1)

        def answer(request: Request) -> Response:
            contract = changes.get(next(numbers))
            if contract is not None:
                service.in_force = lambda _: catalogue()[contract]
            return handle(request)

        return answer

    return wrap


@pytest.mark.parametrize("number", [2, 13])
def test_cutover_during_a_run_is_drift_in_the_transition(
    number: int, verified: Callable[..., Verified]
) -> None:
    wraps = [_changing({number: "after"})]
    code, report, _ = verified("--on", "2025-02-20", contract="before", wraps=wraps)
    assert (code, report["outcome"]) == (0, "kept")
    assert report["cutover"] in range(number, number + 3), "the first that shows a message"
    said = f"the cutover happened during this run, at request {report['cutover']}"
    assert said in [drift["message"] for drift in report["contracts"][0]["drift"]]


@pytest.mark.parametrize("expected", ["before", "after", "served"])
def test_cutover_during_a_run_is_a_violation_outside_the_transition(
    expected: str, verified: Callable[..., Verified]
) -> None:
    wraps = [_changing({12: "after"})]
    code, report, _ = verified("--contract", expected, contract="before", wraps=wraps)
    assert (code, report["cutover"] in (12, 13)) == (1, True), "the first that shows a message"
    (violation,) = _states(report)["one-contract-served"]["violations"]
    said = f"; the cutover happened during this run, at request {report['cutover']}"
    assert violation["actual"].endswith(said)


@pytest.mark.parametrize("changes", [{12: "after", 24: "before"}, {1: "after", 12: "before"}])
def test_contract_that_comes_back_is_no_cutover(
    changes: dict[int, str], verified: Callable[..., Verified]
) -> None:
    wraps = [_changing(changes)]
    code, report, _ = verified("--on", "2025-02-20", contract="before", wraps=wraps)
    assert (code, report["cutover"]) == (1, None)
    (violation,) = _states(report)["one-contract-served"]["violations"]
    assert "cutover" not in violation["actual"]


def test_generated_cases_show_which_contract_is_served_too(
    here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(delivery=timedelta(milliseconds=1))
    wraps = [_changing(dict.fromkeys(range(20, 10_000, 2), "before"))]
    wraps += [_changing(dict.fromkeys(range(21, 10_000, 2), "after"))]
    with watched(settings=settings, wraps=wraps) as (served, watch):
        monkeypatch.setenv("POSTMAN_API_KEY", served.key)
        own = [*served.options, "--contract", "after", "--provision", "simulator", "--json"]
        done = here("verify", *own, "--fuzz", "5", "--", "-k", "one-contract-served or sequences")
    report = json.loads(done.stdout)
    assert _states(report)["one-contract-served"]["state"] == "broken"
    assert len(watch.seen) > 20


def test_kept_as_shown_says_that_the_contract_was_superseded(
    here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for contract, said in (
        ("before", "as shown: before-2025-02-24, which was superseded on 24 February 2025"),
        ("after", ""),
    ):
        with watched(contract) as (served, _):
            monkeypatch.setenv("POSTMAN_API_KEY", served.key)
            options = [*served.options, "--message", *served.failed(), "--contract", "served"]
            done = here("verify", *options, "--fuzz", "0")
        *_, last = done.stdout.splitlines()
        assert last.startswith("KEPT by http://127.0.0.1:")
        assert said in last
        assert ("superseded" in last) == bool(said)


def test_auto_is_the_default_for_a_url(verified: Callable[..., Verified]) -> None:
    code, report, _ = verified()
    assert (code, report["contracts"][0]["contract"]) == (0, NAMES["after"])


def _provide(served: Served, folder: Path) -> None:
    folder.mkdir()
    for state in STATES:
        for message in _seed(served, state):
            (folder / f"{state.replace(':', '=')}@{message}").touch()


def _seed(served: Served, state: str) -> list[str]:
    owner = served.foreign_campaign if state == "foreign" else served.campaign
    wanted = "failure" if state == "foreign" else state
    campaign = served.service.campaigns[owner]
    return [seed(served.service, campaign, wanted).id for _ in range(GIVEN)]


def _provided(folder: Path, shell: dict[str, str], words: list[str]) -> dict[str, Any]:
    with watched(settings=Settings(delivery=timedelta(minutes=1))) as (served, _):
        _provide(served, folder / "states")
        prefix = "--" if words[0] == "verify" else "--contract-"
        own = {"endpoint": served.url, "campaign": served.campaign, "fuzz": "0", "report": "report"}
        own["max-seconds"] = "0.5"
        own["foreign-campaign"] = served.foreign_campaign
        own["contract" if prefix == "--" else "version"] = "served"
        options = [f"{prefix}{name}={value}" for name, value in own.items()]
        start = ["-m", "retry_contract" if prefix == "--" else "pytest"]
        env = {**shell, "STATES": str(folder / "states")}
        code = begin([*start, words[0], *options, *words[1:]], served, folder, env).wait(60)
    assert code == 0, (folder / "stdout").read_text() + (folder / "stderr").read_text()
    report: dict[str, Any] = json.loads((folder / "report" / "report.json").read_text())
    return report


@pytest.fixture(scope="module")
def provided(
    tmp_path_factory: pytest.TempPathFactory, shell: dict[str, str]
) -> Iterator[dict[str, tuple[Path, dict[str, Any]]]]:
    by_plugin, by_conftest = (tmp_path_factory.mktemp(name) for name in ("plugin", "conftest"))
    (by_plugin / "team.py").write_text(HOOK, encoding="utf-8")
    (by_conftest / "conftest.py").write_text(HOOK, encoding="utf-8")
    installed = ["--import-mode=importlib", "-p", "no:cacheprovider", "-rA"]
    tests = str(ROOT / "contract_tests")
    plain = [tests, "-c", os.devnull, f"--confcutdir={ROOT}", *installed, "-p", "conftest"]
    asked = {
        "plugin": (by_plugin, ["verify", "--", "-p", "team"]),
        "conftest": (by_conftest, plain),
    }
    with ThreadPoolExecutor(max_workers=2) as pool:
        done = pool.map(lambda given: _provided(given[0], shell, given[1]), asked.values())
        yield {
            name: (folder, report)
            for (name, (folder, _)), report in zip(asked.items(), done, strict=True)
        }


@pytest.mark.parametrize("how", ["plugin", "conftest"])
def test_every_state_that_the_hook_provides_is_used(how: str, provided: Any) -> None:
    folder, report = provided[how]
    assert report["outcome"] == "kept"
    unexercised = {
        name: rule["reason"] for name, rule in _states(report).items() if rule["state"] != "kept"
    }
    assert set(unexercised) == {
        *("contract-in-force-served", "same-shape-as-single-send"),
        *("generated-requests-answered", "generated-sequences-kept", "revoked-key-refused"),
    }
    left = Counter(path.name.partition("@")[0] for path in (folder / "states").iterdir())
    assert [state for state in STATES if left[state.replace(":", "=")] == GIVEN] == []


def test_tests_are_collected_as_served(provided: Any) -> None:
    folder, _ = provided["conftest"]
    output = (folder / "stdout").read_text()
    assert "test_message_id_kept[served]" in output
    assert "[after-2025-02-24]" not in output
