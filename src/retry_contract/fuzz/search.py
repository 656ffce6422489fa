"""Hypothesis without its surroundings: a seed draws the same on every machine."""

import contextlib
import os
import random
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from hypothesis import HealthCheck, Phase, Verbosity, configuration, find, settings
from hypothesis.errors import NoSuchExample
from hypothesis.internal.conjecture import providers
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

_NOWHERE = Path(os.devnull) / "retry-contract"
"""Hypothesis goes on without the folder that it cannot make there."""


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

            # No setting stops it from drawing the constants of modules that are not installed.
            CONSTANTS_CACHE.cache.clear()
            stack.callback(CONSTANTS_CACHE.cache.clear)
            stack.enter_context(mock.patch.object(providers, "_get_local_constants", Constants))
        yield


def _cache_folder() -> Path:
    """Return the folder for Hypothesis' tables of Unicode, or one that there cannot be."""
    root = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        folder = (Path(root) if root else Path.home() / ".cache") / "retry-contract"
        return folder if _is_own(folder) else _NOWHERE
    except (RuntimeError, OSError):  # a user without a home, as in some containers
        return _NOWHERE


def _is_own(folder: Path) -> bool:
    """Return whether a folder, made if need be, is one that the user alone can write to."""
    if not folder.is_absolute():  # it would lie in the current folder
        return False
    for made in (folder.parent, folder):
        made.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    is_private = os.name == "nt" or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)
    return stat.S_ISDIR(found.st_mode) and is_private


def draw(strategy: SearchStrategy[T], number: int, seed: int) -> list[T]:
    """Return so many values of a strategy; the same seed draws the same values."""
    drawn: list[T] = []

    def keep(value: T) -> bool:
        drawn.append(value)
        return False

    if number:
        _find(strategy, keep, number, seed)
    return drawn


def smallest(
    strategy: SearchStrategy[T],
    holds: Callable[[T], bool],
    number: int,
    seed: int,
    *,
    until: float,
) -> T | None:
    """Return the smallest value that has a property, shrunk from those drawn by the seed, or None.

    Once `time.monotonic()` is past `until`, it is the smallest so far.
    """
    found: list[T] = []

    def holds_in_time(value: T) -> bool:
        if time.monotonic() > until:
            raise EndOfRun
        if not holds(value):
            return False
        found.append(value)
        return True

    try:
        return _find(strategy, holds_in_time, number, seed)
    except EndOfRun:
        return found[-1] if found else None


def _find(
    strategy: SearchStrategy[T], holds: Callable[[T], bool], number: int, seed: int
) -> T | None:
    plain, chance = isolated_settings(number), random.Random(seed)
    try:
        with isolated():
            return find(strategy, holds, settings=plain, random=chance)
    except NoSuchExample:
        return None
