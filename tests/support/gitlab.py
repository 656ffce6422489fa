"""Pipelines of GitLab with the component, as a runner runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from support.tools import needs

TEMPLATE = Path(__file__).parents[2] / "templates" / "retry-contract.yml"
_LOCAL = "templates/retry-contract.yml"
COMPONENT = "$CI_SERVER_FQDN/team/retry-contract/retry-contract@0.2.0"
LONGEST = 120
"""In seconds. A pipeline that has not ended by then hangs."""
_FETCHED = "includes/gitlab.example/team/retry-contract/0.2.0/templates/retry-contract.yml"
_STATE = ".gitlab-ci-local"
_UNEXPANDED = '{value: "$[[ inputs.args ]]", expand: false}'
_GIT = (
    ("init", "--quiet"),
    ("remote", "add", "origin", "git@gitlab.example:team/sms.git"),
    ("add", "--all"),
    ("-c", "user.name=test", "-c", "user.email=test@example", "commit", "--quiet", "-m", "job"),
)
_NO_INSTALLATION = f"""#!/bin/sh
mkdir -p "$3/bin" && cd "$3/bin" || exit
printf '%s\\n' '#!/bin/sh' '[ "$2" = pip ] || exec "{sys.executable}" "$@"' > python
printf '%s\\n' '#!/bin/sh' > pip
printf '%s\\n' '#!/bin/sh' 'exec "{sys.executable}" -m retry_contract "$@"' > retry-contract
chmod +x *
"""
# pip takes seconds to make an environment: only the job `kept` has one made.
_PYTHON = f"""#!/bin/sh
[ "$CI_JOB_NAME" != kept ] || exec "$FRESH/bin/python" "$@"
{_NO_INSTALLATION}"""
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Job:
    """How a job ended (PASS; WARN or FAIL and its status), what it printed, what it kept."""

    ended: str
    log: str
    artifacts: Path

    @property
    def files(self) -> list[str]:
        """The files that the job kept."""
        return sorted(
            path.relative_to(self.artifacts).as_posix()
            for path in self.artifacts.rglob("*")
            if path.is_file()
        )


def environment(folder: Path, packages: Iterable[str | Path] = ()) -> Path:
    """Make an environment with pip, with these packages and no other."""
    uv = needs("uv")
    make = [uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(folder)]
    install = [uv, "pip", "install", "--quiet", "--no-index", "--no-deps"]
    packages = [str(package) for package in packages]
    subprocess.run(make, check=True)
    if packages:
        subprocess.run([*install, "--python", folder / "bin" / "python", *packages], check=True)
    return folder


def clean(**changes: str) -> dict[str, str]:
    """Return the environment without what would lead back to the checkout."""
    dropped = ("PYTEST", "PYTHON", "RETRY_CONTRACT_", "POSTMAN_", "COV", "VIRTUAL_ENV", "GITLAB")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "NO_COLOR": "1", **changes}


def project(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a project whose runner has fetched the component already."""
    fetched = folder / _STATE / _FETCHED
    fetched.parent.mkdir(parents=True)
    template = TEMPLATE.read_text(encoding="utf-8")
    assert _UNEXPANDED in template
    # gitlab-ci-local does not know `expand`: `_doubled` hands over the same text.
    template = template.replace(_UNEXPANDED, '"$[[ inputs.args ]]"')
    fetched.write_text(template, encoding="utf-8")
    for name, text in {".gitignore": f"{_STATE}\n", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for words in _GIT:
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def pipeline(
    folder: Path,
    text: str,
    variables: Mapping[str, str],
    fresh: Path,
) -> dict[str, Job]:
    """Run a pipeline, and return how each job ended."""
    runner = needs("gitlab-ci-local")
    needs("rsync")
    asked = _doubled(yaml.safe_load(text))
    (folder / ".gitlab-ci.yml").write_text(yaml.safe_dump(asked), encoding="utf-8")
    programs = folder / _STATE / "bin"
    write_program(programs / "python3", _PYTHON)
    given = [
        word for name, value in variables.items() for word in ("--variable", f"{name}={value}")
    ]
    done = subprocess.run(
        [runner, "--force-shell-executor", *given],
        cwd=folder,
        env=clean(
            PATH=os.pathsep.join([str(programs), os.environ["PATH"]]),
            FRESH=str(fresh),
        ),
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    return _ended(re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr), folder)


def component() -> tuple[Any, Any]:
    """Return the inputs and the jobs of the component."""
    inputs, jobs = yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8"))
    return inputs["spec"]["inputs"], jobs


def script(name: str = "script") -> list[str]:
    """Return the lines of the component's job."""
    lines: list[str] = component()[1]["$[[ inputs.job-name ]]"][name]
    return lines


def jobs_of(text: str) -> dict[str, Any]:
    """Return the jobs of a pipeline with those of its includes, without a runner's help."""
    asked = yaml.safe_load(text)
    found: dict[str, Any] = {}
    for include in asked.pop("include", ()):
        assert include in ({**include, "component": COMPONENT}, {**include, "local": _LOCAL})
        found |= _filled(include["inputs"])
    return found | {name: {**found.get(name, {}), **job} for name, job in asked.items()}


def run_job(job: Mapping[str, Any], folder: Path, variables: Mapping[str, str]) -> Done:
    """Run the script of a job in bash; the kit is this one, and nothing is installed."""
    write_program(folder / ".bin" / "python3", _NO_INSTALLATION)
    own = {name: _value(given, variables) for name, given in job.get("variables", {}).items()}
    path = os.pathsep.join([str(folder / ".bin"), os.environ["PATH"]])
    lines = ["set -eo pipefail", *job.get("before_script", ()), *job["script"]]
    return subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=folder,
        env=clean(**variables, **own, PATH=path),
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )


def write_program(file: Path, text: str) -> None:
    """Write a script that can be run."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)


def _filled(given: Mapping[str, str]) -> dict[str, Any]:
    inputs, jobs = component()
    assert given.keys() <= inputs.keys()
    text = json.dumps(jobs)
    for name, about in inputs.items():
        value = given[name] if name in given else about["default"]
        assert value in about.get("options", [value])
        assert re.search(about.get("regex", ""), value)
        text = text.replace(f"$[[ inputs.{name} ]]", json.dumps(value)[1:-1])
    filled = json.loads(text)
    return {
        name: {**filled[job.pop("extends")], **job}
        for name, job in filled.items()
        if not name.startswith(".")
    }


def _value(given: Any, variables: Mapping[str, str]) -> str:
    if isinstance(given, dict):
        assert given["expand"] is False
        return str(given["value"])
    return re.sub(r"\$(\w+)", lambda name: variables.get(name[1], ""), given)


def _doubled(asked: Any) -> Any:
    for include in asked.get("include", ()):
        inputs = include["inputs"]
        inputs["args"] = inputs.get("args", "").replace("$", "$$")
    return asked


def _ended(output: str, folder: Path) -> dict[str, Job]:
    found = re.findall(r"^(\S+) +finished in \S+ \S+ *(?:(FAIL|WARN) +([0-9]+))? *$", output, re.M)
    found = [row for row in found if row[0] != "pipeline"]
    assert found, output
    return {
        name: Job(
            " ".join(ended).strip() or "PASS",
            "\n".join(re.findall(rf"^{name} +> ?(.*)$", output, re.M)),
            folder / _STATE / "artifacts" / name,
        )
        for name, *ended in found
    }
