"""Every regular expression takes time in proportion to the text, whatever the text is.

The patterns are found in the source and in the schemas, so a new one is tested too.
"""

from __future__ import annotations

import ast
import functools
import operator
import re
import time
import tomllib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retry_contract.contract.catalogue import Catalogue, catalogue
from retry_contract.contract.subschemas import join_patterns, rewrite

Pattern = str | bytes
Case = tuple[str, Pattern, int]
"""Where a pattern stands, the pattern, and its flags.

Of one that is only matched at the beginning of a text, the pattern begins with an anchor.
"""

SOURCE = Path(__file__).parents[2] / "src" / "retry_contract"
TEXT = "\n".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py"))
ANCHORED = {"match", "fullmatch"}
FUNCTIONS = ("compile", "search", "match", "fullmatch", "sub", "split", "findall", "finditer")
LENGTHS, LONGEST = (30, 1_000, 20_000), 0.15
"""In characters, shorter ones first, since the longest may never end, and in seconds.

A linear search of 20,000 takes some milliseconds, a quadratic one half a second or more.
"""

UNITS = (
    *(
        "a",
        "A",
        "0",
        " ",
        "\t",
        "\n",
        "\r",
        "\x00",
        "-",
        "_",
        ".",
        ":",
        "/",
        "\\",
        "~",
        "é",
        "\uff11",
    ),
    *('"', "'", "+", "(", "[", "{", "<", ",", ";", "=", "|", "#", "%", "@", "$", "\x7f", "\u200b"),
    *(
        "0:",
        "a.",
        "a-",
        "--a",
        "aA",
        "1a",
        "a1",
        "~0",
        "/a",
        "/~0",
        '\\"',
        '""',
        "\r\n",
        " \n",
        "%2",
    ),
    *("error ", "1010", " at ", "\n at ", "at a(", " at a (a:1", 'File "', "Expected: ", "\n\n at"),
    *("2025-02-24T00:00:00", "+08:00", "65", "S1234567", "/campaigns/a", "https://a", "a/b", "::"),
)
"""What worst texts repeat."""

EDGES = ("", "a", "S1234567")
ENDS = ("", "!", "\n")
"""How a text begins, and ends: a near miss, which a pattern may try to mend from each place."""


class _Found(ast.NodeVisitor):
    """Collects the patterns that a module hands to `re`, and those that it cannot read."""

    def __init__(self, file: Path) -> None:
        self.place = str(file.relative_to(SOURCE))
        self.cases: list[Case] = []
        self.unread: list[str] = []
        self.assigned: dict[ast.Call, list[str]] = {}
        module = "retry_contract." + ".".join(file.relative_to(SOURCE).with_suffix("").parts)
        self.names = vars(__import__(module, fromlist=["*"]))

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == "re"
            and function.attr in FUNCTIONS
        ):
            self._add(node)
        self.generic_visit(node)

    def _add(self, node: ast.Call) -> None:
        flags = [k.value for k in node.keywords if k.arg == "flags"]
        flags += (
            node.args[1:]
            if isinstance(node.func, ast.Attribute) and node.func.attr == "compile"
            else []
        )
        place = f"{self.place}:{ast.unparse(node.args[0])}"
        try:
            pattern, given = self._value(node.args[0]), [self._value(flag) for flag in flags]
        except NameError:
            self.unread.append(place)
            return
        if self._is_anchored(node):
            pattern = (rb"\A(?:%s)\Z" if isinstance(pattern, bytes) else r"\A(?:%s)\Z") % pattern
        self.cases.append((place, pattern, functools.reduce(operator.or_, given, 0)))

    def _is_anchored(self, node: ast.Call) -> bool:
        """Return whether a pattern is used where a text begins, and nowhere else."""
        function = ast.unparse(node.func).removeprefix("re.")
        if function != "compile":
            return function in ANCHORED
        names = self.assigned.get(node, [])
        used = [re.findall(rf"\b{name}\.([a-z]+)\(", TEXT) for name in names]
        return bool(names) and set().union(*used) <= ANCHORED and any(used)

    def visit_Assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        for to, value in pairs:
            if isinstance(to, ast.Name) and isinstance(value, ast.Call):
                self.assigned.setdefault(value, []).append(to.id)
        self.generic_visit(node)

    def _value(self, node: ast.expr) -> Any:
        """Return what an expression is in its module. Raises NameError for one with local names."""
        return eval(compile(ast.Expression(node), self.place, "eval"), dict(self.names))


def _collect() -> tuple[list[Case], list[str]]:
    cases, unread = list[Case](), list[str]()
    for file in sorted(SOURCE.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "re." not in text or file.name == "__main__.py":
            continue
        found = _Found(file)
        found.visit(ast.parse(text))
        cases += found.cases
        unread += found.unread
    return cases, unread


def _of_schemas(folder: Catalogue) -> Iterator[Case]:
    for name, schema in folder.documents().items():
        found: list[str] = []

        def keep(node: dict[str, Any], found: list[str] = found) -> dict[str, Any]:
            found.extend(node[key] for key in ("pattern",) if isinstance(node.get(key), str))
            return node

        rewrite(schema, keep)
        rewrite(join_patterns(schema), keep)
        yield from ((f"{Path(name).name}:{p}", p, 0) for p in dict.fromkeys(found))


def _of_data() -> Iterator[Case]:
    from retry_contract.privacy.descriptions import _SHAPES

    yield from ((f"privacy/descriptions.py:{p}", p, 0) for p, _ in _SHAPES)
    rows = tomllib.loads((SOURCE / "consumer" / "advice.toml").read_text(encoding="utf-8"))
    for says in _values_of(rows, "says"):
        yield f"consumer/advice.toml:{says}", says, 0


def _values_of(data: Any, name: str) -> Iterator[str]:
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if key == name and isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            yield from _values_of(value, name)


BUILT = {
    "cli/sandbox_command.py": "one character at a time",
    "consumer/advice.py": "the rows of advice.toml, which are cases here",
    "fuzz/payloads.py": "the patterns of the schemas, which are cases here",
    "plugin/session.py": "a text of this kit's own, and the names of options",
    "privacy/descriptions.py": "the shapes, which are cases here",
    "privacy/scrubber.py": "what a run has learnt: tested where it is masked",
    "privacy/views.py": "an alphabet and a length: tested by its worst texts in test_views.py",
    "service/stage.py": "a path by the templates of the kit's own responses",
}
"""The files that build a pattern from what only a function has, and what of."""

CASES, UNREAD = _collect()
ALL = sorted({*CASES, *_of_schemas(catalogue()), *_of_data()}, key=str)


def _texts(length: int) -> Iterator[str]:
    for unit in UNITS:
        long = unit * (length // len(unit))
        yield from (f"{edge}{long}{end}" for edge in EDGES[:1] for end in ENDS)
        yield from (f"{edge}{long}!" for edge in EDGES[1:])
    # Two runs, of which a pattern may give the border away to either.
    yield from ("a" * half + " " * half + "!" for half in (length // 2,))
    yield from ("0" * half + "." * half + "!" for half in (length // 2,))


def _own_words(pattern: Pattern, length: int) -> Iterator[str]:
    """Yield runs of each word that a pattern itself names."""
    text = pattern.decode() if isinstance(pattern, bytes) else pattern
    literal = re.findall(r"[A-Za-z0-9 :/_.\"-]{2,}", text)
    yield from (word * (length // len(word)) + "!" for word in dict.fromkeys(literal))


def _slow_text(pattern: Pattern, flags: int) -> str:
    """Return how the first text begins that is searched too slowly; empty if there is none."""
    compiled: Any = re.compile(pattern, flags)
    for length in LENGTHS:
        # Of a shorter text more than its share is too long, but for what a busy machine takes.
        longest = LONGEST * max(length / LENGTHS[-1], 0.5)
        for text in (*_texts(length), *_own_words(pattern, length)):
            if _seconds(compiled, text.encode() if isinstance(pattern, bytes) else text) > longest:
                return repr(text[:40])
    return ""


def _seconds(compiled: Any, text: Any) -> float:
    begin = time.process_time()
    compiled.fullmatch(text)
    deque(compiled.finditer(text), 0)
    return time.process_time() - begin


def test_every_pattern_of_the_source_is_found_or_said_to_be_built() -> None:
    assert len(CASES) > 30
    assert {place.partition(":")[0] for place in UNREAD} <= set(BUILT)


@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=lambda case: str(case[0])[:60])
def test_pattern_is_linear(case: Case) -> None:
    _, pattern, flags = case
    assert _slow_text(pattern, flags) == ""


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [r"(?m)^\s+at", rb"\s+\n", r"\A(?:0*([0-9]+))\Z"])
def test_pattern_that_is_not_linear_is_caught(pattern: Pattern) -> None:
    assert _slow_text(pattern, 0)
