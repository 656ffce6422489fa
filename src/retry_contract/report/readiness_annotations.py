"""What a check of a consumer says to GitHub's runner."""

import dataclasses
from collections.abc import Iterator

from retry_contract.consumer.readiness import Finding, Readiness
from retry_contract.outcome import Verdict
from retry_contract.privacy.descriptions import one_line
from retry_contract.report.github import Annotation, bounded_annotations, refusal
from retry_contract.report.readiness_text import distinct_findings, why_line


def readiness_annotations(found: Readiness) -> tuple[Annotation, ...]:
    """Return an annotation of each failure of the user's code that counts."""
    if found.verdict in (Verdict.NOT_TESTED, Verdict.USAGE_ERROR):
        return (refusal("retry-contract consumer", found.verdict, why_line(found)),)
    counted = tuple(
        outcome for outcome in found.scenarios if outcome.counts and outcome.finding is not None
    )
    failures = distinct_findings(dataclasses.replace(found, scenarios=counted))
    return bounded_annotations([_of_failure(names, finding) for names, finding in failures])


def _of_failure(names: list[str], finding: Finding) -> Annotation:
    title = f"retry-contract consumer: {finding.result} {'; '.join(names)}"
    return Annotation("error", title, tuple(map(one_line, _lines(finding))))


def _lines(finding: Finding) -> Iterator[str]:
    yield from map(str, finding.differs)
    if not finding.differs:
        yield finding.error
    if finding.where:
        yield f"at {finding.where}"
    if finding.advice:
        yield f"to do: {finding.advice}"
