"""The hook for the service's team to provide messages, and the one that shows a run's progress."""

import pytest


@pytest.hookspec(firstresult=True)
def pytest_retry_contract_state(state: str) -> str | None:
    """Return the id of a message in a state, of the campaign that is tested, or None.

    The states are the message statuses (`failure`, `created`, `enqueued`, `sending`, `sent`,
    `sent_to_telco`, `success`), `batch:` followed by a batch's status (a failed message in such a
    batch), `attempts-spent` (a failed message that was tried as often as it may be), and `foreign`
    (a failed message of the campaign given as --foreign-campaign). Each call must return a message
    that no other call has returned. The messages are retried, so they should be nobody's.
    """


def pytest_retry_contract_progress(text: str) -> None:
    """Show what a run does, or waits for; called often."""
