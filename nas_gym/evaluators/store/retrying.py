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


def persist(attempt: Callable[[], R], patience: float = PATIENCE_SECONDS, *, was_reached: bool = True) -> R:
    """Return what a function gives; it is called again while what stops it may pass.

    Args:
        attempt: does a whole transaction, and may do it again where the answer to a commit was lost.
        patience: seconds from the first failure on until it is raised; 0 for a single attempt.
        was_reached: whether the server was reached before. If not, one that is not there, or refuses a
            login, is not waited for: the URL may be wrong.
    """
    wait, deadline = FIRST_WAIT, None
    while True:
        try:
            return attempt()
        except DBAPIError as error:
            deadline = time.monotonic() + patience if deadline is None else deadline
            if not may_pass(error, was_reached=was_reached) or time.monotonic() >= deadline:
                raise
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


def may_pass(error: DBAPIError, *, was_reached: bool) -> bool:
    """Return whether a failure may pass; none of SQLite's, which waits for locks itself."""
    state = getattr(error.orig, "sqlstate", "")
    if state is None:  # what the client noticed, not what the server said
        is_lost = error.connection_invalidated or "the database system is" in str(error.orig)
        return is_lost or (was_reached and isinstance(error, OperationalError))
    return bool(state) and state.startswith(PASSING)
