"""Hypothesis strategies for responses that keep a contract, and for responses that nearly do."""

from retry_contract.fuzz.near_misses import NearMiss, near_misses
from retry_contract.fuzz.payloads import (
    error_responses,
    retrieve_responses,
    retry_responses,
    single_send_responses,
)

__all__ = [
    "NearMiss",
    "error_responses",
    "near_misses",
    "retrieve_responses",
    "retry_responses",
    "single_send_responses",
]
