"""The page of a report: one HTML file that loads nothing, runs nothing, and quotes nobody.

jinja2 escapes what a service or the user's code chose, after `disarm` has escaped what steers
text. The policy of the page lets no script run, and no style but its own. What takes time to
import is imported in the functions: most runs write no page.
"""

import base64
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retry_contract._version import __version__
from retry_contract.outcome import SHOWN
from retry_contract.privacy.disarm import disarm

if TYPE_CHECKING:
    from jinja2 import Environment

    from retry_contract.consumer.readiness import Readiness
    from retry_contract.outcome import Outcome

_TEMPLATES = Path(__file__).with_name("templates")


def verify_page(outcome: "Outcome") -> str:
    """Return the page of a run of `verify`."""
    from retry_contract.report.verify_view import verify_view

    return _render("verify.html", verify_view(outcome))


def readiness_page(found: "Readiness") -> str:
    """Return the page of a check of a consumer."""
    from retry_contract.report.readiness_view import readiness_view

    return _render("consumer.html", readiness_view(found))


def _render(template: str, view: dict[str, Any]) -> str:
    return _environment().get_template(template).render(view)


@functools.cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    environment.globals |= {
        "style": Markup(style),
        "policy": _policy(style),
        "newline": Markup("\n"),
        "shown": SHOWN,
        "version": __version__,
    }
    environment.filters["spans"] = _spans
    return environment


def _policy(style: str) -> str:
    """Return the Content-Security-Policy: nothing but this style, word for word."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _shown(value: Any) -> Any:
    """Return a value as it is written: a text, unless it is markup of the templates' own."""
    return value if hasattr(value, "__html__") else disarm(str(value))


def _spans(text: str) -> list[tuple[str, bool]]:
    """Return the parts of a text, and whether each stood in backticks and so is code."""
    return [(part, number % 2 == 1) for number, part in enumerate(text.split("`"))]
