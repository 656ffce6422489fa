"""Contract tests for the retry endpoint of Postman v2 (postman.gov.sg).

The public names are imported on first use, so importing the package costs nothing.
"""

import os

from retry_contract._version import __version__

TYPE_CHECKING = False  # that of `typing` takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

    from retry_contract.contract.catalogue import Catalogue
    from retry_contract.contract.timeline import Timeline
    from retry_contract.contract.validator import identify, violations
    from retry_contract.outcome import Violation
    from retry_contract.plugin.scenarios import Scenario

    contracts: Catalogue
    timeline: Timeline

__all__ = [
    "Scenario",
    "Violation",
    "__version__",
    "contracts",
    "identify",
    "timeline",
    "violations",
]

# In a checkout, `schemas` and `contract_tests` lie at the top of the tree, not in the package.
__path__.append(os.path.realpath(f"{__file__}/../../.."))


def __getattr__(name: str) -> "Any":
    if name in ("contracts", "timeline"):
        from retry_contract.contract.catalogue import catalogue

        return catalogue() if name == "contracts" else catalogue().timeline
    if name == "Scenario":
        from retry_contract.plugin.scenarios import Scenario

        return Scenario
    if name in __all__:
        from retry_contract.contract import validator

        return getattr(validator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
