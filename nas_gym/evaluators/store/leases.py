"""Leases on keys, so that processes that share a store never do the same work at once."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from nas_gym.errors import NASGymError
from nas_gym.evaluators.store.owner import Owner
from nas_gym.evaluators.store.schema import LEASES, chunks

LEASE_SECONDS = 60.0

Transaction = Callable[[], AbstractContextManager[sa.Connection]]
Finished = Callable[[sa.Connection, Sequence[str]], Collection[str]]

_log = logging.getLogger(__name__)


class _Lease(NamedTuple):
    name: str
    owner: str
    expires: float


class Leases:
    """The leases of a database.

    A lease is a row: a name, its owner, and when it expires, in seconds since 1970 by the owner's
    clock (hosts that share a store agree on the time to within some seconds). While its owner
    works, a thread renews it. It is free for the taking once it has expired, or at once if its
    owner is known to be gone (see `Owner.is_gone`).

    Args:
        transaction: opens a transaction.
        seconds: after which a lease that nobody renews expires.
    """

    def __init__(self, transaction: Transaction, seconds: float = LEASE_SECONDS) -> None:
        self._transaction = transaction
        self._seconds = seconds

    def clear_expired(self) -> None:
        """Remove the leases that expired; those on keys that nobody asks for again would stay."""
        with self._transaction() as connection:
            query = sa.select(LEASES.c.name, LEASES.c.owner, LEASES.c.expires)
            rows = connection.execute(query.where(LEASES.c.expires < time.time())).all()
            self._clear(connection, [_Lease(*row) for row in rows])

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
        while True:
            held, gone = self._look(names)
            free = [name for name in names if name not in held]
            if not free:
                return []
            try:
                with self._transaction() as connection:
                    self._clear(connection, gone)
                    self._insert(connection, free, owner)
                    # Whoever held one may have finished it between the caller's look and this one.
                    done = finished(connection, free)
                    for part in chunks(list(done)):
                        connection.execute(sa.delete(LEASES).where(LEASES.c.name.in_(part)))
            except IntegrityError:
                continue  # another process took one meanwhile: look again
            return [name for name in free if name not in done]

    def _look(self, names: Sequence[str]) -> tuple[set[str], list[_Lease]]:
        """Return the names of `names` that others hold, and the leases among them whose owners are gone."""
        now = time.time()
        held, gone = set(), []
        with self._transaction() as connection:
            for part in chunks(names):
                query = sa.select(LEASES.c.name, LEASES.c.owner, LEASES.c.expires)
                for row in connection.execute(query.where(LEASES.c.name.in_(part))):
                    lease = _Lease(*row)
                    if lease.expires < now or _is_gone(lease.owner):
                        gone.append(lease)
                    else:
                        held.add(lease.name)
        return held, gone

    def _clear(self, connection: sa.Connection, gone: Sequence[_Lease]) -> None:
        """Remove leases; not those renewed since they were looked at."""
        for lease in gone:
            same = (LEASES.c.owner == lease.owner) & (LEASES.c.expires == lease.expires)
            connection.execute(sa.delete(LEASES).where((LEASES.c.name == lease.name) & same))

    def _insert(self, connection: sa.Connection, names: Sequence[str], owner: Owner) -> None:
        expires = time.time() + self._seconds
        # In one order everywhere, lest two processes wait for each other's rows.
        rows = [{"name": name, "owner": str(owner), "expires": expires} for name in sorted(names)]
        connection.execute(sa.insert(LEASES), rows)

    def _release(self, owner: Owner) -> None:
        with self._transaction() as connection:
            connection.execute(sa.delete(LEASES).where(LEASES.c.owner == str(owner)))

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
        while not stop.wait(self._seconds / 4):
            try:
                with self._transaction() as connection:
                    mine = sa.update(LEASES).where(LEASES.c.owner == str(owner))
                    connection.execute(mine.values(expires=time.time() + self._seconds))
            except NASGymError as error:
                # At worst another process repeats the work; the first result stored stays.
                _log.warning("leases could not be renewed: %s", error)


def _is_gone(owner: str) -> bool:
    """Return whether an owner certainly works no more; of one that cannot be read the lease expires."""
    try:
        return Owner.parse(owner).is_gone()
    except ValueError:
        return False
