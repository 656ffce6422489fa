"""Plays a plan by one call of curl: `by_curl.py CURL OPTION... BASE`, see ../http_plan.py."""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from pathlib import Path

TOLD = ("allow", "content-type", "retry-after")
DONE = "%{http_code} %{errormsg}"


def options_of(line: str, number: int, folder: Path, base: str, more: list[str]) -> list[str]:
    """Return the part of a file of options that asks for one row."""
    method, url, heads, body, ways = line.rstrip("\n").split("\t")
    asked = ["--head"] if method == "HEAD" else ["--request", method]
    given = [head for head in heads.split("|") if head]
    if body != "-":
        (folder / f"{number}.sent").write_bytes(base64.b64decode(body[1:]))
        asked += ["--data-binary", f"@{folder / f'{number}.sent'}"]
    if "chunked" in ways:
        given.append("Transfer-Encoding: chunked")
    if "expect" in ways:
        given.append("Expect: 100-continue")
    if "proxy" in ways:
        asked += ["--proxy", base]
    for header in given:
        asked += ["--header", header]
    asked += ["--max-time", "10", "--output", str(folder / f"{number}.body")]
    asked += ["--dump-header", str(folder / f"{number}.head"), "--write-out", f"{DONE}\\n"]
    return [*more, *asked, url]


def told(number: int, method: str, line: str, folder: Path) -> str:
    """Return the answer to a row. The last head is that after `100 Continue`."""
    status, _, why = line.partition(" ")
    if why or status == "000":
        return f"-\t{line}\t"
    heads = (folder / f"{number}.head").read_text("latin-1").strip().split("\n\n")
    fields = dict(field.split(": ", 1) for field in heads[-1].split("\n")[1:])
    known = {name.lower(): value for name, value in fields.items()}
    headers = "|".join(f"{name}: {known[name]}" for name in TOLD if name in known)
    read = folder / f"{number}.body"  # to a HEAD, curl writes the head there
    body = read.read_bytes() if read.exists() and method != "HEAD" else b""
    return f"{status}\t{headers}\t{base64.b64encode(body).decode()}"


def main(curl: str, *words: str) -> None:
    *more, base = words
    plan = sys.stdin.read().splitlines()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asked = [options_of(line, n, folder, base, more) for n, line in enumerate(plan)]
        command = [curl, "--disable", "--silent"]
        for number, options in enumerate(asked):
            command += ["--next", "--silent", *options] if number else options
        done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False)
        for number, line in enumerate(done.stdout.splitlines()):
            print(told(number, plan[number].partition("\t")[0], line, folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
