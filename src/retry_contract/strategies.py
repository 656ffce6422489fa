"""Hypothesis strategies for replies that keep a contract, and for replies that nearly do."""

from __future__ import annotations

from retry_contract.fuzz.near_misses import NearMiss, near_misses
from retry_contract.fuzz.payloads import (
    error_replies,
    retrieve_responses,
    retry_responses,
    single_send_responses,
)

__all__ = [
    "NearMiss",
    "error_replies",
    "near_misses",
    "retrieve_responses",
    "retry_responses",
    "single_send_responses",
]
