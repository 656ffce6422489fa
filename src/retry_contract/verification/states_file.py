"""Loads the hook of --states: a file or a module of the service's team."""

import contextlib
import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from retry_contract.environment import restored
from retry_contract.outcome import UsageError
from retry_contract.privacy.user_errors import last_line, place_of
from retry_contract.privacy.words import mask_words

HOOK = "pytest_retry_contract_state"


@functools.cache
def load_states(name: str) -> Callable[[str], Any]:
    """Return the hook of a file (its name ends in .py) or a module. Raises UsageError.

    The folder of the file, and for a module this one, is looked into for what it imports.
    """
    module = _import(name)
    hook = getattr(module, HOOK, None)
    if not callable(hook):
        raise UsageError(f"--states {name}: has no function {HOOK}(state)")
    try:
        inspect.signature(hook).bind("failure")
    except TypeError as error:
        raise UsageError(f"--states {name}: write {HOOK}(state): {error}") from None
    except ValueError:  # of some that are written in C
        pass
    called: Callable[[str], Any] = hook
    return called


def _import(name: str) -> ModuleType:
    file = Path(name)
    is_file = file.suffix == ".py"
    if not is_file and not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"--states {name}: give a file whose name ends in .py, or a module")
    if is_file and not file.is_file():
        raise UsageError(f"--states {name}: there is no such file")
    sys.path.append(str(file.resolve().parent if is_file else Path.cwd()))
    try:
        # Standard output is for the outcome.
        with restored(), contextlib.redirect_stdout(sys.stderr):
            return _run(file) if is_file else importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a module does when it is imported
        place, missing = place_of(error), isinstance(error, ModuleNotFoundError) and error.name
        own = not is_file and f"{name}.".startswith(f"{missing}.")
        hint = "; give a file, or a module that is in this folder or in PYTHONPATH" if own else ""
        said = mask_words(last_line(error).replace("\n", "; "))
        said += f" (at {place})" if place else ""
        raise UsageError(f"--states {name}: cannot be loaded: {said}{hint}") from None


def _run(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"retry_contract_states_{file.stem}", file)
    assert spec is not None  # as its name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module
