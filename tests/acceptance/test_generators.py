"""What code generators make of the printed schemas: types of good names that read the examples."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.exports import EXPORTS, KINDS, OPENAPI
from support.node import GENERATORS, installed_for_node
from support.tools import missing, needs

from retry_contract.contract.catalogue import catalogue

pytestmark = pytest.mark.slow

BEFORE, AFTER = catalogue()
BEYOND_DATETIME = {"timestamps-at-the-edges", "timestamps-lower-case"}
"""Examples that Python's datetime cannot hold (the year 0), or its `fromisoformat` refuses."""

NUMBERED = re.compile(r"\b[A-Z][A-Za-z]*[0-9]+\b")
NAMED = ("MessageId", "CampaignId", "TemplateBodyId", "Timestamp", "PhoneNumber", "RecipientObject")


def _examples(contract: str) -> dict[str, Any]:
    files = catalogue()[contract].examples("valid").values()
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def _run(folder: Path, command: list[str], text: str | None = None) -> str:
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **quiet},
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules `sms_…` can be imported in this test alone."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("sms_")]:
        del sys.modules[name]


def _needs(generator: str) -> None:
    if importlib.util.find_spec(generator) is None:
        missing(f"{generator} cannot be imported: install the group `generators`")


@pytest.mark.parametrize("export", [f"{AFTER} retry", "either retry flat"])
def test_pydantic_models_read_the_examples(export: str, folder: Path) -> None:
    _needs("datamodel_code_generator")
    from pydantic import TypeAdapter

    (folder / "schema.json").write_text(json.dumps(EXPORTS[export]))
    options = "--input-file-type jsonschema --output-model-type pydantic_v2.BaseModel"
    files = "--input schema.json --output sms_models.py --formatters builtin"
    _run(
        folder,
        [sys.executable, "-m", "datamodel_code_generator", *options.split(), *files.split()],
    )
    models = importlib.import_module("sms_models")
    response = TypeAdapter(models.RetryResponse)
    for contract in (AFTER,) if "after" in export else (BEFORE, AFTER):
        for example, payload in _examples(contract).items():
            if example != "timestamps-at-the-edges":
                assert response.validate_python(payload), example
    if "flat" not in export:
        classes = [name for name, value in vars(models).items() if isinstance(value, type)]
        assert not [name for name in classes if NUMBERED.fullmatch(name)]
        assert {*NAMED, "UserId"} <= set(classes)


@pytest.mark.parametrize("name", OPENAPI)
def test_client_generated_from_the_document_reads_the_examples(name: str, folder: Path) -> None:
    _needs("openapi_python_client")
    (folder / "openapi.json").write_text(json.dumps(OPENAPI[name]))
    (folder / "config.yml").write_text("post_hooks: []")
    options = "--path openapi.json --output-path sms_client --meta none --fail-on-warning"
    generate = [sys.executable, "-m", "openapi_python_client", "generate", *options.split()]
    _run(folder, [*generate, "--config", "config.yml"])
    models = importlib.import_module("sms_client.models")
    payloads = _examples(name)
    for payload in (payloads[example] for example in payloads.keys() - BEYOND_DATETIME):
        assert models.RetryResponse.from_dict(payload).to_dict().keys() == payload.keys()
    for kind in KINDS:
        contract, type_ = catalogue()[name], kind.title().replace("-", "") + "Response"
        sample = {field: contract.sample(kind, field) for field in contract.fields(kind)}
        read = getattr(models, type_).from_dict(sample)
        assert (read.recipient, read.to_dict().keys()) == (sample["recipient"], sample.keys())
    for operation in ("send_message", "retry_message", "retrieve_message"):
        assert hasattr(importlib.import_module(f"sms_client.api.messages.{operation}"), "sync")
    assert not [type_ for type_ in models.__all__ if NUMBERED.fullmatch(type_)]


@pytest.fixture(scope="module")
def npm(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Node, and a folder in which the packages are installed."""
    folder = tmp_path_factory.mktemp("generators")
    return installed_for_node(GENERATORS, folder), folder


def _typescript(contract: str, form: str) -> Iterator[str]:
    """Yield lines that read every valid example, and must not read two invalid ones."""
    yield f'import type {{ RetryResponse }} from "./{contract} retry{form}.ts";'
    payloads = _examples(contract)
    for payload in payloads.values():
        yield _constant(payload)
    page = payloads["the-page"]
    other = {k: v for k, v in page.items() if k != "creatorId"}
    other |= {} if contract == AFTER else {"creatorId": "user_1"}
    for wrong in (other, {**page, "latestStatus": "failure"}):
        yield f"// @ts-expect-error\n{_constant(wrong)}"


def _constant(payload: Any) -> str:
    return f"(({json.dumps(payload)}) satisfies RetryResponse);"


EITHER = """
import type { RetryResponse, RetryResponseAfter } from "./either retry.ts";
export const read = (response: RetryResponse): string | undefined => response.creatorId;
export const creator = (response: RetryResponseAfter): string => response.creatorId;
"""


def test_types_of_typescript_read_the_examples(npm: tuple[str, Path]) -> None:
    node, folder = npm
    schemas = {name: schema for name, schema in EXPORTS.items() if "openapi" not in name}
    _run(folder, [node, "types.mjs"], json.dumps(schemas))
    checks = {"either.check.ts": EITHER}
    for contract in (BEFORE, AFTER):
        for form in ("", " flat"):
            checks[f"{contract}{form}.check.ts"] = "\n".join(_typescript(contract, form))
    for name, code in checks.items():
        (folder / name).write_text(code, encoding="utf-8")
    options = "--noEmit --strict --target es2022 --module nodenext --allowImportingTsExtensions"
    _run(folder, [node, "node_modules/typescript/bin/tsc", *options.split(), *checks])
    for name in schemas:
        written = (folder / f"{name}.ts").read_text(encoding="utf-8")
        types = re.findall(r"^export \w+ (\w+)", written, re.MULTILINE)
        assert not [type_ for type_ in types if NUMBERED.fullmatch(type_)]
        parts = {"RetryResponseBefore", "RetryResponseAfter"} if "either" in name else set()
        if "retry" in name:
            own = {"RetryResponse", *parts}
            assert set(types) == own if "flat" in name else own < set(types)


def test_document_is_clean_by_the_recommended_rules_of_redocly(npm: tuple[str, Path]) -> None:
    node, folder = npm
    lint = [node, "node_modules/@redocly/cli/bin/cli.js", "lint", "--extends=recommended"]
    for name, document in OPENAPI.items():
        (folder / f"{name}.openapi.json").write_text(json.dumps(document))
        found = json.loads(_run(folder, [*lint, "--format=json", f"{name}.openapi.json"]))
        assert found["problems"] == []


def test_client_of_java_has_the_types_of_the_fields(folder: Path) -> None:
    _needs("openapi_generator_cli")
    needs("java")
    (folder / "openapi.json").write_text(json.dumps(OPENAPI[AFTER]))
    program = Path(sys.executable).with_name("openapi-generator-cli")
    _run(folder, [str(program), *["generate", "-i", "openapi.json", "-g", "java", "-o", "client"]])
    models = folder / "client/src/main/java/org/openapitools/client/model"
    fields = re.findall(r"private (\S+) (\w+)[;= ]", (models / "RetryResponse.java").read_text())
    strings = dict.fromkeys(("id", "campaignId", "templateBodyId", "fullMessage"), "String")
    times = dict.fromkeys(("createdAt", "updatedAt"), "OffsetDateTime")
    own = {"latestStatus": "StatusAfterRetry", "recipient": "Recipient", "creatorId": "String"}
    found = {
        name: kind for kind, name in fields if name in set(catalogue()[AFTER].fields()) - {"values"}
    }
    assert found == {**strings, **times, **own}
