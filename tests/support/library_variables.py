"""The names of the environment variables that the libraries behind the kit read."""

from __future__ import annotations

import functools
import re
from importlib import metadata
from pathlib import Path

_ROOTS = ("retry-contract", "httptools", "pytest-xdist", "coverage", "pytest-cov")
_READ = re.compile(
    r"""(?:environ(?:\.get|\.pop|\.setdefault)?\s*[\[(]|getenv\()\s*(?:["'](\w+)["']|([A-Z]\w+))"""
    r"""|["'](\w+)["']\s+(?:not\s+)?in\s+os\.environ"""
)
OTHERS = frozenset(
    # OpenSSL's and ssl's, which no source in Python names.
    {"SSLKEYLOGFILE", "SSL_CERT_DIR", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES"}
    | {"OPENSSL_CONF_INCLUDE", "CTLOG_FILE", "QLOGDIR"}
    # Those that urllib reads for requests and httpx, by a part of the name.
    | {"HTTP_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY"}
    # Those by which Hypothesis and pytest recognise a build, by a loop over names.
    | {"CI", "BUILD_NUMBER", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "TEAMCITY_VERSION"}
    # None reads these yet.
    | {"HYPOTHESIS_OF_A_LATER_RELEASE", "PYTEST_OF_A_LATER_RELEASE", "A_NEW_LIBRARY"}
)


@functools.cache
def library_variables() -> frozenset[str]:
    """Every variable that a source of a library reads by its name, and OTHERS."""
    names = set(OTHERS)
    for library in _libraries():
        for file in metadata.distribution(library).files or ():
            if file.suffix == ".py" and "tests" not in file.parts:
                text = Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
                for quoted, constant, asked in _READ.findall(text):
                    names.add(quoted or asked or _value_of(constant, text))
    return frozenset(name for name in names if name.isidentifier())


def _value_of(constant: str, text: str) -> str:
    found = re.search(rf"""^{constant}\b[^=\n]*=\s*["'](\w+)["']""", text, re.MULTILINE)
    return found[1] if found else ""


def _libraries() -> set[str]:
    found: set[str] = set()
    left = list(_ROOTS)
    while left:
        name = left.pop()
        try:
            required = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        if name not in found:
            found.add(name)
            plain = (r for r in required if "extra ==" not in r)
            left += [re.split(r"[^\w.-]", r)[0] for r in plain]
    return found - {"retry-contract"}
