"""What a run says to GitHub's runner: annotations, and the job summary.

A runner obeys a line that begins with `::`, so all else that is printed is kept from it
(`privacy/disarm.py`). Its commands are made here alone, of texts that are disarmed first.
"""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retry_contract import new_file
from retry_contract.outcome import Outcome, Verdict
from retry_contract.privacy.disarm import disarm
from retry_contract.report.causes import Cause, causes
from retry_contract.report.markdown import plain
from retry_contract.report.text import verdict_line

SHOWN = 9
"""How many causes have an annotation: a step shows ten errors, and the tenth counts the rest."""

LARGEST_SUMMARY = 1_000_000
"""In bytes. A runner discards a summary of more than 1,048,576 as a whole."""

_CUT = (
    "\n**The summary was cut here, at 1,000,000 bytes.** The log of the job has the outcome, and "
    "`--report DIR` writes all of it.\n"
)


@dataclass(frozen=True)
class Annotation:
    """What a runner shows at a job: a title of one line, and a text of several."""

    level: Literal["error", "warning"]
    title: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        title = _escape(disarm(self.title)).replace(":", "%3A").replace(",", "%2C")
        text = _escape("\n".join(map(disarm, self.lines)))
        return f"::{self.level} title={title}::{text}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def annotations(outcome: Outcome) -> tuple[Annotation, ...]:
    """Return an annotation of each cause; of another outcome than kept, one that says why."""
    found = tuple(map(_of_cause, causes(outcome)))
    if found or outcome.verdict is Verdict.KEPT:
        return bounded_annotations(found)
    return (refusal("retry-contract", outcome.verdict, verdict_line(outcome)),)


def refusal(name: str, verdict: Verdict, reason: str) -> Annotation:
    """Return the annotation of a run without a cause: a warning if it tested nothing."""
    level: Literal["error", "warning"] = "error"
    if verdict is Verdict.NOT_TESTED:  # whether that fails the job is for the pipeline to say
        level = "warning"
    return Annotation(level, f"{name}: {verdict}", (reason,))


def refusal_summary(name: str, verdict: Verdict, reason: str) -> str:
    """Return the job summary of a command that has no outcome to show."""
    return f"## {name}: {verdict}\n\n{plain(reason)}\n"


def _of_cause(cause: Cause) -> Annotation:
    lines = (
        f"expected {cause.violation.expected}",
        f"seen in {'; '.join(cause.responses)} ({cause.contract})",
        f"breaks {', '.join(cause.rules)}",
    )
    return Annotation("error", f"retry-contract: {cause.violation.what}", lines)


def bounded_annotations(found: Sequence[Annotation]) -> tuple[Annotation, ...]:
    """Return as many annotations as a runner shows; the last counts those that are left out."""
    shown, more = tuple(found[:SHOWN]), len(found[SHOWN:])
    if not more:
        return shown
    rest = f"and {more:,} more cause{'' if more == 1 else 's'}"
    where = "the log and the job summary say more; --report DIR writes report.json"
    return (*shown, Annotation("error", f"retry-contract: {rest}", (where,)))


def cut_summary(text: str, held: int = 0) -> bytes:
    """Return a summary as bytes, cut at a line so that a file that holds some stays small enough.

    Nothing is returned if not even the line that says so goes in.
    """
    content, room = text.encode("utf-8", "backslashreplace"), LARGEST_SUMMARY - held
    if len(content) <= room:
        return content
    kept = content[: max(0, room - len(_CUT.encode()))]
    end = kept.rfind(b"\n") + 1
    return kept[:end] + _CUT.encode() if end else b""


def append_summary(text: str, environment: Mapping[str, str]) -> str | None:
    """Append a summary to the file of the step, if there is one; return what went wrong, if so."""
    name = environment.get("GITHUB_STEP_SUMMARY", "")
    if not name:
        return None
    try:
        held = _size(Path(name))
        content = cut_summary(f"\n{text}", held)
        if not content:
            return "the job summary is full: nothing was added to it"
        new_file.append(Path(name), content)
    except OSError as error:
        return f"the job summary was not written: {error.strerror or type(error).__name__}"
    return None


def _size(file: Path) -> int:
    """Return the size of a file that may be absent. Raises OSError if it is a pipe or device."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for its reader
        raise OSError(0, "GITHUB_STEP_SUMMARY names no regular file")
    return found.st_size
