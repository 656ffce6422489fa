"""The peers: for each, what to install, and how to run it against one server.

Each is given the same document, key, campaign and failed message, and makes the same requests if
it can express them: a Single Send, a Retrieve, a retry of the failed message, a retry of an
unknown one, and a retry without a key; all but the first three by what its documentation offers
for that. What it expects of the responses is read from the document, not written here.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import document as openapi
from running import Target, run
from verdict import Verdict, verdict

VALID = openapi.SOURCE.parent / "examples" / "valid" / "the-page.json"


@dataclass(frozen=True)
class Bench:
    """One run of one tool: the server, a folder to write to, and where the tool is installed."""

    target: Target
    folder: Path
    home: Path

    def document(self, older: bool = False) -> openapi.Document:
        values = {"campaignId": self.target.campaign, "messageId": self.target.message}
        made = openapi.document(self.target.url, values)
        return openapi.as_3_0(made) if older else made

    def write(self, name: str, value: Any) -> str:
        """Write a file, as JSON unless it is text, and return its path."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def program(self, name: str) -> str:
        return str(self.home / "node_modules" / ".bin" / name)

    @property
    def bearer(self) -> str:
        return f"Bearer {self.target.key}"


@dataclass(frozen=True)
class Peer:
    """A tool, how it checks one server, and the npm packages that it is installed from.

    One without packages is a module that this project depends on. `needs` are other programs.
    """

    name: str
    check: Callable[[Bench], Verdict]
    packages: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    module: str = "retry-contract"


def kit(bench: Bench, *options: str) -> Verdict:
    target = bench.target
    words = [str(Path(sys.executable).with_name("retry-contract")), "verify", "--json"]
    words += ["--endpoint", target.url, "--campaign", target.campaign]
    words += ["--provision", "simulator"]
    words += ["--contract", "after", "--fuzz", "0", *options]
    done = run(
        words, bench.folder, POSTMAN_API_KEY=target.key, RETRY_CONTRACT_SANDBOX=target.control
    )
    outcome = json.loads(done.output)
    rules = [rule for contract in outcome["contracts"] for rule in contract["rules"]]
    broken = [rule["rule"] for rule in rules if rule["state"] == "broken"]
    return verdict(done.code != 0, broken, target)


def kit_strict(bench: Bench) -> Verdict:
    return kit(bench, "--strict")


SCHEMATHESIS = """
dictionaries.failed = {{ values = ["{message}"] }}
[parameters]
campaignId = "{campaign}"
messageId = {{ dictionary = "failed", probability = 0.5 }}
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "429"]
"""
"""Half of the requests name the failed message; the document's refusals are no failures."""


def schemathesis(bench: Bench) -> Verdict:
    target = bench.target
    settings = SCHEMATHESIS.format(message=target.message, campaign=target.campaign)
    words = [str(Path(sys.executable).with_name("st"))]
    words += ["--config-file", bench.write("schemathesis.toml", settings), "run"]
    words += [bench.write("openapi.json", bench.document()), "--url", target.url, "--seed", "1"]
    words += ["-H", f"Authorization: {bench.bearer}", "--report-json-path", "report.json"]
    done = run(words, bench.folder)
    report = json.loads((bench.folder / "report.json").read_text(encoding="utf-8"))
    alarms = [f"{f['title']}: {o}" for f in report["failures"] for o in f["operations"]]
    return verdict(done.code != 0, alarms + [str(e) for e in report["errors"]], target)


def specmatic(bench: Bench) -> Verdict:
    """External examples, one a request, are its documented way to say what to send."""
    for number, example in enumerate(_specmatic_examples(bench)):
        bench.write(f"examples/{number}.json", example)
    jar = bench.home / "node_modules" / "specmatic" / "specmatic.jar"
    words = ["java", "-jar", str(jar), "test", bench.write("openapi.json", bench.document())]
    words += ["--examples=examples", f"--testBaseURL={bench.target.url}", "--strict"]
    done = run(words, bench.folder)
    _, _, failures = done.output.partition("Unsuccessful Scenarios:")
    found = re.findall(r'(?ms)^  "(.*?)(?=^  "|^Tests run)', failures)
    return verdict(done.code != 0, found, bench.target)


def _message() -> dict[str, Any]:
    message: dict[str, Any] = json.loads(VALID.read_text(encoding="utf-8"))
    return message


def _specmatic_examples(bench: Bench) -> Iterator[dict[str, Any]]:
    message = _message()
    refusal = {"message": "No.", "statusCode": 400}
    sends = {"Content-Type": "application/json"}
    own, key = f"/{bench.target.message}", {"Authorization": bench.bearer}
    for method, path, headers, body, status, response in (
        ("POST", "", key | sends, openapi.REQUEST, 201, message | {"language": "english"}),
        ("GET", own, key, None, 200, message),
        ("POST", f"{own}/retry", key, None, 201, message),
        ("POST", f"/{openapi.UNKNOWN}/retry", key, None, 400, refusal),
        ("POST", f"{own}/retry", {}, None, 401, refusal),
    ):
        path = f"/campaigns/{bench.target.campaign}/messages{path}"
        request = {"method": method, "path": path, "headers": headers}
        answer = {"status": status, "headers": sends, "body": response}
        body_of = {"body": body} if body else {}
        yield {"http-request": request | body_of, "http-response": answer}


DREDD_HOOKS = """
const hooks = require('hooks');
hooks.beforeEach((transaction, done) => {
  const status = transaction.expected.statusCode, retry = transaction.fullPath.endsWith('/retry');
  if (retry && status === '400') {
    transaction.fullPath = transaction.fullPath.replace('%(message)s', '%(unknown)s');
  } else if (retry && status === '401') {
    delete transaction.request.headers.Authorization;
  } else if (!status.startsWith('2')) {
    transaction.skip = true;
  }
  done();
});
"""


def dredd(bench: Bench) -> Verdict:
    """Hooks are its documented way to skip a documented response, and to bring one about.

    It compares content types to the letter, so its document names the one that is served, and
    requires what it generates from a schema, optional members too, so one response has an example.
    """
    document = bench.document(older=True)
    retrieved = document["paths"][openapi.RETRIEVE]["get"]["responses"]["200"]
    retrieved["content"]["application/json"]["example"] = _message()
    text = json.dumps(document)
    text = text.replace('"application/json"', '"application/json; charset=utf-8"')
    hooks = DREDD_HOOKS % {"message": bench.target.message, "unknown": openapi.UNKNOWN}
    words = [bench.program("dredd"), bench.write("openapi.json", text), bench.target.url]
    words += ["--header", f"Authorization:{bench.bearer}", "--loglevel", "warning"]
    done = run([*words, "--hookfiles", bench.write("hooks.js", hooks)], bench.folder)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.output)
    found = re.findall(r"(?ms)^fail: (.*?)(?: duration:.*?)?\n(?=\n|\w+:)", plain)
    return verdict(done.code != 0, found, bench.target)


def portman(bench: Bench) -> Verdict:
    """Variations are its documented way to bring about a refusal."""
    words = [bench.program("portman"), "-l", bench.write("openapi.json", bench.document())]
    words += ["-c", bench.write("portman.json", _portman(bench.target.key))]
    words += ["-b", bench.target.url, "-o", "collection.json", "--runNewman"]
    done = run(words, bench.folder)
    found = re.findall(r"^\s*\d+\.\s+(?!✓)(.+)$", done.output, re.MULTILINE)
    return verdict(done.code != 0, found, bench.target)


def _portman(key: str) -> dict[str, Any]:
    names = ("statusCode", "contentType", "jsonBody", "schemaValidation", "headersPresent")
    checks: dict[str, Any] = {name: {"enabled": True} for name in names}
    unknown = {"key": "messageId", "value": openapi.UNKNOWN}
    variations = [
        _variation("400", {"overwriteRequestPathVariables": [unknown]}, checks),
        _variation("401", {"overwriteRequestSecurity": {"bearer": {"token": ""}}}, checks),
    ]
    contracts = [{"openApiOperation": "*::/*", **checks}]
    return {
        "version": 1.0,
        "tests": {"contractTests": contracts, "variationTests": variations},
        "globals": {"securityOverwrites": {"bearer": {"token": key}}},
    }


def _variation(status: str, overwrite: dict[str, Any], checks: dict[str, Any]) -> dict[str, Any]:
    tests = {"contractTests": [checks]}
    variation = {"name": status, "overwrites": [overwrite], "tests": tests}
    return {
        "openApiOperationId": "retry",
        "openApiResponse": status,
        "variations": [variation],
    }
