"""Leases on keys, so that processes that share a store never do the same work at once."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypeVar

import sqlalchemy as sa

from nas_gym.errors import NASGymError
from nas_gym.evaluators.store.owner import Owner
from nas_gym.evaluators.store.schema import LEASES, chunks, insert_new

LEASE_SECONDS = 60.0
RELEASE_PATIENCE = 5.0

R = TypeVar("R")

Finished = Callable[[sa.Connection, Sequence[str]], Collection[str]]

_log = logging.getLogger(__name__)


class Run(Protocol):
    """Gives what a function does in a transaction, which is done again where the connection was lost."""

    def __call__(self, change: Callable[[sa.Connection], R], *, patience: float | None = None) -> R: ...


class _Lease(NamedTuple):
    name: str
    owner: str
    expires: float


class Leases:
    """The leases of a database.

    A lease is a row: a name, its owner, and when it expires, in seconds since 1970 by the one clock
    of the database (the server's; of SQLite, which is on one host, that host's), so that hosts need
    not agree on the time. While its owner works, a thread renews it. It is free for the taking once
    it has expired, or at once if its owner is known to be gone (see `Owner.is_gone`).

    Args:
        run: runs a function in a transaction.
        seconds: after which a lease that nobody renews expires.
    """

    def __init__(self, run: Run, seconds: float = LEASE_SECONDS) -> None:
        self._run = run
        self._seconds = seconds

    def clear_expired(self) -> int:
        """Remove the leases that expired and return their number; others would stay for good."""

        def clear(connection: sa.Connection) -> int:
            query = sa.select(LEASES.c.name, LEASES.c.owner, LEASES.c.expires)
            rows = connection.execute(query.where(LEASES.c.expires < clock(connection))).all()
            self._clear(connection, [_Lease(*row) for row in rows])
            return len(rows)

        return self._run(clear)

    @contextmanager
    def held(self, names: Sequence[str], finished: Finished) -> Iterator[tuple[list[str], Owner]]:
        """Hold the leases on as many of `names` as are free; none is waited for.

        Args:
            names: to lease.
            finished: which of given names need no work any more, asked once they are leased.

        Yields:
            The names held, in order, and who holds them.
        """
        owner = Owner.new()
        mine: list[str] | None = None
        try:
            mine = self._take(names, owner, finished)
            if mine:
                with self._renewed(owner):
                    yield mine, owner
            else:
                yield mine, owner
        finally:
            # A forked child that drops a copy of this iterator must not release its parent's leases.
            if mine != [] and os.getpid() == owner.pid:
                self._release(owner)

    def _take(self, names: Sequence[str], owner: Owner, finished: Finished) -> list[str]:
        held, gone = self._run(lambda connection: self._look(connection, names))
        free = [name for name in names if name not in held]

        def take(connection: sa.Connection) -> set[str]:
            self._clear(connection, gone)
            self._insert(connection, free, owner)
            query = sa.select(LEASES.c.name).where(LEASES.c.owner == str(owner))
            mine = list(connection.execute(query).scalars())  # another process may have taken some meanwhile
            # Whoever held one may have finished it between the caller's look and this one.
            done = set(finished(connection, mine))
            for part in chunks(sorted(done)):
                connection.execute(sa.delete(LEASES).where(LEASES.c.name.in_(part)))
            return set(mine) - done

        taken = self._run(take) if free else set()
        return [name for name in free if name in taken]

    def _look(self, connection: sa.Connection, names: Sequence[str]) -> tuple[set[str], list[_Lease]]:
        """Return the names of `names` that others hold, and the leases among them whose owners are gone."""
        held, gone = set(), []
        for part in chunks(names):
            expired = (LEASES.c.expires < clock(connection)).label("expired")
            query = sa.select(LEASES.c.name, LEASES.c.owner, LEASES.c.expires, expired)
            for *columns, has_expired in connection.execute(query.where(LEASES.c.name.in_(part))):
                lease = _Lease(*columns)
                if has_expired or _is_gone(lease.owner):
                    gone.append(lease)
                else:
                    held.add(lease.name)
        return held, gone

    def _clear(self, connection: sa.Connection, gone: Sequence[_Lease]) -> None:
        """Remove leases; not those renewed since they were looked at."""
        for lease in sorted(gone):
            same = (LEASES.c.owner == lease.owner) & (LEASES.c.expires == lease.expires)
            connection.execute(sa.delete(LEASES).where((LEASES.c.name == lease.name) & same))

    def _insert(self, connection: sa.Connection, names: Sequence[str], owner: Owner) -> None:
        values = {"name": sa.bindparam("lease"), "owner": str(owner), "expires": self._end(connection)}
        # In one order everywhere, lest two processes wait for each other's rows.
        rows = [{"lease": name} for name in sorted(names)]
        connection.execute(insert_new(connection, LEASES).values(values), rows)

    def _end(self, connection: sa.Connection) -> sa.ColumnElement[Any]:
        return clock(connection) + self._seconds

    def _release(self, owner: Owner) -> None:
        mine = sa.delete(LEASES).where(LEASES.c.owner == str(owner))

        def release(connection: sa.Connection) -> None:
            connection.execute(mine)

        try:
            self._run(release, patience=RELEASE_PATIENCE)
        except NASGymError as error:
            # What the work raised, or that it is done, matters more; the leases expire.
            _log.warning("leases could not be released and are left to expire: %s", error)

    @contextmanager
    def _renewed(self, owner: Owner) -> Iterator[None]:
        """Renew an owner's leases in a thread."""
        stop = threading.Event()
        thread = threading.Thread(target=self._renew, args=(owner, stop), name="nas-gym leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            if os.getpid() == owner.pid:
                stop.set()
                thread.join()

    def _renew(self, owner: Owner, stop: threading.Event) -> None:
        mine = sa.update(LEASES).where(LEASES.c.owner == str(owner))

        def renew(connection: sa.Connection) -> None:
            connection.execute(mine.values(expires=self._end(connection)))

        wait = self._seconds / 4
        while not stop.wait(wait):
            try:
                self._run(renew, patience=0)
                wait = self._seconds / 4
            except NASGymError as error:
                # At worst another process repeats the work; the first result stored stays.
                _log.warning("leases could not be renewed, which is tried again: %s", error)
                wait = min(1.0, self._seconds / 16)


def clock(connection: sa.Connection) -> sa.ColumnElement[Any]:
    """Return the time by the database's clock, in seconds since 1970, for a statement."""
    if connection.dialect.name == "postgresql":
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
    return sa.literal(time.time(), sa.Double)


def _is_gone(owner: str) -> bool:
    """Return whether an owner certainly works no more; of one that cannot be read the lease expires."""
    try:
        return Owner.parse(owner).is_gone()
    except ValueError:
        return False
