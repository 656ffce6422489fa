"""The versions that an outcome depends on."""

import importlib.metadata
import platform

from retry_contract._version import __version__

_LIBRARIES = ("hypothesis", "jsonschema", "pytest", "schemathesis")


def versions() -> dict[str, str]:
    """Return the versions of Python, the kit, and the libraries that check and generate."""
    found = {"python": platform.python_version(), "retry-contract": __version__}
    for library in _LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return dict(sorted(found.items()))
