"""The examples in other languages, as a user runs them: readers and clients."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from support.node import installed_for_node
from support.tools import missing, needs

Done = CompletedProcess[str]
Checked = Callable[..., tuple[int, dict[str, Any]]]
EXAMPLES = Path(__file__).parents[2] / "examples" / "consumers"
FEW = ("--payloads", "40", "--seed", "1")

TOLERANT = {"go": "", "java": "spring", "node": "", "php": "", "ruby": ""}
STRICT = {"go": "strict", "java": "", "node": "strict", "php": "strict", "ruby": "strict"}
LIBRARIES = {
    "go": "encoding/json",
    "java": "Jackson",
    "node": "zod",
    "php": "PHP",
    "ruby": "Ruby",
}

pytestmark = pytest.mark.slow


@pytest.fixture
def checked(here: Callable[..., Done]) -> Checked:
    """Check a consumer; return the exit code and the JSON."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        done = here("consumer", *words, "--json")
        return done.returncode, json.loads(done.stdout)

    return run


def build(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=120)


def jackson() -> str:
    """Return a class path with Jackson: Debian's, or one version of the local Maven repository."""
    parts = ("databind", "core", "annotations")
    debian = [Path(f"/usr/share/java/jackson-{part}.jar") for part in parts]
    if all(jar.exists() for jar in debian):
        return os.pathsep.join(map(str, debian))
    local = Path.home() / ".m2/repository/com/fasterxml/jackson/core"
    for jar in sorted(local.glob("jackson-databind/*/jackson-databind-*.jar")):
        version = jar.parent.name
        jars = [local / f"jackson-{part}/{version}/jackson-{part}-{version}.jar" for part in parts]
        if all(found.exists() for found in jars):
            return os.pathsep.join(map(str, jars))
    missing("Jackson's jars are not installed")


@pytest.fixture(scope="module")
def go_reader(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("go")
    build(needs("go"), "build", "-o", str(folder), str(EXAMPLES / "go" / "reader.go"))
    return [str(folder / "reader")]


@pytest.fixture(scope="module")
def java_reader(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    java, javac, path = needs("java"), needs("javac"), jackson()
    folder = tmp_path_factory.mktemp("java")
    build(javac, "-cp", path, "-d", str(folder), str(EXAMPLES / "java" / "Reader.java"))
    return [java, "-cp", os.pathsep.join([path, str(folder)]), "Reader"]


@pytest.fixture(scope="module")
def node_reader(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("node")
    node = installed_for_node(EXAMPLES / "node", folder)
    return [node, str(folder / "reader.mjs")]


@pytest.fixture(scope="module")
def php_reader() -> list[str]:
    return [needs("php"), str(EXAMPLES / "php" / "reader.php")]


@pytest.fixture(scope="module")
def ruby_reader() -> list[str]:
    return [needs("ruby"), str(EXAMPLES / "ruby" / "reader.rb")]


@pytest.fixture(scope="module")
def java_client(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    java, javac = needs("java"), needs("javac")
    folder = tmp_path_factory.mktemp("client")
    build(javac, "-d", str(folder), str(EXAMPLES / "java" / "Client.java"))
    return [java, "-cp", str(folder), "Client"]


@pytest.fixture(scope="module")
def node_client() -> list[str]:
    return [needs("node"), str(EXAMPLES / "node" / "client.mjs")]


@pytest.fixture
def reader(request: pytest.FixtureRequest, language: str) -> list[str]:
    found: list[str] = request.getfixturevalue(f"{language}_reader")
    return found


@pytest.fixture
def client(request: pytest.FixtureRequest, language: str) -> list[str]:
    found: list[str] = request.getfixturevalue(f"{language}_client")
    return found


def scenario(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(s for s in document["scenarios"] if s["scenario"] == name)


@pytest.mark.parametrize("language", TOLERANT)
def test_a_tolerant_reader_is_ready(language: str, reader: list[str], checked: Checked) -> None:
    command = shlex.join([*reader, *TOLERANT[language].split()])
    code, document = checked("--exec", command, *FEW)
    assert (code, document["outcome"]) == (0, "ready")
    assert scenario(document, "paired")["verdict"] == "ok"


@pytest.mark.parametrize("language", STRICT)
def test_a_strict_reader_breaks_on_the_added_field(
    language: str, reader: list[str], checked: Checked
) -> None:
    command = shlex.join([*reader, *STRICT[language].split()])
    code, document = checked("--exec", command, *FEW)
    assert (code, document["outcome"]) == (1, "not ready")
    assert scenario(document, "before")["verdict"] == "ok"
    after = scenario(document, "after")
    assert "creatorId" in after["error"]
    library, _, change = after["advice"].partition(": ")
    assert LIBRARIES[language] in library
    assert change


@pytest.mark.parametrize("language", ["java", "node"])
def test_a_client_with_a_deadline_is_ready(
    language: str, client: list[str], checked: Checked
) -> None:
    code, document = checked("--client-exec", shlex.join(client))
    assert (code, document["outcome"]) == (0, "ready")
    assert scenario(document, "after")["verdict"] == "ok"
