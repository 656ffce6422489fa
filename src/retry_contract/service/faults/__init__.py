"""Named ways for the service to break the contract."""

from itertools import chain

from retry_contract.service.faults import cutover, payload, refusals, state
from retry_contract.service.faults.model import Fault, read_faults

__all__ = ["FAULTS", "Fault"]

_TESTED = (read_faults(room.FAULTS) for room in (payload, state, refusals, cutover))
_PACES = read_faults(payload.PACES, testable=False)
FAULTS: dict[str, Fault] = {f.name: f for f in (*chain.from_iterable(_TESTED), *_PACES)}
"""The faults by name. `Sandbox.switch` wraps the service in this order, the first one innermost."""
