"""How many of the ways to break `service` and `rules` turn a test red: mutmut's mutants, by module.

The tree is copied to a temporary folder, where mutmut changes one expression at a time. Each mutant
is tried in a fork of a process that has collected the tests. The tables of rules and faults were
made by then, at import; so what survives is tried again, in a fork that has none of the kit yet,
and with the slow tests too.
What survives both is held against `mutation_survivors.md`; anything else is listed, and fails.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ACCEPTED = Path(__file__).with_name("mutation_survivors.md")
PACKAGE = "retry_contract."
MUTATED = ("service", "rules")
LOADED = (
    "hypothesis",
    "jsonschema",
    "mutmut.mutation.trampoline",
    "respx",
    "schemathesis",
    "schemathesis.pytest.plugin",
)
FIRST = {
    "service.faults": ("service/test_faults.py",),
    "service.controls": ("service/test_sandbox.py",),
    "service": ("test_model.py", "test_refusals.py", "test_seeds.py", "service/test_faults.py"),
    "rules": (
        *("test_checks.py", "test_delivery.py", "test_findings.py"),
        *("test_not_exercised.py", "test_several_refusals.py"),
    ),
}
"""By module, the tests that are the likeliest to kill its mutants: tried before the others."""
TESTS = ("tests/unit/rules", "tests/unit/service", "tests/proof/test_faults.py")
PYTEST = (
    *("-x", "-q", "--no-cov", "-p", "no:cacheprovider"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # of what is loaded already
)
ALSO_COPIED = ("schemas", "contract_tests", "conftest.py", "scripts", "docs")
SLOW_ONES_TOO = ("-m", "slow or not slow")
SECONDS = 120
"""After which a mutant is one that hangs."""

PROGRESS = os.dup(sys.stderr.fileno())
"""Standard error as it was: pytest captures what its tests write there."""

KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME", help="modules named so: service.http")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_tree(folder)
        mutants = [m for m in made_by_mutmut(folder) if options.only in m]
        load(folder / "mutants")
        results = dict(tried_with_the_kit_loaded(mutants))
        for number, mutant in enumerate(survivors(results), 1):
            results[mutant] = in_a_fork(
                mutant, lambda: pytest.main([*PYTEST, *SLOW_ONES_TOO, *TESTS])
            )
            report(number, "again")
        show(results)
        left = {told(folder, mutant) for mutant in survivors(results)}
    sys.exit(compare(left, accepted(options.only)))


def copy_tree(folder: Path) -> None:
    """Copy what git knows, and tell mutmut what to do."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    for package in MUTATED:
        for file in (folder / "src" / "retry_contract" / package).rglob("*.py"):
            file.write_text(undecorated(file.read_text(encoding="utf-8")), encoding="utf-8")
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/retry_contract/{package}/*" for package in MUTATED],
        "also_copy": ALSO_COPIED,
        "pytest_add_cli_args": ["--no-cov", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": ["tests/unit/rules/test_catalogue_of_rules.py"],
    }
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.writelines(["\n[tool.mutmut]\n", *lines])


def undecorated(source: str) -> str:
    """Decorate functions in statements of their own: mutmut leaves decorated ones as they are."""
    tree = ast.parse(source)
    body: list[ast.stmt] = []
    for node in tree.body:
        body.append(node)
        if isinstance(node, ast.FunctionDef):
            for decorator in reversed(node.decorator_list):
                call = ast.Call(decorator, [ast.Name(node.name)], [])
                body.append(ast.Assign([ast.Name(node.name, ast.Store())], call))
            node.decorator_list = []
    tree.body = body
    return ast.unparse(ast.fix_missing_locations(tree))


def made_by_mutmut(folder: Path) -> list[str]:
    """Let mutmut write all mutants; it tries but one of them."""
    mutmut(folder, "run", "--max-children", "1", PACKAGE + "rules.x_rule_named__mutmut_1")
    files = sorted((folder / "mutants" / "src").rglob("*.meta"))
    metas = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [name for meta in metas for name in meta["exit_code_by_key"]]


def mutmut(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"mutmut {' '.join(words)} failed: {done.stdout}{done.stderr}")
    return done.stdout


def load(folder: Path) -> None:
    """Import what a fork needs, other than the kit, and stand where the mutants are."""
    os.chdir(folder)
    sys.path.insert(0, str(folder / "src"))
    for name in LOADED:
        importlib.import_module(name)
    assert not any(name.startswith(PACKAGE) for name in sys.modules)


def tried_with_the_kit_loaded(mutants: list[str]) -> Iterator[tuple[str, str]]:
    """Try mutants in forks of a process that has collected the tests, itself a fork of this."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as verdicts:

        def collect() -> int:
            return pytest.main([*PYTEST, *TESTS], plugins=[Trials(mutants, Path(verdicts.name))])

        if in_a_fork("", collect, seconds=0) != SURVIVED:
            sys.exit("the tests fail on the code as it is")
        for line in verdicts:
            mutant, _, verdict = line.rstrip("\n").partition(" ")
            yield mutant, verdict


class Trials:
    """Instead of running the tests once, pytest runs them on the code as it is and each mutant."""

    def __init__(self, mutants: list[str], verdicts: Path) -> None:
        self.mutants, self.verdicts = mutants, verdicts

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if in_a_fork("", lambda: run(session, session.items)) != SURVIVED:
            raise session.Failed
        with self.verdicts.open("a", encoding="utf-8") as file:
            for number, mutant in enumerate(self.mutants, 1):
                items = sorted(session.items, key=functools.partial(is_later, mutant))
                verdict = in_a_fork(mutant, functools.partial(run, session, items))
                print(mutant, verdict, file=file, flush=True)
                report(number, f"of {len(self.mutants)}")
        return True


def is_later(mutant: str, item: pytest.Item) -> bool:
    name = module(mutant)
    first = next(tests for beginning, tests in FIRST.items() if name.startswith(beginning))
    return not item.nodeid.partition("::")[0].endswith(first)


def run(session: pytest.Session, items: list[pytest.Item]) -> int:
    """Run tests to the first that fails; return 1 if one does."""
    for item, following in zip_longest(items, items[1:]):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return 0


def in_a_fork(mutant: str, run_tests: Callable[[], int], seconds: int = SECONDS) -> str:
    """Run tests on a mutant, in a fork, and return what became of it."""
    child = os.fork()
    if child == 0:
        os.environ["MUTANT_UNDER_TEST"] = mutant
        signal.alarm(seconds)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        code = 1
        try:
            code = run_tests()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {0: SURVIVED, -signal.SIGALRM: TIMED_OUT}.get(code, KILLED)


def survivors(results: dict[str, str]) -> list[str]:
    return [mutant for mutant, verdict in results.items() if verdict == SURVIVED]


def report(number: int, what: str) -> None:
    with contextlib.suppress(OSError):
        os.write(PROGRESS, f"\r{number} {what} ".encode())


def show(results: dict[str, str]) -> None:
    """Print the score of each module, and of all."""
    counts: dict[str, Counter[str]] = {}
    for mutant, verdict in results.items():
        for row in (module(mutant), "all"):
            counts.setdefault(row, Counter())[verdict] += 1
    print(f"\n{'module':<24}{'mutants':>9}{KILLED:>9}{SURVIVED:>10}{TIMED_OUT:>11}{'score':>8}")
    for row in sorted(counts, key=lambda row: (row == "all", row)):
        killed, survived, late = (counts[row][v] for v in (KILLED, SURVIVED, TIMED_OUT))
        number = counts[row].total()
        score = f"{(killed + late) / number:>8.1%}"
        print(f"{row:<24}{number:>9}{killed:>9}{survived:>10}{late:>11}{score}")


def module(mutant: str) -> str:
    return mutant.rpartition(".")[0].removeprefix(PACKAGE)


def told(folder: Path, mutant: str) -> str:
    """Return a survivor in words that outlast its number: where it is, and what it changes."""
    function = re.sub(r"^x_?|__mutmut_[0-9]+$", "", mutant.rpartition(".")[2]).strip("ǁ")
    lines = mutmut(folder, "show", mutant).splitlines()
    removed, added = (
        " ".join(line[1:].strip() for line in lines if re.match(rf"[{sign}](?![{sign}])", line))
        for sign in "-+"
    )
    return f"{module(mutant)} {function.replace('ǁ', '.')}: `{removed}` → `{added}`"


def accepted(only: str) -> set[str]:
    """Return the survivors that are known, in the words of `told`."""
    lines = ACCEPTED.read_text(encoding="utf-8").splitlines()
    known = (line.removeprefix("- ") for line in lines if line.startswith("- "))
    return {line for line in known if only in line.partition(":")[0]}


def compare(left: set[str], known: set[str]) -> bool:
    """Print what survives unexpectedly, and what is listed but killed; return if any survives."""
    for title, found in (("new survivors", left - known), ("listed, but gone", known - left)):
        print(f"\n{title}: {len(found)}")
        print("".join(f"- {line}\n" for line in sorted(found)), end="")
    return bool(left - known)


if __name__ == "__main__":
    main()
