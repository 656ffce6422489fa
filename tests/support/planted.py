"""What must never be seen in an output, in ten encodings, and where it is planted.

A key, a phone number, an NRIC and a name; with them control characters, a bidi override, and what
the runner of a pipeline takes for a command.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any
from urllib.parse import quote

NUMBER, NRIC, NAME = "6590001234", "S7654321B", "Zebediah O'Quimby"


def _fully_quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON's escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "in percents": _fully_quoted,
    "in percents twice": lambda text: quote(_fully_quoted(text)),
    "in entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "in base64": _base64,
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "in hex": lambda text: text.encode().hex(),
    "backwards": lambda text: text[::-1],
    "in wide letters": lambda text: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text
    ),
}
COMMANDS = (
    *("::error file=a::b", "##vso[task.complete result=Succeeded;]", "##[error]broken"),
    "##teamcity[buildStatus text='ok']",
)
_CONTROLS = ("\x1b[31m", "\r", "\n", "\x07", "\u202e", "\u2066", "\x00", "\x85", "\u2028")
_STEERING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_COMMAND = re.compile(r"^\s*::|##[A-Za-z]*\[", re.MULTILINE)


class Planter:
    """Plants a secret of a random kind, in a random encoding, with a random companion."""

    def __init__(self, random: Random, secrets: Iterable[str]) -> None:
        self._random, self._secrets = random, tuple(secrets)
        self.planted: set[str] = set()
        """What was told so far: none of it may be seen."""

    def text(self) -> str:
        """Return a text to plant: mostly a secret, alone or with what steers an output."""
        secret, encode = self._choose(self._secrets), self._choose([*ENCODINGS.values()])
        wrap = self._choose(["{}", "{}", "Bearer {}\r\n", "to: {}\n"])
        told: str = encode(wrap.format(secret))
        self.planted.add(told)
        match self._random.randrange(6):
            case 0:
                return f"{self._choose(COMMANDS)} {told}"
            case 1:
                return f"{self._choose(_CONTROLS)}{self._choose(COMMANDS)}"
            case 2:
                return f"{told} {self._choose(_CONTROLS)}"
            case 3:
                return f"of {told} here"
        return told

    def payload(self, payload: Any) -> Any:
        """Return a payload with something planted in it: a name, a text, a number, an item."""
        changed = json.loads(json.dumps(payload))
        for _ in range(self._random.randint(1, 3)):
            self._plant(self._container(changed))
        return changed

    def body(self, body: bytes) -> bytes:
        """Return the body of a response with something planted in it, or in place of it."""
        match self._random.randrange(9):
            case 3:
                told = {"statusCode": int(NUMBER), "message": self.text()}
                return json.dumps(told).encode()
            case 0:
                return f"<html>{self.text()} {self.text()}</html>".encode()
            case 1:
                return f"{self.text()}".encode()
            case 2:
                return body[: len(body) // 2] + self.text().encode()
        try:
            payload = self.payload(json.loads(body))
        except ValueError:
            return body
        return json.dumps(payload, ensure_ascii=self._random.random() < 0.5).encode()

    def header(self) -> str:
        """Return the value of a header: one line of Latin-1."""
        text = self.text().encode("ascii", "ignore").decode()
        return re.sub(r"[\x00-\x1f\x7f]", "", text) or "x"

    def _choose(self, among: Iterable[Any]) -> Any:
        return self._random.choice(tuple(among))

    def _container(self, payload: Any) -> Any:
        """Return an object or an array of a payload, at random."""
        found, left = [], [payload]
        while left:
            value = left.pop()
            if isinstance(value, dict | list):
                found.append(value)
                left += value.values() if isinstance(value, dict) else value
        return self._choose(found) if found else {}

    def _plant(self, place: Any) -> None:
        value = self._choose([self.text(), int(NUMBER), float(f"0.{NUMBER}"), [self.text()]])
        if isinstance(place, list):
            place.append(value)
        elif place and self._random.random() < 0.5:
            place[self._choose(place)] = value
        else:
            place[self.text()] = self._choose([value, {self.text(): value}, place.copy()])


def found_in(text: str, secrets: Iterable[str], planted: Iterable[str] = ()) -> list[str]:
    """Return what an output must not hold: secrets by encoding, controls and commands."""
    folded = text.casefold()
    found = [
        f"{secret} {name}"
        for secret in secrets
        for name, encode in ENCODINGS.items()
        for form in {encode(secret), json.dumps(encode(secret))[1:-1]}
        if form.casefold() in folded
    ]
    found += [f"{told!a}, planted" for told in planted if told.strip() in text]
    found += [f"the control {c!a}" for c in sorted(set(_STEERING.findall(text)))]
    found += [f"the command {c!r}" for c in sorted(set(_COMMAND.findall(text)))]
    return found
