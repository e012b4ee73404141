"""Going on where the connection to a database was lost, or its server is started again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, OperationalError

PATIENCE_SECONDS = 60.0
"""How long a server may be away in the middle of work; a restart takes seconds."""

FIRST_WAIT, LONGEST_WAIT = 0.05, 1.0

# SQLSTATE of a lost connection, a server that stops or starts, too many clients, and two transactions
# that wait for each other, of which one is ended.
PASSING = ("08", "57P", "53300", "40001", "40P01")

R = TypeVar("R")


def persist(attempt: Callable[[], R], patience: float = PATIENCE_SECONDS) -> R:
    """Return what a function gives; it is called again while what stops it may pass.

    Args:
        attempt: does a whole transaction, and may do it again where the answer to a commit was lost.
        patience: seconds from the first failure on until it is raised; 0 for a single attempt.
    """
    wait, deadline = FIRST_WAIT, None
    while True:
        try:
            return attempt()
        except DBAPIError as error:
            deadline = time.monotonic() + patience if deadline is None else deadline
            if not may_pass(error) or time.monotonic() >= deadline:
                raise
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


def may_pass(error: DBAPIError) -> bool:
    """Return whether a failure may pass; none of SQLite's, which waits for locks itself."""
    state = getattr(error.orig, "sqlstate", "")
    if state is None:  # what the client noticed, not what the server said
        return isinstance(error, OperationalError) or error.connection_invalidated
    return bool(state) and state.startswith(PASSING)
