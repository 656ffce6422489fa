"""How the sandbox is after 10,000 connections that were opened and left, and a million retries.

Prints how long the controls take to answer meanwhile and afterwards, and how much the process has
grown, a message and a retry. Needs Linux, whose /proc has the sizes.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox import HELD, Target, make_messages, sandbox

CONNECTIONS, RETRIES = 10_000, 1_000_000


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name)) as target:
        place = urlsplit(target["URL"])
        control, process = f"http://{place.netloc}/_sandbox", listening(place.port or 0)
        make_messages(target)
        report(f"{HELD} messages", control, process)
        with contextlib.ExitStack() as held:
            for number in range(CONNECTIONS):
                client = held.enter_context(socket.create_connection(("127.0.0.1", place.port)))
                client.sendall(b"POST /api" * (number % 2))
            report(f"{CONNECTIONS} connections held", control, process)
        report("and left", control, process)
        slowest = watch(control)
        for _ in range(0, RETRIES, HELD):
            make_messages(target)
            retry_all(target, place.port or 0)
        report("a million retries", control, process)
        print(f"slowest of the controls meanwhile: {1000 * slowest():.0f} ms")


def retry_all(target: Target, port: int) -> None:
    """Retry each message once, a hundred requests at a time on one connection."""
    messages = Path(target["MESSAGES"]).read_text(encoding="utf-8").splitlines()
    head = f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {target['KEY']}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as client:
        for first in range(0, len(messages), 100):
            some = messages[first : first + 100]
            lines = (f"POST {target['PREFIX']}{message}/retry{head}" for message in some)
            client.sendall("".join(lines).encode())
            accepted, received = 0, b""
            while accepted < len(some):
                received += client.recv(1 << 20)
                accepted += received.count(b"HTTP/1.1 201 Created")
                # What a piece may end with is counted with the next one.
                received = received[-(len(b"HTTP/1.1 201 Created") - 1) :]


def report(what: str, control: str, process: int) -> None:
    """Print what the controls take, and the size of the process."""
    took = [answer(control) for _ in range(50)]
    size = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    median, worst = 1000 * statistics.median(took), 1000 * max(took)
    print(f"{what:<28}{median:>7.1f} ms, at most {worst:.1f}{size / 1e6:>9.1f} MB", flush=True)


def answer(control: str) -> float:
    """Return how long the controls take to answer, in seconds."""
    began = time.perf_counter()
    with urllib.request.urlopen(control + "/") as response:
        json.load(response)
    return time.perf_counter() - began


def watch(control: str) -> Any:
    """Ask the controls again and again. Returns what stops it and gives the slowest answer."""
    ended, took = threading.Event(), [0.0]

    def ask() -> None:
        while not ended.wait(0.05):
            took.append(answer(control))

    thread = threading.Thread(target=ask)
    thread.start()

    def stop() -> float:
        ended.set()
        thread.join()
        return max(took)

    return stop


def listening(port: int) -> int:
    """Return the process that listens at a port."""
    said = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True)
    return int(said.stdout.partition("pid=")[2].partition(",")[0])


if __name__ == "__main__":
    main()
