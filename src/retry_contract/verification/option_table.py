"""The options of a run: one table, for the command line and for pytest.

It imports nothing of the rest, since every start of either reads it.
"""

from dataclasses import dataclass
from typing import Any, Literal

MOCK, SERVED, ALL = "mock", "served", "all"


@dataclass(frozen=True)
class Option:
    """One option. `kind` is how often it may come, and whether it takes a value.

    `suffix` is what follows RETRY_CONTRACT_ in the name of the environment variable for it.
    """

    name: str
    help: str
    metavar: str = ""
    kind: Literal["value", "list", "flag"] = "value"
    suffix: str = ""

    @property
    def pytest_name(self) -> str:
        """The option's name under pytest."""
        return "--contract-" + {"contract": "version"}.get(self.name, self.name)

    @property
    def destination(self) -> str:
        """The name under which argparse and pytest keep the value."""
        return "retry_contract_" + self.name.replace("-", "_")

    @property
    def keywords(self) -> dict[str, Any]:
        """The keyword arguments of argparse's `add_argument`, and of pytest's `addoption`."""
        common = {"dest": self.destination, "help": self.help, "default": None}
        if self.kind == "flag":
            return {**common, "action": "store_true"}
        action = "append" if self.kind == "list" else "store"
        return {**common, "action": action, "metavar": self.metavar}


OPTIONS = (
    Option("endpoint", "test mock, the built-in model, or a URL", "mock|URL", suffix="ENDPOINT"),
    Option(
        "contract",
        "before, after, auto (default for a URL), served (as Retrieve shows), all (default on the "
        "mock)",
        "NAME",
    ),
    Option("on", "for auto, which it implies: a date, or an instant", "INSTANT"),
    Option("campaign", "the campaign to test in", "ID", suffix="CAMPAIGN"),
    Option("message", "a message that may be retried; repeatable", "ID", "list", "MESSAGES"),
    Option("foreign-campaign", "a campaign of another key", "ID", suffix="FOREIGN_CAMPAIGN"),
    Option("states", "the hook that gives messages in states", "FILE|MODULE"),
    Option("provision", "make messages to retry: none (default) or simulator", "HOW"),
    Option("samples", "accepted retries to observe: 3; 1 if to people", "N"),
    Option("values", "the template's values, as a JSON object of strings", "JSON"),
    Option("fuzz", "cases to generate for a test; 50 on this machine", "N"),
    Option("seed", "the same seed gives the same cases", "N"),
    Option("max-seconds", "seconds for generated cases, and to wait", "N"),
    Option("replay", "run one generated case only, as a failure printed it", "CASE"),
    Option("example-database", "a folder of failing cases, to read and extend", "DIR"),
    Option("budget", "how many requests may be sent; 200 off this machine", "REQUESTS"),
    Option("rate", "how many requests a second; 2 off this machine", "PER_SECOND"),
    Option("timeout", "seconds to wait for a whole response (default 10)", "SECONDS"),
    Option("proxy", "the proxy to use; none from the environment is", "URL"),
    Option("ca-file", "the CA certificates to trust instead", "FILE"),
    Option("allow-production", "test production although its owner forbids it", kind="flag"),
    Option("ignore", "leave a rule out, visibly; repeatable", "RULE", "list"),
    Option("require", "a rule, or all, that must be exercised; repeatable", "RULE", "list"),
    Option("strict", "drift is a failure too", kind="flag"),
    Option("baseline", "fail only on what this file does not have", "FILE"),
    Option("write-baseline", "make or update that file by what is found", "FILE"),
    Option("record", "write the exchanges there, masked, as JSON lines", "FILE"),
    Option("report", "write report.json and .html, summary.md, junit.xml", "DIR"),
)
