"""Importing the user's code, and handing it what it takes."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import sys
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

from retry_contract.consumer.process.failures import is_installed, last_line, place_of

CLIENT_PARAMETERS = ("base_url", "api_key", "campaign_id", "message_id")


class CannotLoad(Exception):
    """The callable cannot be imported; the message says why, in one line."""


def load_reader(target: str, folder: str) -> Callable[[str], Any]:
    """Import what reads a response, and return what reads a line for it.

    A parameter that is annotated as `str` or `bytes` is given the response's text. Raises
    CannotLoad.
    """
    return prepared(load(target, folder, "one argument, the response"))


def load(target: str, folder: str, given: str) -> Callable[..., Any]:
    """Import what takes one argument, which `given` describes. Raises CannotLoad."""
    found = _import(target, folder)
    _check_parameters(found, given, None)
    return found


def load_client(target: str, folder: str) -> Callable[[str], Any]:
    """Import what makes the call, and return what calls it with the arguments on a line.

    Raises CannotLoad.
    """
    found = _import(target, folder)
    with contextlib.suppress(TypeError, ValueError, NameError):
        signature = inspect.signature(found)
        signature.bind(**dict.fromkeys(CLIENT_PARAMETERS))
        if {*CLIENT_PARAMETERS} <= signature.parameters.keys():  # in whatever order
            return lambda line: found(**dict(zip(CLIENT_PARAMETERS, json.loads(line), strict=True)))
    _check_parameters(found, f"({', '.join(CLIENT_PARAMETERS)})", *CLIENT_PARAMETERS)
    return lambda line: found(*json.loads(line))


def _check_parameters(found: Callable[..., Any], what: str, *given: Any) -> None:
    """Raise CannotLoad if a callable does not take what it will be given."""
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError, NameError):  # most of those that are built in have none
        return
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
        place, hint = place_of(error), ""
        if isinstance(error, ModuleNotFoundError) and f"{module_name}.".startswith(
            f"{error.name}."
        ):
            hint = "; it is looked for in this folder and in PYTHONPATH"
        at = f" (at {place})" if place else ""
        said = last_line(error).replace("\n", "; ")
        raise CannotLoad(f"cannot be imported: {said}{at}{hint}") from None
    for name in path.split("."):
        if not hasattr(found, name):
            file = getattr(sys.modules[module_name], "__file__", None)
            other = "" if file and not is_installed(file) else ", for it is none of yours"
            raise CannotLoad(f"{module_name} was imported, but it has no {path}{other}")
        found = getattr(found, name)
    if not callable(found):
        raise CannotLoad(f"{path} is no callable; name a function")
    consume: Callable[..., Any] = found
    return consume


def prepared(consume: Callable[[Any], Any]) -> Callable[[str], Any]:
    """Return what hands a line to a callable as what it takes: an object, text, or bytes."""
    kinds = set(_kinds(_annotation(consume)))
    hand = next((hand for kind, hand in _HANDED.items() if kind in kinds), json.loads)
    return lambda line: consume(hand(line))


def _as_sent(line: str) -> str:
    return json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":"))


_HANDED: dict[type, Callable[[str], Any]] = {
    str: _as_sent,
    bytes: lambda line: _as_sent(line).encode(),
    bytearray: lambda line: bytearray(_as_sent(line).encode()),
}
"""How a response is handed to a parameter of a type; to one of any other, as an object."""


def _annotation(consume: Callable[..., Any]) -> Any:
    """Return the annotation of the first parameter, as text if some name in it is unknown."""
    for evaluated in (True, False):
        with contextlib.suppress(Exception):  # an annotation may be any expression
            signature = inspect.signature(consume, eval_str=evaluated)
            return next(iter(signature.parameters.values())).annotation
    return None


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation names, through unions and aliases."""
    names = ("__supertype__", "__value__")  # of a NewType, and of a `type` alias
    meant = next((getattr(annotation, name) for name in names if hasattr(annotation, name)), None)
    if isinstance(annotation, str):
        parts = {part.strip() for part in annotation.split("|")}
        yield from (kind for kind in _HANDED if kind.__name__ in parts)
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for choice in typing.get_args(annotation):
            yield from _kinds(choice)
    elif typing.get_origin(annotation) is typing.Annotated:
        yield from _kinds(typing.get_args(annotation)[0])
    elif meant is not None:
        yield from _kinds(meant)
    elif isinstance(annotation, type):
        yield annotation
