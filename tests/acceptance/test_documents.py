"""Every code block of the README and of docs/ is run."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.node import AJV, installed_for_node
from support.sessions import PLUGIN, Asked, run_session
from support.tools import needs

from retry_contract._version import __version__
from retry_contract.contract.bundle import bundle
from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.validator import violations
from retry_contract.plugin import SCENARIOS
from retry_contract.rules import RULES
from retry_contract.service.faults import FAULTS

ROOT = Path(__file__).parents[2]
IGNORED = ("__pycache__", "node_modules")
ELSEWHERE = ("contract-version.md",)
"""The pages whose blocks a test of their own runs, in order."""
DOCS = sorted((ROOT / "docs").glob("**/*.md"))
LANGUAGES = ("consumers", "go", "java", "node", "php", "ruby")
READERS = (".go", ".java", ".mjs", ".php", ".py", ".rb")
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced code block and the text block that shows its output, if one follows."""

    document: str
    language: str
    code: str

    @property
    def tests(self) -> list[str]:
        """The tests that a block of Python holds."""
        return re.findall(r"^ *(?:async )?def (test_\w+)", self.code, re.MULTILINE)

    def __str__(self) -> str:
        return f"{self.document}:{self.code.splitlines()[0][:60]}"


def blocks() -> list[Block]:
    documents = [ROOT / "README.md", *(page for page in DOCS if page.name not in ELSEWHERE)]
    return [
        Block(document.name, language, code)
        for document in documents
        for language, code in _BLOCK.findall(document.read_text(encoding="utf-8"))
    ]


RUN_BY_CI = ("uv run retry-contract verify", "uv run pytest")
"""The README's two commands, which .ci/run runs as they are written."""

COMMANDS = [
    pytest.param(command, id=f"{block.document}:{command}")
    for block in blocks()
    if block.language in ("sh", "powershell")
    for line in block.code.splitlines()
    for command in line.split(" && ")
    if command not in RUN_BY_CI
]
PYTHON = [block for block in blocks() if block.language == "python"]
TESTS = [pytest.param(b.code, id=f"{b}:{b.tests[0]}") for b in PYTHON if b.tests]
SCRIPTS = [pytest.param(b.code, id=str(b)) for b in PYTHON if not b.tests]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a clone holds, so that commands may leave files behind."""
    copy = tmp_path_factory.mktemp("clone")
    folders = ("schemas", "contract_tests", "src", "examples")
    for name in (*folders, "conftest.py", "pyproject.toml", "README.md"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns(*IGNORED))
        else:
            shutil.copy(source, copy / name)
    shutil.copy(ROOT / "LICENSE", copy / "LICENSE")
    (copy / "tests").mkdir()
    write_schema_and_response(copy)
    return copy


def write_schema_and_response(folder: Path) -> None:
    """Write the files that docs/schemas.md reads."""
    contract = catalogue()["after"]
    (folder / "retry.schema.json").write_text(json.dumps(bundle(contract)), encoding="utf-8")
    shutil.copy(contract.examples("valid")["the-page.json"], folder / "response.json")


def here(command: str) -> tuple[str, ...] | None:
    """Return a documented command as it runs in this environment; None if it sets one up.

    What sets up an environment is run as written by .ci/run and by test_packaging.py.
    """
    words = shlex.split(command)
    if "install" in words or "venv" in words:
        return None
    text = re.sub(r"^(python -m )?uv run ", "", command.partition(" > ")[0])
    text = re.sub(r"^\.venv/bin/", "", text)
    words = shlex.split(text.replace('"$', '"ID_'))
    if words[0] == "python":
        return (sys.executable, *words[1:])
    module = {"retry-contract": "retry_contract", "pytest": "pytest"}[words[0]]
    return (sys.executable, "-m", module, *words[1:])


@functools.cache
def run(command: tuple[str, ...], tree: Path) -> subprocess.CompletedProcess[str]:
    """Run a command, once however often it is documented, and without an API key."""
    dropped = ("PYTEST_", "RETRY_CONTRACT_", "POSTMAN_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    environment |= {"PYTHONPATH": str(tree / "src"), "PYTHONUTF8": "1"}
    # The suite's own settings are for the whole of it: here few cases do.
    environment |= {"PYTEST_ADDOPTS": "-o addopts= --import-mode=importlib"}
    if command[2] == "pytest" and "--contract-fuzz" not in command:
        environment["PYTEST_ADDOPTS"] += " --contract-fuzz=10"
    return subprocess.run(
        command,
        cwd=tree,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_documented_command_succeeds(command: str, tree: Path) -> None:
    words = here(command)
    if words is None:
        assert re.fullmatch(
            r"(python -m |\.venv/bin/python -m )?(pip install (uv|\.)|venv \.venv)", command
        )
        return
    if "jq " in command:
        needs("jq")
    done = run(words, tree)
    if "https://test.postman.gov.sg/api/v2" in words:
        # No service is contacted by the tests: the options are understood, and a key is missing.
        assert done.returncode == 2
        assert "no API key: put it into the environment" in done.stderr
        return
    assert done.returncode == (1 if "--fault" in words else 0), done.stdout + done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("code", SCRIPTS)
def test_documented_script_runs(code: str, tree: Path) -> None:
    done = run((sys.executable, "-W", "error", "-c", code), tree)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("code", TESTS)
def test_documented_tests_pass(code: str, tmp_path: Path) -> None:
    (tmp_path / "test_documented.py").write_text(code, encoding="utf-8")
    done = run_session(tmp_path, Asked((*PLUGIN, "-W", "error"), cwd=tmp_path))
    assert done.exit_code == 0, done.output
    assert set(done.verdicts.values()) == {"passed"}
    run = {name.partition("[")[0] for name in done.verdicts}
    assert run == set(Block("", "python", code).tests)


@pytest.mark.slow
@pytest.mark.parametrize("example", ["valid", "invalid"])
def test_documented_script_of_node_validates_the_response(example: str, tmp_path: Path) -> None:
    (script,) = [b.code for b in blocks() if (b.document, b.language) == ("schemas.md", "js")]
    node = installed_for_node(AJV, tmp_path)
    write_schema_and_response(tmp_path)
    if example == "invalid":
        (tmp_path / "response.json").write_text("{}", encoding="utf-8")
    (tmp_path / "script.mjs").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [node, "script.mjs"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode == 0) is (example == "valid"), done.stderr
    assert ("must have required property" in done.stderr) is (example == "invalid")


def test_documented_script_says_what_its_comments_say() -> None:
    from retry_contract import identify, timeline

    payload = {"id": "message_1", "creatorId": None}
    assert identify(payload) == ()
    assert timeline.at("2025-02-23").name == "before-2025-02-24"
    assert "/creatorId" in {v.pointer for v in violations(payload, "after")}


@pytest.mark.slow
def test_documented_output_is_what_the_command_prints(tree: Path) -> None:
    texts = {b.document: b.code for b in blocks() if b.language == "text"}
    kept, broken = texts["README.md"], texts["first-run.md"]
    faulty = ("sandbox", "--port", "0", "--fault", "creator-id-missing", "--run")
    verify = f"{sys.executable} -m retry_contract verify --fuzz 0"
    for shown, words in ((kept, ("verify",)), (broken, (*faulty, verify))):
        done = run((sys.executable, "-m", "retry_contract", *words), tree)
        assert _untimed(shown) == _untimed(done.stdout)


@pytest.mark.slow
def test_counts_of_the_page_about_validate_are_what_it_prints(tree: Path) -> None:
    (shown,) = (b.code for b in blocks() if b.document == "validate.md" and b.language == "text")
    folder = "schemas/after-2025-02-24/examples/valid"
    done = run((sys.executable, "-m", "retry_contract", "validate", "--quiet", folder), tree)
    assert done.stdout == shown


def test_violations_of_the_page_about_serializers_are_said_so() -> None:
    (shown,) = (b.code for b in blocks() if b.document == "serializer.md" and b.language == "text")
    page = catalogue()["before"].examples("valid")["the-page.json"]
    payload = json.loads(page.read_text(encoding="utf-8")) | {"language": "english"}
    assert "".join(f"{v}\n" for v in violations(payload, "after", strict=True)) == shown


def test_every_scenario_is_documented() -> None:
    page = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {about} |\n" for name, about in SCENARIOS.items()]
    assert "".join(rows) + "<!-- end of scenarios -->" in page


def test_every_member_of_a_service_is_documented() -> None:
    from retry_contract.plugin.services import RetryService

    page = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
    members = [name for name in vars(RetryService) if not name.startswith("_")]
    assert [name for name in members if f"`{name}" not in page] == []


def test_commands_for_contributors_are_those_of_the_pipeline_and_of_the_hooks() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    commands = [line for line in page.splitlines() if line.startswith("uv run --no-sync ")]
    pipeline = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert len(commands) == 5
    assert [command for command in commands if command not in pipeline] == []
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"^ +entry: (.*)$", hooks, re.MULTILINE) == commands[:4]


def test_every_block_is_of_a_language_that_is_run() -> None:
    run = ("sh", "powershell", "python", "js", "text")
    others = [b for b in blocks() if b.language not in run]
    # test_documents_sandbox.py, test_pipeline_recipes.py and test_pipeline_install.py run these;
    # test_action.py and test_hook.py those of GitHub.
    recipes = [b for b in others if b.language in ("bash", "yaml", "groovy")]
    assert {b.document for b in recipes} == {"sandbox.md", "pipeline.md", "pipeline-github.md"}
    others = [b for b in others if b not in recipes]
    # test_baseline_file.py reads the first, test_examples_sandbox.py runs the second. The libraries
    # of the others are of registries that the tests do not ask: the dialects of both are tested.
    assert [(b.document, b.language) for b in others] == [
        ("baseline.md", "json"),
        ("sandbox.md", "java"),
        ("schemas.md", "java"),
        ("schemas.md", "go"),
    ]


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def _untimed(text: str) -> str:
    """The text without what differs from run to run: seconds, the seed, ports and counts."""
    text = re.sub(r": [0-9,]+ requests in [0-9.]+ s", ": N requests in N s", text)
    text = re.sub(
        r"^sent: [0-9]+ retries \([0-9]+ accepted",
        "sent: N retries (N accepted",
        text,
        flags=re.MULTILINE,
    )
    return re.sub(r"(seed |--endpoint ).*$", r"\1…", text, flags=re.MULTILINE).strip()


def test_every_link_leads_somewhere() -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in [*ROOT.glob("*.md"), *DOCS]}
    headings = {page: _anchors(text) for page, text in texts.items()}
    dead = []
    for page, text in texts.items():
        for target, anchor in _LINK.findall(text):
            file = (page.parent / target).resolve() if target else page
            known = file.exists() and (not anchor or anchor in headings[file])
            dead += [] if known else [f"{page.name}: {target}#{anchor}"]
    assert dead == []


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {target for target, _ in _LINK.findall((ROOT / "README.md").read_text("utf-8"))}
    assert [p.name for p in DOCS if f"docs/{p.name}" not in linked] == []


def test_commands_of_readers_and_clients_are_those_that_their_files_say() -> None:
    page = (ROOT / "docs" / "consumer.md").read_text(encoding="utf-8")
    table = page.partition("<!-- languages -->")[2].partition("<!-- end of languages -->")[0]
    commands = re.findall(r"`(retry-contract consumer [^`]+)`", table)
    files = [f for f in (ROOT / "examples" / "consumers").rglob("*.*") if f.suffix in READERS]
    heads = {f: f.read_text(encoding="utf-8")[:1000] for f in files if f.parent.name in LANGUAGES}
    for head in heads.values():
        assert any(command in head for command in commands), head
    assert [c for c in commands if not any(c in head for head in heads.values())] == []


def test_changelog_has_a_section_of_the_version() -> None:
    sections = re.findall(
        r"^## \[(.*?)\](.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    (unreleased, _), (latest, day), *_ = sections
    assert (unreleased, latest) == ("Unreleased", __version__)
    assert re.fullmatch(r" - \d{4}-\d\d-\d\d", day)


def test_counts_of_rules_and_faults_are_right() -> None:
    named = r"(?:each of|`retry-contract verify`:|with|any of) (\d+) (rules|named faults)"
    for name in ("README.md", "CHANGELOG.md"):
        found = re.findall(named, (ROOT / name).read_text(encoding="utf-8"))
        assert set(found) == {(str(len(RULES)), "rules"), (str(len(FAULTS)), "named faults")}
