"""Faults in how a response is delivered: nothing is broken by it, and nothing can be tested."""

from __future__ import annotations

from dataclasses import replace

from retry_contract.service.faults.model import Fault, Wrap, responses
from retry_contract.service.http import Pace


def _paced(pace: Pace) -> Wrap:
    return responses(lambda response: replace(response, pace=pace))


FAULTS = (
    Fault(
        "response-drips",
        "An accepted retry is answered a byte at a time, slower than anyone waits.",
        None,
        _paced("drip"),
        testable=False,
    ),
    Fault(
        "response-stalls",
        "An accepted retry is answered with headers, and then nothing.",
        None,
        _paced("stall"),
        testable=False,
    ),
    Fault(
        "no-response",
        "An accepted retry is answered by nothing at all, and the connection stays open.",
        None,
        _paced("silent"),
        testable=False,
    ),
    Fault(
        "connection-reset",
        "The connection is reset once a retry was accepted.",
        None,
        _paced("reset"),
        testable=False,
    ),
)
