"""The store: results that are never computed twice, in a database that processes share."""

from __future__ import annotations

import json
import os
import threading
import time
import weakref
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from nas_gym._shared import Shared
from nas_gym.evaluators.evaluation import Evaluation
from nas_gym.evaluators.store import schema
from nas_gym.evaluators.store.database import address, connect, reported
from nas_gym.evaluators.store.leases import LEASE_SECONDS, Leases
from nas_gym.evaluators.store.owner import Owner
from nas_gym.evaluators.store.schema import EVALUATIONS, LEASES, Records, digest

POLL_SECONDS = 0.05

T = TypeVar("T")

Key = Mapping[str, Any]


class Store(Shared):
    """Results by key, in any database that SQLAlchemy reaches.

    A result is stored the moment it is there, in one transaction, so that killing the process
    loses none. The value first stored is the value. Several processes and threads may share a
    store; a forked child opens a connection of its own, and a pickle holds the address (with its
    password); of ``"memory"`` both are empty.

    Args:
        spec: ``"user"`` (SQLite in the platform's cache folder), ``"memory"`` (or SQLite's
            ``":memory:"``), a path of an SQLite file, or an SQLAlchemy URL.
        lease_seconds: after which a key that a vanished host was working on is free again.

    Raises:
        NASGymError: if the spec names no database, or one that is not a store or cannot be used.
    """

    def __init__(self, spec: str | Path = "user", *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._address = address(spec)
        self._lease_seconds = lease_seconds
        self._inherited: list[sa.Engine] = []
        self._open()

    @property
    def spec(self) -> str:
        """What names the store in configurations and messages; a password is masked."""
        return self._address.shown

    def compute(
        self,
        records: Records[T],
        keys: Sequence[Key],
        work: Callable[[list[int]], Iterator[tuple[int, T]]],
    ) -> Iterator[tuple[int, T, bool]]:
        """Look up results, compute the missing ones, and wait for those that others compute.

        Keys are leased while they are worked on; a process never waits while it holds one. If the
        work raises, what is finished stays and the leases are released.

        Args:
            records: the kind of result.
            keys: JSON-able, each all that its result depends on; repeated ones are computed once.
            work: computes the results of the keys at the positions it is given, giving (index in
                those positions, result) as each is finished.

        Yields:
            (position in `keys`, result, whether it was there without working for this position).
        """
        positions: dict[str, list[int]] = {}
        for position, key in enumerate(keys):
            positions.setdefault(digest(key), []).append(position)
        missing = list(positions)
        while missing:
            with self._transaction() as connection:
                found = records.read(connection, missing)
            done = set(found)
            for name, result in found.items():
                yield from ((position, result, True) for position in positions[name])
            for name, result in self._work(records, _without(missing, done), keys, positions, work):
                done.add(name)
                first, *others = positions[name]
                yield first, result, False
                yield from ((position, result, True) for position in others)
            missing = _without(missing, done)
            if not done:
                time.sleep(POLL_SECONDS)

    def evaluations(self, task: str | None = None) -> Iterator[tuple[dict[str, Any], Evaluation]]:
        """Yield all stored evaluations with their keys, those of one task's fingerprint if it is given."""
        table = EVALUATIONS.table
        query = sa.select(table).order_by(table.c.created, table.c.key)
        if task is not None:
            query = query.where(table.c.task == task)
        with self._transaction() as connection:
            rows = connection.execute(query).all()
        return ((json.loads(row.key_json), EVALUATIONS.result(row)) for row in rows)

    def close(self) -> None:
        """Close the connections; a store in memory is lost.

        A store that is asked again opens again, one in memory empty.
        """
        self._finalizer()

    def _work(
        self,
        records: Records[T],
        names: Sequence[str],
        keys: Sequence[Key],
        positions: Mapping[str, Sequence[int]],
        work: Callable[[list[int]], Iterator[tuple[int, T]]],
    ) -> Iterator[tuple[str, T]]:
        """Compute and store the results that nobody else computes, giving (name, result)."""
        if not names:
            return
        leases = {records.lease(name): name for name in names}
        with self._leases.held(list(leases), partial(_finished, records, leases)) as (held, owner):
            mine = [leases[lease] for lease in held]
            left = set(mine)
            for index, result in work([positions[name][0] for name in mine]) if mine else ():
                name = mine[index]
                left.discard(name)
                yield name, self._save(records, keys[positions[name][0]], result, owner)
            if left:
                raise RuntimeError(f"{len(left)} of {len(mine)} requests were left without a result")

    def _save(self, records: Records[T], key: Key, result: T, owner: Owner) -> T:
        """Store a result and end its lease; gives the result that is stored from now on."""
        row = records.row(key, result)
        name = row["key"]
        ended = sa.delete(LEASES).where(
            (LEASES.c.name == records.lease(name)) & (LEASES.c.owner == str(owner))
        )
        try:
            with self._transaction() as connection:
                connection.execute(sa.insert(records.table), row)
                connection.execute(ended)
        except IntegrityError:
            with self._transaction() as connection:
                connection.execute(ended)
                stored = records.read(connection, [name])
            if name not in stored:
                raise
            return stored[name]
        return result

    def _open(self) -> None:
        self._pid = os.getpid()
        self._turn = threading.RLock()
        self._engine = connect(self._address)
        self._leases = Leases(self._transaction, self._lease_seconds)
        # Nobody has to close a store: what it opened ends with it.
        self._finalizer = weakref.finalize(self, _dispose, self._engine, self._pid)
        try:
            with reported(self._address):
                schema.create(self._engine, self._address)
            self._leases.clear_expired()
        except BaseException:
            self._finalizer()
            raise

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if os.getpid() != self._pid:
            # A connection must not be used, nor closed, on both sides of a fork.
            self._inherited.append(self._engine)
            self._open()
        elif not self._finalizer.alive:
            self._open()
        with reported(self._address), ExitStack() as stack:
            if self._address.in_memory:
                stack.enter_context(self._turn)  # threads share the one connection
            yield stack.enter_context(self._engine.begin())

    def __getstate__(self) -> dict[str, Any]:
        return {"_address": self._address, "_lease_seconds": self._lease_seconds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _inherited=[])
        self._open()

    def __repr__(self) -> str:
        return f"<store {self.spec}>"


def _dispose(engine: sa.Engine, pid: int) -> None:
    if os.getpid() == pid:
        engine.dispose()


def make_store(spec: str | Path | Store) -> Store:
    """Build a store from ``"user"``, ``"memory"``, a path or an SQLAlchemy URL, or take it as it is.

    Raises:
        NASGymError: as `Store`.
    """
    return spec if isinstance(spec, Store) else Store(spec)


def _without(names: Sequence[str], done: Container[str]) -> list[str]:
    """Return the names that are not done, in order."""
    return [name for name in names if name not in done]


def _finished(
    records: Records[T], names: Mapping[str, str], connection: sa.Connection, leases: Sequence[str]
) -> set[str]:
    """Return which of `leases` are on results that are stored."""
    stored = records.read(connection, [names[lease] for lease in leases])
    return {lease for lease in leases if names[lease] in stored}
