"""What would steer a terminal, or the runner of a pipeline, is shown and does nothing."""

from __future__ import annotations

import json

import pytest
from support.planted import COMMANDS, found_in

from retry_contract.privacy.disarm import disarm, json_text


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("before", ["", "  ", "\t", "text ", "#", "\x1b[2K", "\u202e"])
def test_no_line_is_a_command(before: str, command: str) -> None:
    text = before + command
    assert found_in(disarm(text), ()) == []
    assert found_in(json_text({text: [text]}), ()) == []
    assert json.loads(json_text({text: [text]})) == {text: [text]}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error ::x", "\\::error ::x"),
        ("  ::x", "  \\::x"),
        ("##[x] ##vso[y]", "#\\#[x] #\\#vso[y]"),
        ("a\x1b[31mb\nc", "a\\x1b[31mb\\nc"),
        ("abc\u202edef", "abc\\u202edef"),
    ],
)
def test_what_is_escaped(line: str, shown: str) -> None:
    assert disarm(line) == shown


@pytest.mark.parametrize(
    "line",
    [
        *("test_accepted.py::test_message_id_kept", "## retry-contract: broken", "at ::1, port 80"),
        *("a # b [c]", "##", "Dear 张伟明, 50 %", ""),
    ],
)
def test_other_lines_stay(line: str) -> None:
    assert disarm(line) == line
    assert json.loads(json_text(line)) == line
