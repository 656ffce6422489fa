"""`retry-contract validate`, as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from retry_contract import violations
from retry_contract.cli.saved_files import SavedFile

Done = CompletedProcess[str]

BEFORE, AFTER = "before-2025-02-24", "after-2025-02-24"
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "schemas" / BEFORE / "examples" / "valid" / "the-page.json"
RESPONSE: dict[str, Any] = json.loads(PAGE.read_text(encoding="utf-8"))
LATER = RESPONSE | {"creatorId": "user_1"}


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Save a response: bytes as they are, anything else as JSON."""

    def write(content: Any, name: str = "response.json") -> Path:
        file = tmp_path / name
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        file.write_bytes(body)
        return file

    return write


def test_the_page_s_example_is_of_before(here: Callable[..., Done]) -> None:
    done = here("validate", "--contract", "any", PAGE)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{PAGE}: KEPT {BEFORE}\n", "")


@pytest.mark.parametrize("choice", [[], ["--contract", "auto"], ["--contract", "after"]])
def test_a_superseded_contract_is_not_enough(choice: list[str], here: Callable[..., Done]) -> None:
    done = here("validate", *choice, PAGE)
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == [
        f"{PAGE}: BROKEN {AFTER}; it keeps {BEFORE} (superseded at 2025-02-24T00:00:00+08:00); "
        "--contract any accepts it",
        "  at        /creatorId",
    ]
    (file,) = json.loads(here("validate", "--json", *choice, PAGE).stdout)["files"]
    assert (file["outcome"], file["contract"], file["keeps"]) == ("broken", AFTER, [BEFORE])
    assert "--contract any accepts it" in file["remark"]


def test_a_contract_of_later_is_named_so(here: Callable[..., Done], save: Any) -> None:
    done = here("validate", "--on", "2025-01-01", save(LATER))
    assert done.returncode == 1
    assert f"BROKEN {BEFORE}; it keeps {AFTER} (in force from 2025-02-24T00:00:" in done.stdout


def test_with_creator_id_it_is_of_after(here: Callable[..., Done], save: Any) -> None:
    done = here("validate", save(LATER))
    assert done.returncode == 0
    assert done.stdout.endswith(f"response.json: KEPT {AFTER}\n")


def test_a_null_creator_id_is_broken_at_creator_id(here: Callable[..., Done], save: Any) -> None:
    done = here("validate", save(RESPONSE | {"creatorId": None}))
    assert done.returncode == 1
    assert done.stdout.splitlines()[1:] == [
        "  at        /creatorId",
        "  expected  a non-empty string",
        "  came      null",
        "  rule      creator-id-as-contracted (basis: page): "
        "from 24 February 2025 the response has creatorId (guide, Single Send - Retry); "
        "creatorId is the user id of the message's creator, a string (guide, Single Send - Retry)",
    ]


@pytest.mark.parametrize("response", [RESPONSE | {"creatorId": None}, []])
def test_python_says_what_is_printed(response: Any, here: Callable[..., Done], save: Any) -> None:
    lines = here("validate", save(response)).stdout.splitlines()[1:]
    at, expected, came, rule = (line[12:] for line in lines)
    (violation,) = violations(response, "after")
    rule = rule.partition(" ")[0]
    assert str(violation) == f"{at}: expected {expected}, came {came} ({rule})"


ENCODED = json.dumps(RESPONSE).encode()
# The response's bytes, and what is said to have come.
NOT_A_RESPONSE = {
    "not JSON": (b"hello there", "not JSON (Expecting value at line 1, column 1)"),
    "cut off": (ENCODED[:50], "JSON that is cut off"),
    "HTML": (b"<!doctype html><p>sorry", "HTML or XML"),
    "not UTF-8": (ENCODED[:-1] + b', "x": "\xe9"}', "text that is not UTF-8 (at byte "),
    "UTF-16": (json.dumps(RESPONSE).encode("utf-16"), "UTF-16 text"),
    "UTF-16 without a mark": (json.dumps(RESPONSE).encode("utf-16-le"), "UTF-16 text"),
    "empty": (b"", "empty"),
    "white space": (b" \n", "only white space"),
    "deep": (b"[" * 100_000 + b"]" * 100_000, "JSON nested deeper than 200 levels"),
    "deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested deeper than 200"),
    "never closed": (b"[" * 100_000, "nested deeper than 200"),
    "NaN": (ENCODED[:-1] + b', "x": NaN}', "NaN, which JSON does not have"),
    "two documents": (ENCODED + b" " + ENCODED, "more than one JSON document"),
    "array": (b"[]", "an array of 0 items"),
    "string": (b'"hello"', "a string of 5 characters"),
    "null": (b"null", "null"),
}


@pytest.mark.parametrize("name", NOT_A_RESPONSE)
def test_a_response_that_cannot_be_one_is_broken(
    name: str, here: Callable[..., Done], save: Any
) -> None:
    body, came = NOT_A_RESPONSE[name]
    done = here("validate", save(body))
    assert (done.returncode, done.stderr) == (1, "")
    assert f"  came      {came}" in done.stdout or came in done.stdout
    assert len(done.stdout.splitlines()) == 5


USAGE_ERROR = {
    "missing": ["missing.json"],
    "an empty folder": ["empty"],
    "a NUL in its name": ["a\0b"],
    "unknown contract": ["--contract", "middle", "response.json"],
    "served is no choice here": ["--contract", "all", "response.json"],
    "impossible date": ["--on", "2025-02-30", "response.json"],
    "no offset": ["--on", "2025-02-24T00:00:00", "response.json"],
    "on with any": ["--on", "2025-02-24", "--contract", "any", "response.json"],
    "mistyped option": ["--strct", "response.json"],
    "no file": [],
    "a huge file": ["huge.json"],
}


@pytest.mark.parametrize("name", USAGE_ERROR)
def test_bad_input_is_one_line(
    name: str, here: Callable[..., Done], save: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(RESPONSE).parent
    (folder / "empty").mkdir()
    with (folder / "huge.json").open("wb") as huge:
        huge.truncate(100_000_000)
    monkeypatch.chdir(folder)
    done = here("validate", *USAGE_ERROR[name])
    counts = "1 file: 1 unreadable\n" if name == "an empty folder" else ""
    assert (done.returncode, done.stdout) == (2, counts)
    assert len(done.stderr.splitlines()) == 1

    as_json = here("validate", "--json", *USAGE_ERROR[name])
    assert as_json.returncode == 2
    document = json.loads(as_json.stdout)
    assert next(iter(document.items())) == ("format", 1)
    assert document["outcome"] == "usage error"
    assert document.get("reason") or document["files"][0]["reason"]


DRIFT = {
    "byte order mark": (b"\xef\xbb\xbf" + ENCODED, "the body: begins with a byte order mark"),
    "duplicate key": (b'{"id": "x",' + ENCODED[1:], "/id: duplicate key"),
    "undocumented field": (ENCODED[:-1] + b', "new": 1}', "/new: undocumented field"),
    "control characters": (ENCODED[:-1] + b', "a\\u001b[31m": 1}', "/[masked]: undocumented"),
}


@pytest.mark.parametrize("name", DRIFT)
def test_drift_is_shown_and_fails_only_when_strict(
    name: str, here: Callable[..., Done], save: Any
) -> None:
    body, said = DRIFT[name]
    file = save(body)
    done = here("validate", "--contract", "any", file)
    assert done.returncode == 0
    assert f"KEPT {BEFORE}, with drift\n  drift     {said}" in done.stdout

    strict = here("validate", "--contract", "any", "--strict", file)
    assert strict.returncode == 1
    assert f"BROKEN {BEFORE}, with drift, which --strict forbids\n" in strict.stdout


def test_an_unreadable_file_keeps_no_other_from_being_checked(
    here: Callable[..., Done], save: Any
) -> None:
    good = save(LATER, "good.json")
    bad = save(RESPONSE | {"creatorId": None}, "bad.json")
    done = here("validate", good.with_name("gone.json"), good)
    assert done.returncode == 2
    assert done.stdout == f"{good}: KEPT {AFTER}\n2 files: 1 kept, 1 unreadable\n"
    assert done.stderr == (
        f"{good.with_name('gone.json')}: cannot be read: No such file or directory\n"
    )
    assert here("validate", good.with_name("gone.json"), bad, good).returncode == 1
    assert here("validate", good, good).returncode == 0


def test_json_names_each_file(here: Callable[..., Done], save: Any) -> None:
    file = save(RESPONSE | {"creatorId": None, "new": 1})
    done = here("validate", "--json", "--contract", "any", file, PAGE, "gone.json")
    assert (done.returncode, done.stderr) == (1, "")
    document = json.loads(done.stdout)
    assert list(document) == ["format", "outcome", "counts", "files"]
    assert document["outcome"] == "broken"
    assert document["counts"] == {
        "files": 3,
        "kept": 1,
        "broken": 1,
        "unreadable": 1,
        "drift": 1,
    }
    broken, kept, gone = document["files"]
    assert broken == {
        "file": str(file),
        "number": 1,
        "outcome": "broken",
        "keeps": [],
        "contract": AFTER,
        "violations": [
            {
                "rule": "creator-id-as-contracted",
                "pointer": "/creatorId",
                "expected": "a non-empty string",
                "actual": "null",
                "message": broken["violations"][0]["message"],
            }
        ],
        "drift": [{"pointer": "/new", "message": "undocumented field"}],
        "more": {"violations": 0, "drift": 0},
    }
    assert kept == {
        "file": str(PAGE),
        "number": 2,
        "outcome": "kept",
        "keeps": [BEFORE],
        "contract": BEFORE,
        "violations": [],
        "drift": [],
        "more": {"violations": 0, "drift": 0},
    }
    assert gone["reason"] == "cannot be read: No such file or directory"
    assert set(gone) == {*kept, "reason"}


def test_one_file_or_many_have_the_same_form(here: Callable[..., Done]) -> None:
    assert len(json.loads(here("validate", "--json", PAGE).stdout)["files"]) == 1


def test_what_fits_both_as_badly_is_shown_against_the_later(
    here: Callable[..., Done], save: Any
) -> None:
    response = RESPONSE | {"id": 1, "creatorId": None}
    done = here("validate", "--json", "--contract", "any", save(response))
    (file,) = json.loads(done.stdout)["files"]
    assert file["contract"] == AFTER
    assert [v["pointer"] for v in file["violations"]] == ["/id", "/creatorId"]


@pytest.mark.parametrize(
    ("on", "response", "code", "drifts"),
    [
        ("2025-01-26", LATER, 1, False),
        ("2025-01-27", LATER, 0, True),
        ("2025-02-23T23:59:59+08:00", RESPONSE, 0, False),
        ("2025-02-23T15:59:59Z", LATER, 0, True),
        ("2025-02-23T16:00:00Z", RESPONSE, 0, True),
        ("2025-02-24", LATER, 0, False),
        ("2025-02-25", RESPONSE, 1, False),
    ],
)
def test_the_other_contract_is_drift_inside_the_transition_only(
    on: str, response: object, code: int, drifts: bool, here: Callable[..., Done], save: Any
) -> None:
    done = here("validate", "--contract", "auto", "--on", on, save(response))
    assert done.returncode == code
    assert ("(transition)" in done.stdout) is drifts
    assert here("validate", "--on", on, save(response)).stdout == done.stdout


@pytest.mark.parametrize("name", ["a b.json", "测试.json", "a\nb\x1b[31m.json", "x" * 120])
def test_any_file_name_is_shown_whole_or_masked(
    name: str, here: Callable[..., Done], save: Any
) -> None:
    try:
        file = save(LATER, name)
    except OSError:
        pytest.skip("this file system does not take the name")
    done = here("validate", file)
    whole, masked = f"{file.parent}/{name}", f"file 1 ({file.parent}/[masked].json)"
    shown = (whole if name == "x" * 120 else masked).replace("/", _SEPARATOR)
    assert done.stdout == f"{shown}: KEPT {AFTER}\n"
    assert here("validate", f"{file}.gone").stderr.count("\n") == 1


_SEPARATOR = str(Path("/"))[0]


def test_standard_input_is_read(command: Callable[..., Done]) -> None:
    done = command("validate", "-", given=json.dumps(LATER).encode())
    assert (done.returncode, done.stdout) == (0, f"standard input: KEPT {AFTER}\n")


SECRET = "Ms Secret 6591234567"
LEAKING: list[Any] = [
    *({**LATER, field: value} for field in LATER for value in (SECRET, [SECRET], {"a": SECRET})),
    {**LATER, "values": {"name": [SECRET]}},
    {**LATER, "latestStatus": SECRET},
    {**LATER, "new": SECRET},
    [SECRET],
    SECRET,
    SECRET.encode(),
    json.dumps({**LATER, "id": SECRET}).encode()[:-1] + b", NaN}",
    f'{{"id": "{SECRET}'.encode(),
    json.dumps({**LATER, "id": SECRET}).encode("utf-16"),
    b'{"id": "' + SECRET.encode() + b'\xff"}',
]


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_content_is_described_and_never_quoted(
    form: list[str], here: Callable[..., Done], save: Any
) -> None:
    files = [save(response, f"{number}.json") for number, response in enumerate(LEAKING)]
    done = here("validate", *form, "--contract", "after", *files)
    assert done.returncode == 1
    assert done.stdout.count("response-matches-schema") > 10
    for part in SECRET.split():
        assert part not in done.stdout + done.stderr


def test_an_interruption_is_one_line_and_not_tested(
    here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: SavedFile) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(SavedFile, "read", interrupted)
    done = here("validate", PAGE)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "retry-contract validate: interrupted\n"
    as_json = here("validate", "--json", PAGE)
    assert json.loads(as_json.stdout) == {
        "format": 1,
        "outcome": "not tested",
        "reason": "interrupted",
    }


def test_files_may_stand_before_between_and_after_options(
    here: Callable[..., Done], save: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-dash.json").write_bytes(Path(PAGE).read_bytes())
    words = (PAGE, "-q", PAGE, "--contract", "before", PAGE, "--", "-dash.json")
    done = here("validate", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "4 files: 4 kept\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give a file or a folder, or - for standard input"),
        (["--strict"], "give a file or a folder, or - for standard input"),
        ([PAGE, "--nope", PAGE], "unrecognized arguments: --nope;"),
        ([""], "a file: cannot be read: the name of the file is empty"),
        ([PAGE, "--contract="], "--contract (empty): no such contract; use one of before, after"),
    ],
)
def test_words_that_are_no_files_are_usage_errors(
    words: list[str], said: str, here: Callable[..., Done]
) -> None:
    done = here("validate", *words)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert said in line
