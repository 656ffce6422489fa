"""The service as the team that runs it would have it: FastAPI on uvicorn, and SQLite.

It is written from the public facts alone, and knows nothing of the kit and its model. It serves on
loopback, in threads of the calling process; what it does can be changed while it runs.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from support.team import states
from support.team.app import PREFIX, Settings, application
from support.team.balancer import balance
from support.team.bugs import BUGS
from support.team.serving import serve_application, silence
from support.team.store import Store

__all__ = ["BUGS", "Team", "serve"]


@dataclass(frozen=True)
class Team:
    """What the service's team knows of it, and can change while it runs.

    `contracts` has one of "before" and "after" for each instance. `bugs` are names of `BUGS`.
    """

    url: str
    key: str = field(repr=False)
    revoked_key: str = field(repr=False)
    campaign: str
    foreign_key: str = field(repr=False)
    foreign_campaign: str
    contracts: list[str]
    bugs: set[str]
    database: Path

    def new_message(self, state: str) -> str | None:
        """Put a message in a state into the database, and return its id.

        It changes by requests only. Returns None for a state that is not known.
        """
        return states.add_message(str(self.database), state)

    def write_states(self, folder: Path) -> Path:
        """Write a plugin of pytest that provides messages in every known state."""
        source = f"{inspect.getsource(states)}\n\nDATABASE = {str(self.database)!r}\n"
        file = folder / "states.py"
        file.write_text(source, encoding="utf-8")
        return file


@contextlib.contextmanager
def serve(
    *,
    instances: int = 1,
    balancer: Literal["connection", "request"] | None = None,
    contracts: Sequence[str] = ("after",),
    bugs: Collection[str] = (),
    delivery: float = 0.02,
) -> Iterator[Team]:
    """Serve until the block is left.

    `contracts` are one for each instance, or one for all. Without a balancer the first instance is
    reached. `delivery` is the time in seconds from a send to its failure.
    """
    served = list(contracts) * (instances if len(contracts) == 1 else 1)
    switched, refusals = set(bugs), itertools.count(1)
    with contextlib.ExitStack() as stack:
        stack.enter_context(silence(switched))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        store = Store(Path(folder, "messages.sqlite"))
        own, foreign = store.add_campaign("own"), store.add_campaign("foreign")
        ports = []
        for number in range(instances):
            contract = partial(served.__getitem__, number)
            settings = Settings(store, delivery, switched, contract, partial(next, refusals))
            ports.append(stack.enter_context(serve_application(application(settings))))
        port = stack.enter_context(balance(balancer, ports)) if balancer else ports[0]
        yield Team(
            url=f"http://127.0.0.1:{port}{PREFIX}",
            key=own.key,
            revoked_key=own.revoked_key,
            campaign=own.id,
            foreign_key=foreign.key,
            foreign_campaign=foreign.id,
            contracts=served,
            bugs=switched,
            database=store.path,
        )
