"""Importing the user's code, and handing it what it takes."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import sys
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

from retry_contract.consumer.hosted.errors import last_line, place_of
from retry_contract.consumer.hosted.installed import is_installed

CLIENT_PARAMETERS = ("base_url", "api_key", "campaign_id", "message_id")
_OURS = ("POSTMAN_API_KEY", "RETRY_CONTRACT_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_ALONE = {
    **dict.fromkeys(_PROXIES, "http://127.0.0.1:9"),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
    "POSTMAN_API_KEY": "key_test_of_nobody",
}
"""A client's environment: whatever is not for the sandbox goes to a proxy that is not there."""


class CannotLoad(Exception):
    """The callable cannot be imported; the message says why, in one line."""


def load(target: str, folder: str) -> Callable[[str], Any]:
    """Import what reads a reply, and return what reads a line for it.

    A parameter that is annotated as `str` or `bytes` is given the reply's text. Raises CannotLoad.
    """
    found = _import(target, folder)
    _check_parameters(found, (None,), "one argument, the reply")
    return prepared(found)


def load_client(target: str, folder: str) -> Callable[[str], Any]:
    """Import what makes the call, and return what calls it with the arguments on a line.

    It is kept from the network as far as a proxy variable does, and from a real API key. Raises
    CannotLoad.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
    os.environ.clear()
    os.environ.update(kept | _ALONE)
    found = _import(target, folder)
    if _takes_by_name(found):
        return lambda line: found(**dict(zip(CLIENT_PARAMETERS, json.loads(line), strict=True)))
    _check_parameters(found, CLIENT_PARAMETERS, f"({', '.join(CLIENT_PARAMETERS)})")
    return lambda line: found(*json.loads(line))


def _takes_by_name(found: Callable[..., Any]) -> bool:
    """Say whether a client has parameters of these names, in whatever order, and no other."""
    with contextlib.suppress(TypeError, ValueError, NameError):
        signature = inspect.signature(found)
        signature.bind(**dict.fromkeys(CLIENT_PARAMETERS))
        return signature.parameters.keys() >= {*CLIENT_PARAMETERS}
    return False


def _check_parameters(found: Callable[..., Any], given: tuple[Any, ...], what: str) -> None:
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
        told = last_line(error).replace("\n", "; ")
        place = place_of(error)
        at = f" (at {place})" if place else ""
        missing = isinstance(error, ModuleNotFoundError) and error.name in _parents(module_name)
        hint = "; it is looked for in this folder and in PYTHONPATH" if missing else ""
        raise CannotLoad(f"cannot be imported: {told}{at}{hint}") from None
    for name in path.split("."):
        if not hasattr(found, name):
            whose = getattr(sys.modules[module_name], "__file__", None) or "built in"
            other = ", for it is none of yours" if _is_another_s(whose) else ""
            raise CannotLoad(f"{module_name} was imported, but it has no {path}{other}")
        found = getattr(found, name)
    if not callable(found):
        raise CannotLoad(f"{path} is no callable; name a function")
    consume: Callable[..., Any] = found
    return consume


def _parents(module_name: str) -> set[str]:
    names = module_name.split(".")
    return {".".join(names[:end]) for end in range(1, len(names) + 1)}


def _is_another_s(file: str) -> bool:
    return file == "built in" or is_installed(file)


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
"""How a reply is handed over to a parameter of a type; to one of any other, as an object."""


def _annotation(consume: Callable[..., Any]) -> Any:
    """Return the annotation of the first parameter, as text if some name in it is unknown."""
    for evaluated in (True, False):
        with contextlib.suppress(Exception):  # an annotation may be any expression
            signature = inspect.signature(consume, eval_str=evaluated)
            return next(iter(signature.parameters.values())).annotation
    return None


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation names, through unions and aliases."""
    if isinstance(annotation, str):
        yield from (kind for kind in _HANDED if kind.__name__ == annotation)
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for choice in typing.get_args(annotation):
            yield from _kinds(choice)
    elif (meant := _meant(annotation)) is not None:
        yield from _kinds(meant)
    elif isinstance(annotation, type):
        yield annotation


def _meant(annotation: Any) -> Any:
    """Return what `Annotated`, a NewType or a `type` alias stands for; None of anything else."""
    if typing.get_origin(annotation) is typing.Annotated:
        return typing.get_args(annotation)[0]
    names = ("__supertype__", "__value__")
    return next((getattr(annotation, n) for n in names if hasattr(annotation, n)), None)
