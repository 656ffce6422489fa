"""Importing the user's code, and handing it what it takes."""

import contextlib
import importlib
import inspect
import itertools
import json
import sys
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

from retry_contract.privacy.user_errors import is_installed, last_line, place_of

CLIENT_PARAMETERS = ("base_url", "api_key", "campaign_id", "message_id")


class CannotLoad(Exception):
    """The callable cannot be imported; the message says why, in one line."""


def load_reader(target: str, folder: str) -> Callable[[str], Any]:
    """Import what reads a response, and return what reads a line for it. Raises CannotLoad."""
    return adapt(load(target, folder, "one argument, the response"))


def load(target: str, folder: str, given: str) -> Callable[..., Any]:
    """Import what takes one argument, which `given` describes. Raises CannotLoad."""
    consume = _import(target, folder)
    _check_parameters(consume, given, None)
    return consume


def load_client(target: str, folder: str) -> Callable[[str], Any]:
    """Import a client, and return what calls it with a line's arguments. Raises CannotLoad."""
    retry = _import(target, folder)
    with contextlib.suppress(TypeError, ValueError, NameError):
        signature = inspect.signature(retry)
        signature.bind(**dict.fromkeys(CLIENT_PARAMETERS))
        if {*CLIENT_PARAMETERS} <= signature.parameters.keys():  # in whatever order
            return lambda line: retry(**dict(zip(CLIENT_PARAMETERS, json.loads(line), strict=True)))
    _check_parameters(retry, f"({', '.join(CLIENT_PARAMETERS)})", *CLIENT_PARAMETERS)
    return lambda line: retry(*json.loads(line))


def _check_parameters(consume: Callable[..., Any], what: str, *given: Any) -> None:
    """Raise CannotLoad if a callable does not take what it will be given."""
    with contextlib.suppress(TypeError, ValueError, NameError):  # most built-in ones have none
        signature = inspect.signature(consume)
        try:
            signature.bind(*given)
        except TypeError as error:
            raise CannotLoad(f"cannot be called with {what}: {error}") from None


def _import(target: str, folder: str) -> Callable[..., Any]:
    """Import `package.module:callable`, looked for in a folder too. Raises CannotLoad."""
    sys.path.insert(0, folder)
    module_name, _, path = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except BaseException as error:  # whatever a module does when it is imported
        place, missing = place_of(error), isinstance(error, ModuleNotFoundError) and error.name
        own = f"{module_name}.".startswith(f"{missing}.")
        hint = "; it is looked for in this folder and in PYTHONPATH" if own else ""
        reason = last_line(error).replace("\n", "; ") + (f" (at {place})" if place else "")
        raise CannotLoad(f"cannot be imported: {reason}{hint}") from None
    for name in path.split("."):
        if not hasattr(found, name):
            file = getattr(sys.modules[module_name], "__file__", None)
            other = "" if file and not is_installed(file) else ", for it is none of yours"
            raise CannotLoad(f"{module_name} was imported, but it has no {path}{other}")
        found = getattr(found, name)
    if not callable(found):
        raise CannotLoad(f"{path} is no callable; name a function")
    return typing.cast("Callable[..., Any]", found)


def adapt(consume: Callable[[Any], Any]) -> Callable[[str], Any]:
    """Return what reads a line for a callable: as an object, or text or bytes if so annotated."""
    kinds = set(_kinds(_annotation(consume)))
    convert = next((convert for kind, convert in _TEXTS.items() if kind in kinds), json.loads)
    return lambda line: consume(convert(line))


def _compact(line: str) -> str:
    return json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":"))


_TEXTS: dict[type, Callable[[str], Any]] = {
    str: _compact,
    bytes: lambda line: _compact(line).encode(),
    bytearray: lambda line: bytearray(_compact(line).encode()),
}


def _annotation(consume: Callable[..., Any]) -> Any:
    """Return the annotation of the first parameter, as text if some name in it is unknown."""
    for evaluated in (True, False):
        with contextlib.suppress(Exception):  # an annotation may be any expression
            signature = inspect.signature(consume, eval_str=evaluated)
            return next(iter(signature.parameters.values())).annotation
    return None


def _kinds(annotation: Any) -> Iterator[type]:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    names = ("__supertype__", "__value__")  # of a NewType, and of a `type` alias
    alias = next((getattr(annotation, name) for name in names if hasattr(annotation, name)), None)
    if isinstance(annotation, str):
        words = {word.strip() for word in annotation.split("|")}
        yield from (kind for kind in _TEXTS if kind.__name__ in words)
    elif isinstance(annotation, type):
        yield annotation
    elif origin in (typing.Union, types.UnionType, typing.Annotated) or alias is not None:
        inner = parts[:1] if origin is typing.Annotated else parts if alias is None else [alias]
        yield from itertools.chain.from_iterable(map(_kinds, inner))
