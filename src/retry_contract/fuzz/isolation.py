"""Hypothesis without its surroundings: the machine has no part in what a seed draws."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, Phase, Verbosity, configuration, settings
from hypothesis.internal.conjecture import providers


class EndOfRun(BaseException):
    """Ends a run of generated cases at once: Hypothesis does not take it for a failure."""


def isolated_settings(cases: int, **more: Any) -> settings:
    """Return settings that take nothing from the environment and leave nothing behind."""
    plain: dict[str, Any] = {"database": None, "phases": (Phase.generate, Phase.shrink), **more}
    return settings(
        backend="hypothesis",
        max_examples=cases,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        **plain,
    )


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Keep Hypothesis out of the current folder, and that folder out of what it generates."""
    with contextlib.ExitStack() as stack:
        before = getattr(configuration, "__hypothesis_home_directory", None)
        stack.callback(configuration.set_hypothesis_home_dir, before)
        configuration.set_hypothesis_home_dir(_cache_folder())
        with contextlib.suppress(ImportError):  # of early versions, which draw no constants
            from hypothesis.internal.conjecture.providers import CONSTANTS_CACHE
            from hypothesis.internal.constants_ast import Constants

            # Hypothesis draws from the constants of modules that are not installed, which no
            # setting stops.
            CONSTANTS_CACHE.cache.clear()
            stack.callback(CONSTANTS_CACHE.cache.clear)
            stack.enter_context(mock.patch.object(providers, "_get_local_constants", Constants))
        yield


def _cache_folder() -> Path:
    """Return the folder for Hypothesis' tables of Unicode."""
    root = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        return (Path(root) if root else Path.home() / ".cache") / "retry-contract"
    except RuntimeError:  # a user without a home, as in some containers
        return Path(tempfile.gettempdir()) / "retry-contract"
