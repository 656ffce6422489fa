"""The command of `sandbox --run`: the variables that it finds, and how it is ended."""

import argparse
import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from retry_contract.cli.env_file import FIRST
from retry_contract.cli.interrupts import ONE_PRESS
from retry_contract.cli.output import complain
from retry_contract.endpoint.clock import monotonic
from retry_contract.environment import original
from retry_contract.outcome import ExitCode

Signals = queue.SimpleQueue[int]
"""Of `interrupts.queue_signals`."""

_COMMAND_ENDED = 0
"""Stands among the signals for the end of the command."""

_GRACE = 5.0
"""How long a command has to end after a signal, in seconds."""

_SLICE, _GROUP_SLICE = 0.2, 0.05
"""A signal may reach another thread: then the main one notices it when it wakes, in seconds."""

_NOT_REPEATED = ("--port", "--listen", "--env-file", "--run", "--timeout", "--json")


def variables(described: Mapping[str, Any]) -> dict[str, str]:
    """Return what a client needs to know of a sandbox, as variables that need no quotes."""
    from retry_contract.endpoint import sandbox_client

    messages = described["messages"]
    return {
        FIRST: described["endpoint"],
        "POSTMAN_API_KEY": described["key"],
        "RETRY_CONTRACT_CAMPAIGN": described["campaign"],
        "RETRY_CONTRACT_MESSAGES": ",".join(messages.values()),
        "RETRY_CONTRACT_FOREIGN_CAMPAIGN": described["foreign"]["campaign"],
        "RETRY_CONTRACT_REVOKED_KEY": described["revoked_key"],
        sandbox_client.VARIABLE: described["control"],
        **{message_variable(state): message for state, message in messages.items()},
    }


def message_variable(state: str) -> str:
    """Return the name of the variable that holds the id of a message in a state."""
    return "RETRY_CONTRACT_MESSAGE_" + re.sub("[^A-Z0-9]", "_", state.upper())


def such_a_sandbox(options: argparse.Namespace, table: Iterable[Sequence[Any]]) -> str:
    """Return the command that starts such a sandbox, at any port, but for its --run."""
    words = ["retry-contract", "sandbox", "--port", "0"]
    for option, _, _, *more in table:
        value = getattr(options, option.removeprefix("--").replace("-", "_"))
        defaults = [keywords["default"] for keywords in more if "default" in keywords]
        if option in _NOT_REPEATED or value in (None, *defaults):
            continue
        for item in value if isinstance(value, list) else [value]:
            words += [option, item]
    return shlex.join(words)


def environment(given: Mapping[str, str], sandbox: str) -> dict[str, str]:
    """Return the environment of the command. `sandbox` is what starts such a sandbox again."""
    from retry_contract.endpoint import sandbox_client

    # Last, so that the command finds this one where no other is in the way.
    users = original()
    places = [users.get("PATH", os.defpath), str(Path(sys.executable).parent)]
    path = {"PATH": os.pathsep.join(places)}
    own = {**users, **path, **_past_proxies(users), **given}
    return {**own, sandbox_client.COMMAND: sandbox}


def _past_proxies(own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which clients ask this machine itself, with what they had."""
    had = own.get("no_proxy") or own.get("NO_PROXY")
    value = ",".join([*([had] if had else []), "127.0.0.1", "localhost"])
    return {"NO_PROXY": value, "no_proxy": value}


def wait_for_signal(signals: Signals, seconds: float | None = None) -> int | None:
    """Return the next signal, 0 once the command has ended; None after seconds, if given."""
    until = None if seconds is None else monotonic() + seconds
    while True:
        left = _SLICE if until is None else min(_SLICE, until - monotonic())
        try:
            return signals.get(timeout=max(0.0, left))
        except queue.Empty:
            if until is not None and monotonic() >= until:
                return None


def run_command(
    command: str, environment: Mapping[str, str], signals: Signals, limit: float | None
) -> int:
    """Run a command to its end, and leave nothing of it behind. Return its exit code.

    A signal is passed on to it. `limit` is how long it may take, in seconds.
    """
    from retry_contract.consumer.process import user_process

    group = user_process.group_arguments()
    child = subprocess.Popen(command, shell=True, env=environment, **group)
    try:
        waiter = threading.Thread(target=_wait_for_end, args=(child, signals), daemon=True)
        waiter.start()
        number = wait_for_signal(signals, limit)
        if number != _COMMAND_ENDED:
            _ask_to_end(child, number or signal.SIGTERM, signals, waiter)
    finally:
        user_process.end_group(child)
    if number is None:
        late = f"--timeout {limit:g}: the command had not ended after {limit:g} s, and was ended"
        complain(f"retry-contract sandbox: {late}")
        return ExitCode.NOT_TESTED
    code = -number if number else child.returncode
    return code if code >= 0 else 128 - code


def _wait_for_end(child: subprocess.Popen[bytes], signals: Signals) -> None:
    try:
        child.wait()
    finally:
        signals.put(_COMMAND_ENDED)


def _ask_to_end(
    child: subprocess.Popen[bytes], number: int, signals: Signals, waiter: threading.Thread
) -> None:
    """Pass a signal on, and wait until all that the command started has ended.

    For five seconds, or until another signal comes, which a second later only is meant as one.
    """
    from retry_contract.consumer.process import user_process

    user_process.signal_group(child, number)
    begin = monotonic()
    while (waited := monotonic() - begin) < _GRACE:
        if wait_for_signal(signals, _GROUP_SLICE) and waited >= ONE_PRESS:
            return
        if not waiter.is_alive() and not user_process.is_group_alive(child):
            return
