"""Says to GitHub's runner what a command found, where it runs in a job of GitHub Actions."""

import contextlib
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from retry_contract import environment
from retry_contract.cli.output import complain, write_text
from retry_contract.outcome import Outcome, Verdict

if TYPE_CHECKING:
    from retry_contract.consumer.readiness import Readiness
    from retry_contract.report.github import Annotation

_COMMANDS = ("retry-contract verify", "retry-contract consumer")


def show_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Write the annotations and the job summary of a run. Raises UsageError as `write_text`."""
    if environment.is_github():
        from retry_contract.report.github import annotations
        from retry_contract.report.summary import summary

        _publish("retry-contract verify", annotations(outcome), summary(outcome), as_json=as_json)


def show_readiness(found: "Readiness", *, as_json: bool) -> None:
    """Write the annotations and the job summary of a check. Raises UsageError as `write_text`."""
    if environment.is_github():
        from retry_contract.report.readiness_annotations import readiness_annotations
        from retry_contract.report.readiness_report import readiness_summary

        text = readiness_summary(found)
        _publish("retry-contract consumer", readiness_annotations(found), text, as_json=as_json)


def show_refusal(name: str, reason: str, verdict: Verdict) -> None:
    """Write why `verify` or `consumer` has no outcome."""
    if name in _COMMANDS and environment.is_github():
        from retry_contract.report.github import refusal, refusal_summary

        text = refusal_summary(name, verdict, reason)
        _publish(name, [refusal(name, verdict, reason)], text, as_json=True)


def _publish(name: str, annotations: "Iterable[Annotation]", text: str, *, as_json: bool) -> None:
    from retry_contract.report.github import append_summary

    # As they are, and not by `write_lines`: these are the commands that the runner is to obey.
    lines = [f"{annotation}\n" for annotation in annotations]
    if as_json:
        with contextlib.suppress(OSError):
            sys.stderr.writelines(lines)
    else:
        write_text(lines)
    if problem := append_summary(text, environment.original()):
        complain(f"{name}: {problem}")
