"""What was probably meant by a word that names nothing."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from retry_contract.choices import UnknownName, closest_name, unknown_name
from retry_contract.rules import RULES
from retry_contract.service.faults import FAULTS

OPTIONS = (
    "--endpoint",
    "--campaign",
    "--provision",
    "--proxy",
    "--ca-file",
    "--json",
    "--ignore",
    "-v",
)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("--endpont", "--endpoint"),
        ("--endpoints", "--endpoint"),
        ("--Endpoint", "--endpoint"),
        ("-endpoint", "--endpoint"),
        ("--ca_file", "--ca-file"),
        ("--ca", None),
        ("--prov", "--provision"),
        ("--pro", "--proxy"),
        ("--jsn", "--json"),
        ("--quiet", None),
        ("--nope", None),
        ("-q", None),
        ("--", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_closest_name(word: str, meant: str | None) -> None:
    assert closest_name(word, OPTIONS) == meant


@pytest.mark.parametrize("names", [RULES, FAULTS], ids=["rules", "faults"])
def test_every_name_is_meant_where_one_letter_is_missing(names: dict[str, object]) -> None:
    for name in names:
        for place in range(1, len(name), 7):
            assert closest_name(name[:place] + name[place + 1 :], names) is not None


def test_text_of_an_unknown_name_is_its_message_and_it_is_a_key_error() -> None:
    error = UnknownName("afer: no such contract; did you mean after?")
    assert str(error) == "afer: no such contract; did you mean after?"
    assert isinstance(error, KeyError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_unknown_name_says_what_was_meant_or_what_there_is() -> None:
    known = ("before", "after")
    said = unknown_name("contract", "aftr", known)
    assert said == "aftr: no such contract; did you mean after?"
    said = unknown_name("contract", "middle", known, also=("middling",))
    assert said == "middle: no such contract; did you mean middling?"
    said = unknown_name("contract", "x", known)
    assert said == "x: no such contract; use one of before, after"
    said = unknown_name("contract", "x", known, see="retry-contract timeline")
    assert said == "x: no such contract; see: retry-contract timeline"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("no-reply", "no-reply was renamed: use no-response"),
        ("no_reply", "no_reply was renamed: use no-response"),
        ("no-repl", "no-repl: no such fault; did you mean no-response?"),
    ],
)
def test_old_name_is_answered_with_the_new_one(word: str, said: str) -> None:
    renamed = {"no_reply": "no-response"}
    assert unknown_name("fault", word, ("no-response",), renamed=renamed) == said


def test_difflib_is_imported_only_for_a_mistake() -> None:
    code = """
import sys
from retry_contract.cli.main import main
assert main(["validate", "gone.json"]) == 2
assert "difflib" not in sys.modules
assert main(["validate", "--contract=x", "gone.json"]) == 2
assert "difflib" in sys.modules
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
