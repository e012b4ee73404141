"""The store: results that are never computed twice, in a database that processes share."""

from __future__ import annotations

import json
import os
import threading
import time
import weakref
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from nas_gym._shared import Shared
from nas_gym.errors import StoreError
from nas_gym.evaluators.evaluation import Evaluation
from nas_gym.evaluators.store import schema
from nas_gym.evaluators.store.database import address, connect, reported
from nas_gym.evaluators.store.files import export_file, import_file
from nas_gym.evaluators.store.info import StoreInfo, chosen, info_of
from nas_gym.evaluators.store.keys import digest
from nas_gym.evaluators.store.leases import LEASE_SECONDS, Leases
from nas_gym.evaluators.store.merging import MergeReport, OnProgress, merge
from nas_gym.evaluators.store.owner import Owner
from nas_gym.evaluators.store.pruning import PruneReport, prune
from nas_gym.evaluators.store.retrying import PATIENCE_SECONDS, persist
from nas_gym.evaluators.store.schema import EVALUATIONS, LEASES, Records

FIRST_POLL, LONGEST_POLL = 0.05, 0.5
"""Seconds between looks at what others compute: more and more rarely, lest many clients busy a server."""

PAGE = 1000  # rows that are read at a time

_reached = set[str]()
"""Addresses of stores that this process has opened: a server that is away for a while is waited for."""

R = TypeVar("R")
T = TypeVar("T")

Key = Mapping[str, Any]


class Store(Shared):
    """Results by key, in an SQLite file or a PostgreSQL database.

    A result is stored the moment it is there, in one transaction, so that killing the process
    loses none. The value first stored is the value. Several processes and threads may share a
    store; a forked child opens a connection of its own, and a pickle holds the address (with its
    password); of ``"memory"`` both are empty. A server that drops connections or is started again is
    waited for, up to a minute.

    Args:
        spec: ``"user"`` (SQLite in the platform's cache folder), ``"memory"`` (or SQLite's
            ``":memory:"``), a path of an SQLite file, or a URL ``postgresql://user@host/database``.
        lease_seconds: after which a key that a vanished host was working on is free again.

    Raises:
        NASGymError: if the spec names no database, or one that is not a store or cannot be used.
    """

    def __init__(self, spec: str | Path = "user", *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._address = address(spec)
        self._lease_seconds = lease_seconds
        self._inherited: list[sa.Engine] = []
        url = self._address.url.render_as_string(hide_password=False)
        with reported(self._address):
            persist(self._open, was_reached=url in _reached)
        _reached.add(url)

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
        wait = FIRST_POLL
        while missing:
            found = self._found(records, missing)
            done = set(found)
            for name, result in found.items():
                yield from ((position, result, True) for position in positions[name])
            for name, result in self._work(records, _without(missing, done), keys, positions, work):
                done.add(name)
                first, *others = positions[name]
                yield first, result, False
                yield from ((position, result, True) for position in others)
            missing = _without(missing, done)
            if done:
                wait = FIRST_POLL
            else:
                time.sleep(wait)
                wait = min(1.5 * wait, LONGEST_POLL)

    def evaluations(self, task: str | None = None) -> Iterator[tuple[dict[str, Any], Evaluation]]:
        """Yield all stored evaluations with their keys, those of one task's fingerprint if it is given.

        They come in the order of their storing, read from the database as they are drawn.
        """
        table = EVALUATIONS.table
        query = sa.select(table).order_by(table.c.created, table.c.key)
        if task is not None:
            numbers = self.run(lambda connection: chosen(connection, lambda setting: setting["task"] == task))
            query = query.where(table.c.setting.in_(numbers))
        for rows in self.pages(query):
            yield from ((json.loads(row.key_json), EVALUATIONS.result(row)) for row in rows)

    def info(self) -> StoreInfo:
        """Return what the store holds: rows by setting, its size, and leases."""
        return info_of(self)

    def merge(
        self, *sources: str | Path | Store, keep: bool = False, on_progress: OnProgress | None = None
    ) -> MergeReport:
        """Take over all results of other stores.

        A key that is here with the same value is left alone. So is one whose value is as near as
        trainings on one GPU are to each other; how many and how far is told. Results under other
        numerics have other keys and stand beside those that are here.

        Args:
            sources: stores, or what names them.
            keep: whether the values that are here stay where those of a source differ, in place of an
                error.
            on_progress: told how many rows of how many are done.

        Raises:
            NASGymError: if a result of a source has another value than the one here under the same key;
                nothing of that source is then taken over, what the sources before it gave stays.
        """
        stores = [each if isinstance(each, Store) else existing_store(each) for each in sources]
        return merge(self, stores, keep=keep, on_progress=on_progress)

    def export_file(
        self, path: str | Path, *, final_scores: bool = False, on_progress: OnProgress | None = None
    ) -> int:
        """Write all evaluations into a new file ``.parquet`` (zstd) or ``.csv``, a row each.

        Args:
            path: the file; it appears when it is whole.
            final_scores: whether the scores on test examples are written in place of the evaluations.
            on_progress: as in `merge`.

        Returns:
            The number of rows.

        Raises:
            NASGymError: if the file exists, has another ending or cannot be written.
        """
        return export_file(self, path, final_scores=final_scores, on_progress=on_progress)

    def import_file(
        self, path: str | Path, *, keep: bool = False, on_progress: OnProgress | None = None
    ) -> MergeReport:
        """Take over the rows of a file that `export_file` wrote, as `merge` takes over those of a store.

        Raises:
            NASGymError: if the file or a row of it is damaged, or as in `merge`; nothing is then taken over.
        """
        return import_file(self, path, keep=keep, on_progress=on_progress)

    def prune(
        self,
        *,
        older_than: timedelta | None = None,
        task: str | None = None,
        engine: int | None = None,
        expired_leases: bool = False,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
    ) -> PruneReport:
        """Remove the evaluations and final scores that meet every given condition.

        Args:
            older_than: least age of the results.
            task: fingerprint of their task, or its beginning.
            engine: version of the engine that trained them.
            expired_leases: whether leases that nobody renews are removed, too.
            dry_run: whether they are only counted.
            on_progress: as in `merge`.

        Raises:
            NASGymError: if nothing is given, or the task is not one of the store's.
        """
        return prune(
            self,
            older_than=older_than,
            task=task,
            engine=engine,
            expired_leases=expired_leases,
            dry_run=dry_run,
            on_progress=on_progress,
        )

    def clear_expired_leases(self) -> int:
        """Remove the leases that nobody renews, and return their number."""
        return self._leases.clear_expired()

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

    def _found(self, records: Records[T], names: Sequence[str]) -> dict[str, T]:
        return self.run(lambda connection: records.read(connection, names))

    def _save(self, records: Records[T], key: Key, result: T, owner: Owner) -> T:
        """Store a result and end its lease; gives the result that is stored from now on."""
        row = records.row(key, result)
        name = row["key"]
        ended = sa.delete(LEASES).where(
            (LEASES.c.name == records.lease(name)) & (LEASES.c.owner == str(owner))
        )

        def save(connection: sa.Connection) -> T:
            added = records.add(connection, [row])
            connection.execute(ended)
            return result if added else records.read(connection, [name])[name]

        return self.run(save)

    def run(self, change: Callable[[sa.Connection], R], *, patience: float | None = None) -> R:
        """Return what a function does in a transaction of its own.

        Args:
            change: runs statements; it may be called again where the connection was lost in the middle.
            patience: seconds for which a lost server is waited for; a minute if None.
        """

        def attempt() -> R:
            with self._transaction() as connection:
                return change(connection)

        with reported(self._address):
            return persist(attempt, PATIENCE_SECONDS if patience is None else patience)

    def pages(self, query: sa.Select[Any]) -> Iterator[Sequence[sa.Row[Any]]]:
        """Yield the rows of a query, some at a time, as they were when it began."""
        if self._address.in_memory:
            # There is one connection, which others use in between.
            rows = self.run(lambda connection: connection.execute(query).all())
            yield from (rows[start : start + PAGE] for start in range(0, len(rows), PAGE))
            return
        self.run(_reach)
        with reported(self._address), self._transaction() as connection:
            yield from connection.execution_options(yield_per=PAGE).execute(query).partitions(PAGE)

    def _open(self) -> None:
        engine = connect(self._address)
        try:
            schema.create(engine, self._address)
        except BaseException:
            engine.dispose()
            raise
        self._engine, self._pid, self._turn = engine, os.getpid(), threading.RLock()
        self._leases = Leases(self.run, self._lease_seconds)
        # Nobody has to close a store: what it opened ends with it.
        self._finalizer = weakref.finalize(self, _dispose, self._engine, self._pid)
        try:
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
        with ExitStack() as stack:
            if self._address.in_memory:
                stack.enter_context(self._turn)  # threads share the one connection
            yield stack.enter_context(self._engine.begin())

    def __getstate__(self) -> dict[str, Any]:
        return {"_address": self._address, "_lease_seconds": self._lease_seconds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _inherited=[])
        with reported(self._address):
            persist(self._open, was_reached=False)

    def __repr__(self) -> str:
        return f"<store {self.spec}>"


def _dispose(engine: sa.Engine, pid: int) -> None:
    if os.getpid() == pid:
        engine.dispose()


def make_store(spec: str | Path | Store) -> Store:
    """Build a store from ``"user"``, ``"memory"``, a path or a PostgreSQL URL, or take it as it is.

    Raises:
        NASGymError: as `Store`.
    """
    return spec if isinstance(spec, Store) else Store(spec)


def store_is_there(spec: str | Path) -> bool:
    """Return whether something is where a spec points, without making a store there.

    Raises:
        NASGymError: as `Store`.
    """
    place = address(spec)
    with reported(place):
        return schema.is_there(place)


def existing_store(spec: str | Path) -> Store:
    """Open a store that is there already.

    Raises:
        NASGymError: if there is none, or as `Store`.
    """
    if not store_is_there(spec):
        raise StoreError(f"there is no store at {address(spec).shown}: pass one that a search wrote")
    return Store(spec)


def _reach(connection: sa.Connection) -> None:
    """Do nothing in a transaction, which connects again where the connection was lost."""


def _without(names: Sequence[str], done: Container[str]) -> list[str]:
    """Return the names that are not done, in order."""
    return [name for name in names if name not in done]


def _finished(
    records: Records[T], names: Mapping[str, str], connection: sa.Connection, leases: Sequence[str]
) -> set[str]:
    """Return which of `leases` are on results that are stored."""
    stored = records.read(connection, [names[lease] for lease in leases])
    return {lease for lease in leases if names[lease] in stored}
