"""Named ways for the service to break the contract."""

from __future__ import annotations

from retry_contract.service.faults import cutover, payload, refusals, state, timing
from retry_contract.service.faults.model import Fault

__all__ = ["FAULTS", "Fault"]

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for family in (payload, state, refusals, cutover, timing)
    for fault in family.FAULTS
}
