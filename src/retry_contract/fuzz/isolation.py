"""Hypothesis without its surroundings: nothing of the machine has a part in what a seed draws."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from hypothesis import configuration
from hypothesis.internal.conjecture import providers


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Keep Hypothesis out of the current folder, and that folder out of what it generates."""
    with _home(), _constants_of_no_module():
        yield


@contextlib.contextmanager
def _home() -> Iterator[None]:
    """Keep Hypothesis' tables of Unicode out of the folder that the run was started from."""
    before = getattr(configuration, "__hypothesis_home_directory", None)
    configuration.set_hypothesis_home_dir(_cache_folder())
    try:
        yield
    finally:
        configuration.set_hypothesis_home_dir(before)


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        return (Path(root) if root else Path.home() / ".cache") / "retry-contract"
    except RuntimeError:  # a user without a home, as in some containers
        return Path(tempfile.gettempdir()) / "retry-contract"


@contextlib.contextmanager
def _constants_of_no_module() -> Iterator[None]:
    """Let the modules that happen to be imported have no part in what a seed generates.

    Hypothesis draws from the constants of those that are not installed, and has no setting for it.
    """
    source = "_get_local_constants"
    try:
        from hypothesis.internal.conjecture.providers import CONSTANTS_CACHE
        from hypothesis.internal.constants_ast import Constants
    except ImportError:  # an early version, which draws from none
        yield
        return
    CONSTANTS_CACHE.cache.clear()
    try:
        with mock.patch.object(providers, source, Constants):
            yield
    finally:
        CONSTANTS_CACHE.cache.clear()
