"""The clock that goes on when a test stops or moves time.

The plugin imports it at the start of a session, before any test stops time.
"""

import time
from collections.abc import Callable


class _Clock:
    # In a class: freezegun replaces the functions of `time` in every module that holds one.
    monotonic: Callable[[], float] = staticmethod(time.monotonic)


def monotonic() -> float:
    """Return the seconds since some instant, as time.monotonic does."""
    return _Clock.monotonic()
