"""Named ways for the service to break the contract."""

from itertools import chain

from retry_contract.choices import unknown_name
from retry_contract.service.faults import cutover, payload, refusals, state
from retry_contract.service.faults.model import Fault, read_faults

__all__ = ["FAULTS", "Fault", "fault_named"]

_TESTED = (read_faults(room.FAULTS) for room in (payload, state, refusals, cutover))
_PACES = read_faults(payload.PACES, testable=False)
FAULTS: dict[str, Fault] = {f.name: f for f in (*chain.from_iterable(_TESTED), *_PACES)}
"""The faults by name. `Sandbox.switch` wraps the service in this order, the first one innermost."""

_RENAMED = {
    "reply_drips": "response-drips",
    "reply_stalls": "response-stalls",
    "no_reply": "no-response",
}
"""Names of earlier versions, which users' pipelines still have, with their new ones."""


def fault_named(name: str) -> Fault:
    """Return a fault by name, with - or _. Raises LookupError, which says what was meant."""
    known = name.replace("_", "-")
    if known not in FAULTS:
        see = "retry-contract sandbox --fault list"
        raise LookupError(unknown_name("fault", name, FAULTS, renamed=_RENAMED, see=see))
    return FAULTS[known]
