"""The process in which a Python callable is tried: `python -P -m retry_contract.consumer.host`.

Its arguments are `package.module:callable`, and for a client a file for what it prints; without
one it goes nowhere. One payload, or a client's arguments, a line on standard input; one line back
each, `ok JSON` or `error` with a JSON object. The first line back says whether the callable was
imported. It has a process of its own so that nothing it does can harm the run: it may exit, hang,
crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import json
import os
import re
import signal
import sys
import traceback
import types
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO, Any

from retry_contract.consumer.installed import is_installed
from retry_contract.consumer.reading import reading

READY = "ready"
CLIENT_PARAMETERS = ("base_url", "api_key", "campaign_id", "message_id")
_OURS = ("POSTMAN_API_KEY", "RETRY_CONTRACT_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_ALONE = {
    **dict.fromkeys(_PROXIES, "http://127.0.0.1:9"),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1"),
    "POSTMAN_API_KEY": "key_test_of_nobody",
}
"""A client's environment: whatever is not for the sandbox goes to a proxy that is not there."""
_BUILT = re.compile(r"([\w.<>]+)\.__(?:init|new)__\(\)")


class CannotLoad(Exception):
    """The callable cannot be imported; the message says why, in one line."""


def main() -> None:
    """Answer every line on standard input, then end at once, whatever threads there are."""
    target, *file = sys.argv[1:]
    given, answers = _own_streams(file[0] if file else os.devnull)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        find = load_client if file else load
        consume = find(target, str(Path.cwd()))
    except CannotLoad as error:
        answers.write(f"unusable {error}\n")
    else:
        answers.write(f"{READY}\n")
        answers.flush()
        folder = str(Path.cwd())
        for line in given:
            told = answer(consume, line)
            _flush()
            answers.write(told + "\n")
            answers.flush()
            os.chdir(folder)
    answers.flush()
    os._exit(0)


def _own_streams(output: str) -> tuple[IO[str], IO[str]]:
    """Take standard input and output for the protocol; the callable's own go to a file."""
    given = os.fdopen(os.dup(0), "r", encoding="ascii", newline="\n")
    answers = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    printed = os.open(output, os.O_WRONLY | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(printed, standard)
    return given, answers


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the callable may have closed or replaced it
            stream.flush()


def load(target: str, folder: str) -> Callable[[str], Any]:
    """Import what reads a reply, and return what reads a line for it.

    A parameter that is annotated as `str` or `bytes` is given the reply's text. Raises CannotLoad.
    """
    return prepared(_import(target, folder))


def load_client(target: str, folder: str) -> Callable[[str], Any]:
    """Import what makes the call, and return what calls it with the arguments on a line.

    It is kept from the network as far as a proxy variable does, and from a real API key. Raises
    CannotLoad.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
    os.environ.clear()
    os.environ.update(kept | _ALONE)
    found = _import(target, folder)
    with contextlib.suppress(ValueError):  # a callable without a signature
        try:
            inspect.signature(found).bind(*CLIENT_PARAMETERS)
        except TypeError as error:
            wanted = ", ".join(CLIENT_PARAMETERS)
            raise CannotLoad(f"cannot be called with ({wanted}): {error}") from None
    return lambda line: found(*json.loads(line))


def _import(target: str, folder: str) -> Callable[..., Any]:
    """Import `package.module:callable`, looked for in a folder too. Raises CannotLoad."""
    sys.path.insert(0, folder)
    module_name, _, path = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except BaseException as error:  # whatever a module does when it is imported
        told = _last_line(error).replace("\n", "; ")
        raise CannotLoad(f"cannot be imported: {told}{_at(_place(error))}") from None
    for name in path.split("."):
        if not hasattr(found, name):
            raise CannotLoad(f"{module_name} was imported, but it has no {path}")
        found = getattr(found, name)
    if not callable(found):
        raise CannotLoad(f"{path} is no callable; name a function")
    consume: Callable[..., Any] = found
    return consume


def prepared(consume: Callable[[Any], Any]) -> Callable[[str], Any]:
    """Return what hands a line to a callable as what it takes: an object, text, or bytes."""
    wanted = _wanted(consume)
    if wanted is dict:
        return lambda line: consume(json.loads(line))
    if wanted is str:
        return lambda line: consume(_as_sent(line))
    return lambda line: consume(_as_sent(line).encode())


def _as_sent(line: str) -> str:
    return json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":"))


def _wanted(consume: Callable[..., Any]) -> type:
    """Return the type of the first parameter: `str`, `bytes`, or anything else, a `dict`."""
    try:
        name, first = next(iter(inspect.signature(consume).parameters.items()))
        annotation = first.annotation
        if isinstance(annotation, str):
            annotation = typing.get_type_hints(consume).get(name, annotation)
    except (TypeError, ValueError, NameError, StopIteration):
        return dict
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    choices = typing.get_args(annotation) if union else (annotation,)
    return next((kind for kind in (str, bytes) if kind in choices), dict)


def answer(consume: Callable[[str], Any], line: str) -> str:
    """Return the answer to one line, in ASCII."""
    try:
        read = _run(consume(line))
    except BaseException as error:  # sys.exit and KeyboardInterrupt of the callable too
        return "error " + json.dumps(_detail(error))
    return "ok " + json.dumps(reading(read))


def _run(read: Any) -> Any:
    """Run what is lazy to its end, whatever it is: what it breaks on, it breaks on only then."""
    if inspect.isawaitable(read):
        return asyncio.run(_awaited(read))
    if isinstance(read, AsyncIterator):
        return asyncio.run(_collected(read))
    return list(read) if isinstance(read, Iterator) else read


async def _awaited(read: Awaitable[Any]) -> Any:
    return await read


async def _collected(read: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in read]


def _detail(error: BaseException) -> dict[str, Any]:
    leaf = error
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    text = _last_line(leaf)
    return {"text": text, "where": _place(error), "clues": sorted(_clues(error, leaf, text))}


def _last_line(error: BaseException) -> str:
    """Return what a traceback ends with, for a text of many lines its first three."""
    if isinstance(error, SystemExit):
        return f"SystemExit: {error.code}: the code ends the program"
    if isinstance(error, KeyboardInterrupt):
        return "KeyboardInterrupt: raised by the code"
    try:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("For further information")]
    except BaseException:  # an exception that cannot even be shown
        lines = []
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    return "\n".join([f"{module}{kind.__qualname__}: {''.join(lines[:1])}", *lines[1:3]])


def _frames(error: BaseException) -> Iterator[types.FrameType]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        yield frame


def _place(error: BaseException) -> str:
    """Return the last line of the user's own code in the traceback, as `file:line`."""
    # Not by traceback.extract_tb, which reads the sources: a closed model fails a thousand times.
    found = (
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    )
    places = [f"{Path(file).name}:{line}" for file, line in found if not is_installed(file)]
    return places[-1] if places else ""


def _at(place: str) -> str:
    return f" (at {place})" if place else ""


def _clues(error: BaseException, leaf: BaseException, text: str) -> set[str]:
    """Return the top-level modules that had a part in an error, and what kind of class it names."""
    modules = {str(frame.f_globals.get("__name__", "")) for frame in _frames(error)}
    modules |= {kind.__module__ for e in (error, leaf) for kind in type(e).__mro__}
    clues = {name.partition(".")[0] for name in modules if name}
    built = _BUILT.search(text)
    if built:
        clues |= {_kind_of(frame, built.group(1)) for frame in _frames(leaf)}
    return clues - {"", "builtins", "retry_contract"}


def _kind_of(frame: types.FrameType, name: str) -> str:
    known = {**frame.f_globals, **frame.f_locals}
    short = name.rpartition(".")[2]
    found = [v for v in known.values() if isinstance(v, type) and v.__name__ == short]
    for kind in found:
        if hasattr(kind, "__attrs_attrs__"):
            return "attrs"
        if hasattr(kind, "__dataclass_fields__"):
            return "dataclass"
        if hasattr(kind, "_fields"):
            return "namedtuple"
    return ""


if __name__ == "__main__":
    main()
