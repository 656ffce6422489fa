"""Named ways for the service to break the contract."""

from retry_contract.service.faults import cutover, payload, refusals, state
from retry_contract.service.faults.model import Fault, read_faults

__all__ = ["FAULTS", "Fault"]

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for faults in (
        *(read_faults(room.FAULTS) for room in (payload, state, refusals, cutover)),
        read_faults(payload.PACES, testable=False),
    )
    for fault in faults
}
"""The faults by name. `Sandbox.switch` wraps the service in this order, the first one innermost."""
