"""What the tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis
import pytest

# The import mode of these tests puts nothing on the path, and benchmarks use the server too.
sys.path.insert(0, str(Path(__file__).parent))

# A run says that it does not use a .netrc, and you may have one.
os.environ["NETRC"] = os.devnull

# A run says more in a job of GitHub Actions, and would add to the summary of the tests' own.
for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(name, None)

hypothesis.settings.register_profile(
    "tests", derandomize=True, deadline=None, database=None, max_examples=30
)
hypothesis.settings.load_profile("tests")

ONE_PROCESS = (
    *("usepdb", "trace", "keyword", "lf", "stepwise", "collectonly", "setuponly", "setupplan"),
    *("showfixtures", "show_fixtures_per_test", "cacheshow", "distload", "tx", "cov_source"),
    "retry_contract_endpoint",
)
"""The options, of pytest and its plugins, that keep the whole suite in one process."""


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the whole suite in as many processes as there are cores, as `-n auto` does.

    A part of the suite stays in one process: workers would take longer to start than it saves.
    So do contract tests of a URL, since each worker would retry the messages. With `--cov`, give
    `-n` too: pytest-cov looks for it before this hook is called.
    """
    option = config.option
    if config.args_source is not config.ArgsSource.TESTPATHS or hasattr(config, "workerinput"):
        return
    if getattr(option, "numprocesses", 0) is not None or option.capture == "no":
        return  # -n is given, xdist is not installed, or output is to be seen at once
    given = any(getattr(option, name, None) for name in ONE_PROCESS)
    given = given or any(word.startswith("--dist") for word in config.invocation_params.args)
    if given or os.environ.get("RETRY_CONTRACT_ENDPOINT"):
        return
    workers = config.hook.pytest_xdist_auto_num_workers(config=config)
    if workers > 1:  # each gets a part in one piece, so what a module's tests share is made once
        option.numprocesses, option.dist = workers, "worksteal"
        # Else every worker, and every command that a test starts, compiles all modules again.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
