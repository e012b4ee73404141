"""Removing results from a store by age, task or engine, and leases that expired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nas_gym.errors import ConfigError
from nas_gym.evaluators.store.info import chosen
from nas_gym.evaluators.store.leases import clock
from nas_gym.evaluators.store.schema import EVALUATIONS, FINAL_SCORES, LEASES, chunks

if TYPE_CHECKING:
    from nas_gym.evaluators.store.store import Store


@dataclass(frozen=True, slots=True)
class PruneReport:
    """How much was removed, or would be in a dry run.

    Attributes:
        evaluations: number of evaluations.
        final_scores: number of scores on test examples.
        leases: number of expired leases.
    """

    evaluations: int
    final_scores: int
    leases: int


def prune(
    store: Store,
    *,
    older_than: timedelta | None = None,
    task: str | None = None,
    engine: int | None = None,
    expired_leases: bool = False,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> PruneReport:
    """Remove the results that meet every given condition; see `Store.prune`."""
    by_rows = (older_than, task, engine) != (None, None, None)
    if not by_rows and not expired_leases:
        raise ConfigError(
            "prune needs to know what to remove: pass an age, a task, an engine or the expired leases"
        )
    evaluations = final_scores = 0
    if by_rows:
        conditions = _conditions(store, older_than, task, engine)
        tables = (EVALUATIONS.table, FINAL_SCORES.table)
        kinds = [(table, sa.and_(*(each(table) for each in conditions))) for table in tables]
        evaluations, final_scores = (_count(store, table, condition) for table, condition in kinds)
        done = 0
        for table, condition in [] if dry_run else kinds:
            for page in store.pages(sa.select(table.c.key).where(condition)):
                keys = [row.key for row in page]
                store.run(partial(_delete, table=table, keys=keys))
                done += len(keys)
                if on_progress is not None:
                    on_progress(done, evaluations + final_scores)
    leases = 0
    if expired_leases:
        leases = store.run(_expired) if dry_run else store.clear_expired_leases()
    return PruneReport(evaluations, final_scores, leases)


def _conditions(
    store: Store, older_than: timedelta | None, task: str | None, engine: int | None
) -> list[Callable[[sa.Table], sa.ColumnElement[bool]]]:
    conditions: list[Callable[[sa.Table], sa.ColumnElement[bool]]] = []
    if older_than is not None:
        if older_than < timedelta(0):
            raise ConfigError("an age is not negative: pass one such as 90 days")
        before = datetime.now(UTC).replace(tzinfo=None) - older_than
        conditions.append(lambda table: table.c.created < before)
    if task is not None or engine is not None:
        fingerprint = None if task is None else _fingerprint(store, task)

        def wanted(setting: dict[str, Any]) -> bool:
            right_task = fingerprint is None or setting["task"] == fingerprint
            return right_task and (engine is None or setting["engine"] == engine)

        numbers = store.run(lambda connection: chosen(connection, wanted))
        conditions.append(lambda table: table.c.setting.in_(numbers))
    return conditions


def _fingerprint(store: Store, task: str) -> str:
    """Return the fingerprint in the store that begins with a text."""
    tasks = {each.task for each in store.info().settings}
    found = sorted(each for each in tasks if task and each.startswith(task))
    if len(found) != 1:
        what = f"{len(found)} tasks" if found else "no task"
        raise ConfigError(
            f"the store {store.spec} has {what} whose fingerprint begins with {task!r}: pass the beginning "
            "of one that nas-gym store info lists"
        )
    return found[0]


def _count(store: Store, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(condition)
    return store.run(lambda connection: connection.execute(query).scalar_one())


def _delete(connection: sa.Connection, table: sa.Table, keys: list[str]) -> None:
    for part in chunks(keys):
        connection.execute(sa.delete(table).where(table.c.key.in_(part)))


def _expired(connection: sa.Connection) -> int:
    query = sa.select(sa.func.count()).select_from(LEASES).where(LEASES.c.expires < clock(connection))
    return connection.execute(query).scalar_one()
