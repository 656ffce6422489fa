"""Runs of every subcommand in which something is planted, and what they leave behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

from support.forking import Forker
from support.planted import NAME, NRIC, NUMBER, Planter, found_in
from support.watched import reaching, watched

from retry_contract.contract.catalogue import catalogue
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service, Settings

KEY = "key_test_Q7xk3fJ0pLm9ZtW2"
PERSONAL = (NUMBER, NRIC, NAME)


@dataclass(frozen=True)
class Left:
    """What a run left: its command, exit code, and outputs and files by name."""

    words: tuple[str, ...]
    folder: Path
    code: int
    texts: Mapping[str, str]
    planted: frozenset[str] = frozenset()

    @property
    def command(self) -> str:
        """Its command, as one line."""
        return " ".join(self.words)

    def found(self, *secrets: str) -> dict[str, list[str]]:
        """Return what each output must not hold: secrets, and what was planted of them."""
        named = {name: found_in(text, secrets, self.planted) for name, text in self.texts.items()}
        return {name: found for name, found in named.items() if found}


def planted_runs(
    folder: Path, started: Forker, shell: Mapping[str, str], seed: int, seconds: float
) -> Iterator[tuple[Left, tuple[str, ...]]]:
    """Yield runs, and the secrets that were planted, until so many seconds are over."""
    random, end, number = Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for run in (_validate, *3 * (_verify, _validate), _reader, _verify, _client):
            number += 1
            here = folder / f"run{number}"
            here.mkdir()
            yield run(random, here, started, shell)


def _verify(
    random: Random, here: Path, started: Forker, shell: Mapping[str, str]
) -> tuple[Left, tuple[str, ...]]:
    planter: list[Planter] = []

    def meddle(_: Service, handle: Handler) -> Handler:
        def plant(request: Request) -> Response:
            response = handle(request)
            if random.random() < 0.6:
                return response
            headers = {**response.headers}
            if random.random() < 0.3:
                name = random.choice(("content-type", "retry-after", "allow", "x-note", "location"))
                headers[name] = planter[0].header()
            return Response(response.status, planter[0].body(response.body), headers)

        return plant

    settings = Settings(delivery=timedelta(milliseconds=5))
    with watched(wraps=(meddle,), settings=settings) as (served, _):
        secrets = (served.key, *PERSONAL)
        planter.append(Planter(random, secrets))
        words = ["verify", *served.options, "--fuzz", random.choice(("0", "2"))]
        words += ["--message", served.failed()[0], "--max-seconds", "1", "--timeout", "2"]
        words += random.choice((["--provision", "simulator"], []))
        words += ["--report", "report", "--record", "record.jsonl"]
        words += random.choice((["--json"], ["-v"], ["--strict"], ["--", "-rA", "--tb=long", "-l"]))
        (here / "report").mkdir()
        environment = reaching(served, here, shell)
        return _left(started, words, here, environment, planter[0]), secrets


def _validate(
    random: Random, here: Path, started: Forker, shell: Mapping[str, str]
) -> tuple[Left, tuple[str, ...]]:
    secrets = (KEY, *PERSONAL)
    planter = Planter(random, secrets)
    folder = here / "saved"
    folder.mkdir()
    for number in range(30):
        text = planter.text().replace("/", ":").replace("\0", "")
        name = f"{text}.json" if random.random() < 0.3 else f"{number}.json"
        contract = random.choice([*catalogue().values()])
        example = random.choice([*contract.examples(random.choice(("valid", "invalid"))).values()])
        (folder / name).write_bytes(planter.body(example.read_bytes()))
    words = ["validate", "saved", *random.choice(([], ["--json"], ["--strict"], ["-q"]))]
    words += ["--contract", random.choice(("before", "after", "any"))]
    environment = {**shell, "POSTMAN_API_KEY": KEY}
    return _left(started, words, here, environment, planter), secrets


def _reader(
    random: Random, here: Path, started: Forker, shell: Mapping[str, str]
) -> tuple[Left, tuple[str, ...]]:
    command = ["--exec", f"{sys.executable} planted_code.py"]
    target = random.choice((["planted_code:read"], ["planted_code:absent"], command))
    return _consumer(random, here, started, shell, _READER, [*target, "--payloads", "5"])


def _client(
    random: Random, here: Path, started: Forker, shell: Mapping[str, str]
) -> tuple[Left, tuple[str, ...]]:
    target = ["--client", "planted_code:call", "--timeout", "3"]
    return _consumer(random, here, started, shell, _CLIENT, target)


def _consumer(
    random: Random,
    here: Path,
    started: Forker,
    shell: Mapping[str, str],
    code: str,
    target: list[str],
) -> tuple[Left, tuple[str, ...]]:
    secrets = (KEY, NUMBER, NRIC)
    planter = Planter(random, secrets)
    said = [planter.text() for _ in range(3)]
    source = code.format(said=said, way=random.randrange(4))
    (here / "planted_code.py").write_text(source, encoding="utf-8")
    (here / "report").mkdir()
    words = ["consumer", *target, *random.choice(([], ["--json"])), "--report", "report"]
    environment = {**shell, "POSTMAN_API_KEY": KEY}
    return _left(started, words, here, environment, planter), secrets


def _left(
    started: Forker, words: list[str], here: Path, env: Mapping[str, str], planter: Planter
) -> Left:
    planted = {path for path in here.rglob("*") if path.is_file()}
    code = started.start(words, here, env).wait()
    made = (path for path in here.rglob("*") if path.is_file() and path not in planted)
    texts = {
        str(path.relative_to(here)): path.read_bytes().decode("utf-8", "replace")
        for path in made
        if path.suffix != ".pyc" and "caches" not in path.parts
    }
    return Left(tuple(words), here, code, texts, frozenset(planter.planted))


_READER = """
import sys
SAID, WAY = {said!r}, {way}

if WAY == 0:
    raise RuntimeError(SAID[0])

def read(payload: dict):
    print(SAID[0])
    print(SAID[1], file=sys.stderr)
    if "creatorId" in payload:
        raise ValueError(SAID[2])
    return {{SAID[0]: SAID[1], "id": payload["id"]}}

if __name__ == "__main__":
    for number, _ in enumerate(sys.stdin):
        line = SAID[number % 3].replace("\\n", " ")
        begin = ("", "error ", "ok ", "")[WAY] if number % 2 else "ok"
        print(begin + line if number % 2 else begin, flush=True)
        print(SAID[1], file=sys.stderr, flush=True)
"""
_CLIENT = """
import sys
import urllib.request
SAID, WAY = {said!r}, {way}

def call(base_url, api_key, campaign_id, message_id):
    print(SAID[0])
    print(SAID[1], file=sys.stderr)
    url = f"{{base_url}}/campaigns/{{campaign_id}}/messages/{{message_id}}/retry"
    headers = {{"Authorization": f"Bearer {{api_key}}"}}
    request = urllib.request.Request(url, method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=2) as response:
        if b"creatorId" in response.read():
            raise ValueError(SAID[2])
    return {{SAID[0]: SAID[1]}}
"""
