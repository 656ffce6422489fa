"""One call that a client made: what it met, and what it answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.client.stage import Call, Visit
from retry_contract.consumer.readings import OWN, without
from retry_contract.service.sandbox import AUTO


@dataclass(frozen=True)
class Made:
    """One call that was made: the client's answer to it, None if it was not tried any more.

    `first` says that no other call was made before it in its process.
    """

    call: Call
    visit: Visit
    answer: Answer | None
    leaked: bool
    first: bool = False

    @property
    def exited(self) -> bool:
        """Whether the client ended the program as one that succeeded does: a return of 0."""
        return self.answer is not None and self.answer.exits_well

    @property
    def returned(self) -> bool:
        """Whether the client returned something, and did not raise."""
        return self.exited or (self.answer is not None and self.answer.kind is Kind.READ)

    @property
    def raised(self) -> bool:
        """Whether the client raised an error."""
        refused = self.answer is not None and self.answer.kind is Kind.REFUSED
        return refused and not self.exited

    @property
    def hung(self) -> bool:
        """Whether there was no answer in time, and not for the number of requests."""
        hung = self.answer is not None and self.answer.kind is Kind.HUNG
        return hung and not self.visit.endless()

    @property
    def succeeded(self) -> bool:
        """Whether the client returned from a retry that was accepted, and had to be."""
        return self.call.expects == "accepted" and self.returned and self.visit.accepted()

    @property
    def reading(self) -> Any:
        """What was returned, as JSON values without the message's id."""
        return without(self.whole, OWN)

    @property
    def whole(self) -> Any:
        """The same, with what an object of the client's own classes may be asked for, and keeps."""
        if self.exited:
            return 0
        return self.without_id(self.answer.read if self.answer else None)

    def without_id(self, value: Any) -> Any:
        """Return JSON values with a name in place of the message's id, which no other call has."""
        return json.loads(json.dumps(value).replace(self.visit.message, ":messageId"))


@dataclass(frozen=True)
class Known:
    """What all calls together say: the whole of what was returned after accepted retries.

    `reads_old` says that the reply of the older contract was read, `reads_new` that of the newer.
    """

    accepted: tuple[Any, ...] = ()
    reads_old: bool = False
    reads_new: bool = False


def known(before: Made, calls: Sequence[Made]) -> Known:
    """Return what calls say, of which one is the call by the older contract."""
    succeeded = [made for made in calls if made.succeeded]
    newer = any(made.call.contract not in (before.call.contract, AUTO) for made in succeeded)
    return Known(tuple(made.whole for made in succeeded), before.succeeded, newer)
