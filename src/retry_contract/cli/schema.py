"""`schema`: prints a contract's schema for validators and code generators."""

import argparse
import json
from typing import Any

from retry_contract.choices import unknown_name
from retry_contract.cli.output import write_text
from retry_contract.cli.subcommand import Subcommand
from retry_contract.contract.catalogue import KINDS, Catalogue, Kind, catalogue
from retry_contract.outcome import ExitCode, UsageError


def run(options: argparse.Namespace) -> int:
    """Print one document."""
    document = _document(options, catalogue())
    write_text([json.dumps(document, indent=2) + "\n"])
    return ExitCode.KEPT


def _document(options: argparse.Namespace, contracts: Catalogue) -> dict[str, Any]:
    from retry_contract.contract import bundle

    aliases = [period.alias for period in contracts.timeline]
    either = options.contract == "either"
    if not either and options.contract not in {*aliases, *contracts}:
        raise UsageError(
            unknown_name("contract", options.contract, [*aliases, "either"], also=contracts)
        )
    if options.openapi:
        return _openapi(options, contracts, " or ".join(aliases))
    kind = _kind(options.response or "retry")
    try:
        if either:
            return (bundle.flatten_either if options.flat else bundle.bundle_either)(
                contracts, kind
            )
        return (bundle.flatten if options.flat else bundle.bundle)(
            contracts[options.contract], kind
        )
    except RecursionError:
        raise UsageError("--flat: the schema refers to itself, so it needs $ref") from None


def _openapi(options: argparse.Namespace, contracts: Catalogue, known: str) -> dict[str, Any]:
    from retry_contract.contract.openapi import openapi

    if options.contract == "either":
        raise UsageError(f"--openapi is a document of one contract: give {known}, not either")
    if options.flat:
        raise UsageError("--openapi names its schemas by $ref: leave out --flat")
    if options.response is not None:
        raise UsageError("--openapi has every response: leave out --response")
    return openapi(contracts[options.contract])


def _kind(word: str) -> Kind:
    for kind in KINDS:
        if word == kind:
            return kind
    raise UsageError(f"--response {unknown_name('response', word, KINDS)}")


COMMAND = Subcommand(
    *("schema", run, "print one self-contained JSON Schema, or OpenAPI document"),
    "example: retry-contract schema after > retry.schema.json",
    (
        ("contract", "before|after|either", ""),
        ("--response", "KIND", f"{', '.join(KINDS)} (default: retry)"),
        ("--flat", "", "without $ref, for code generators that do better without"),
        ("--openapi", "", "one self-contained OpenAPI document, of before or after"),
    ),
)
