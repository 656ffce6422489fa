"""What every subcommand says of an option that is mistyped, or of a number out of its range."""

from __future__ import annotations

import re
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from retry_contract.cli.main import _COMMANDS

Done = CompletedProcess[str]

NUMBERS = ("N", "REQUESTS", "PER_SECOND", "SECONDS")
# What a subcommand needs so that it looks at the option.
NEEDED = {
    "verify": ["--endpoint", "http://127.0.0.1:9/api/v2", "--campaign", "c", "--message", "m"],
    "consumer": ["json:dumps"],
}
OPTIONS = [
    (name, option, metavar)
    for name, command in _COMMANDS.items()
    for names, metavar, *_ in command.options
    for option in names.split()
    if option.startswith("--")
]
NUMERIC = [(name, option) for name, option, metavar in OPTIONS if metavar in NUMBERS]


@pytest.mark.parametrize("value", ["-1", "x", "1e3", "9" * 30, ""])
@pytest.mark.parametrize(("name", "option"), NUMERIC)
def test_number_out_of_range_is_told_the_range(
    name: str,
    option: str,
    value: str,
    here: Callable[..., Done],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POSTMAN_API_KEY", "key_test_x")
    done = here(name, *NEEDED.get(name, []), f"{option}={value}")
    assert (done.returncode, done.stdout) == (2, "")
    decimal = r"number (above 0|0 or more) and below \d+, such as .*"
    range_ = rf"give a (whole number from \d+ to \d+|{decimal})"
    form = re.escape(f"retry-contract {name}: {option} {value}: ") + range_ + "\n"
    assert re.fullmatch(form, done.stderr)


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, option, _ in OPTIONS])
def test_option_with_a_letter_too_many_is_answered_with_the_one_meant(
    name: str, option: str, here: Callable[..., Done]
) -> None:
    mistyped = f"{option[:-1]}q{option[-1]}"
    words = ["x"] if name in ("schema", "explain") else []
    done = here(name, *words, f"{mistyped}=key_live_SECRET")
    assert (done.returncode, done.stdout) == (2, "")
    said = f"unrecognized arguments: {mistyped}; did you mean {option}?"
    assert done.stderr == f"retry-contract {name}: {said}\n"


@pytest.mark.parametrize("name", _COMMANDS)
def test_subcommand_without_a_letter_is_answered_with_the_one_meant(
    name: str, here: Callable[..., Done]
) -> None:
    done = here(name[0] + name[2:])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"retry-contract: no such command; did you mean {name}?\n"
