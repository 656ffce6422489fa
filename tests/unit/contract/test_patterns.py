"""Every dialect of regular expressions compiles every pattern, and finds the same in a string."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import re2  # type: ignore[import-untyped]
from support.examples import example_payloads
from support.exports import EXPORTS
from support.tools import needs

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.subschemas import join_patterns, refused_pattern

SUBSET = re.compile(
    r"(?:[^\\.*+?()\[\]{}|^$]"  # a character
    r"|\[\^?[^\\\[\]]+\]"  # a class
    r"|[*+?]\??|\{[0-9]+(?:,[0-9]*)?\}\??"  # a quantifier
    r"|\((?!\?)|[)|^$])*"  # a group, alternatives, an anchor
)
"""What JSON Schema recommends (2020-12, core, section 6.4): all dialects share it."""

ENDS = ("\n", "\r", "\r\n", "\u0085", "\u2028", "\u2029", "\x0b", "\x00", " ")
FULL_WIDTH = {ord("0") + n: 0xFF10 + n for n in range(10)}

Form = tuple[str, str]
"""A pattern, and the one next to it that a string must not match."""


def _pattern_nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str) and "type" in node:
            yield node
        for name, inner in node.items():
            if name != "not":
                yield from _pattern_nodes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _pattern_nodes(inner)


NODES = list(_pattern_nodes([*catalogue().documents().values(), *EXPORTS.values()]))
FORMS: list[Form] = sorted({(node["pattern"], refused_pattern(node) or "") for node in NODES})


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    elif isinstance(value, str):
        yield value


def _strings() -> list[str]:
    others = ("a_code", "2025-02-24", "2025-02-24T00:00:00+08:00", "before-2025-02-24")
    plain = {text for text in _leaves(list(example_payloads())) if len(text) < 60} | {*others}
    edges = {text.translate(FULL_WIDTH) for text in plain} | {""}
    for end in ENDS:
        edges |= {text + end for text in plain} | {end + text for text in plain}
        edges |= {f"{text}{end}{text}" for text in plain}
    return sorted(plain | edges)


STRINGS = _strings()


def _by_python(form: Form) -> list[bool]:
    return _by_search(re.compile(form[0]).search, re.compile(form[1]).search)


def _by_re2(form: Form) -> list[bool]:
    return _by_search(re2.compile(form[0]).search, re2.compile(form[1]).search)


def _by_search(search: Callable[[str], Any], refused: Callable[[str], Any]) -> list[bool]:
    return [search(text) is not None and refused(text) is None for text in STRINGS]


def _schema(form: Form) -> dict[str, Any]:
    refused = {"type": "string", "pattern": form[1]}
    return {"type": "string", "pattern": form[0], "not": refused}


def _by_rust(form: Form) -> list[bool]:
    options = jsonschema_rs.RegexOptions()
    validator = jsonschema_rs.Draft202012Validator(_schema(form), pattern_options=options)
    return [validator.is_valid(text) for text in STRINGS]


PROGRAMS = Path(__file__).parents[2] / "support" / "dialects"
COMMANDS = {
    "node": ("search.mjs",),
    "php": ("search.php",),
    "ruby": ("search.rb",),
    "java": ("Search.java",),
    "go": ("run", "search.go"),
}
"""What runs a program in each language: ECMA-262 with the `u` flag, PCRE, Onigmo, and their own."""


def _by_program(language: str) -> list[list[bool]]:
    program = needs(language)
    if language == "java":
        needs("javac")
    texts = (text.encode().hex() for text in STRINGS)
    asked = "\n".join([str(len(FORMS)), *(part for form in FORMS for part in form), *texts, ""])
    done = subprocess.run(
        [program, *COMMANDS[language]],
        cwd=PROGRAMS,
        input=asked.encode(),
        check=True,
        stdout=subprocess.PIPE,
    )
    found = [character == "1" for character in done.stdout.decode()]
    return [found[n : n + len(STRINGS)] for n in range(0, len(found), len(STRINGS))]


def test_every_pattern_stays_within_the_recommended_subset() -> None:
    assert len(FORMS) >= 5
    assert [pattern for form in FORMS for pattern in form if not SUBSET.fullmatch(pattern)] == []


def test_every_pattern_has_one_next_to_it_that_refuses_a_newline_at_the_end() -> None:
    assert [node["pattern"] for node in NODES if not refused_pattern(node)] == []
    for form in FORMS:
        kept = {text for text, found in zip(STRINGS, _by_python(form), strict=True) if found}
        assert kept
        assert not any(set(text) & set("\n\r\u0085\u2028\u2029") for text in kept)


@pytest.mark.parametrize("dialect", [_by_re2, _by_rust])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0][:20])
def test_dialect_finds_what_python_finds(form: Form, dialect: Callable[[Form], list[bool]]) -> None:
    assert dialect(form) == _by_python(form)


@pytest.mark.parametrize(
    "language",
    ["node", *(pytest.param(n, marks=pytest.mark.slow) for n in COMMANDS if n != "node")],
)
def test_language_finds_what_python_finds(language: str) -> None:
    assert _by_program(language) == [_by_python(form) for form in FORMS]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0][:20])
def test_pattern_of_the_validator_finds_the_same(form: Form) -> None:
    joined = re.compile(join_patterns(_schema(form))["pattern"])
    assert [joined.search(text) is not None for text in STRINGS] == _by_python(form)


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^a$"},
        {"not": {"type": "string", "pattern": "b"}},
        {"pattern": "^a$", "not": {"pattern": "b"}},
        {"pattern": "^a$", "not": {"type": "string", "pattern": "b", "minLength": 2}},
        {"pattern": "^a$", "not": {"type": "string", "pattern": r"(b)\1"}},
        {"pattern": "^a$", "not": False},
    ],
)
def test_other_forms_are_left_as_they_are(schema: dict[str, Any]) -> None:
    assert join_patterns(schema) == schema
