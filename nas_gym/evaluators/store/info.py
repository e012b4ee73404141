"""What a store holds: rows by setting, its size, and the leases on work in progress."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nas_gym.evaluators.store.keys import SETTING, canonical
from nas_gym.evaluators.store.leases import clock
from nas_gym.evaluators.store.schema import (
    EVALUATIONS,
    FINAL_SCORES,
    LEASES,
    METADATA,
    SCHEMA_VERSION,
    SETTINGS,
)

if TYPE_CHECKING:
    from nas_gym.evaluators.store.store import Store


@dataclass(frozen=True, slots=True)
class SettingRows:
    """How many results a store has of one setting.

    Attributes:
        task: fingerprint of the task.
        search_space: configuration of the search space as JSON.
        recipe: recipe without seeds as JSON.
        engine: version of the engine, as text.
        numerics: device, precision, torch version and processor.
        evaluations: number of evaluations, each with one seed at one fidelity.
        final_scores: number of scores on test examples.
    """

    task: str
    search_space: str
    recipe: str
    engine: str
    numerics: str
    evaluations: int
    final_scores: int


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store holds.

    Attributes:
        store: place of the store, its password masked.
        version: version of the store's tables.
        bytes: size of the tables and indices in the database.
        leases: keys that are worked on.
        expired_leases: keys whose owners renewed their leases no more.
        settings: results by setting, the largest number first.
    """

    store: str
    version: int
    bytes: int
    leases: int
    expired_leases: int
    settings: tuple[SettingRows, ...]

    @property
    def evaluations(self) -> int:
        """Number of evaluations."""
        return sum(each.evaluations for each in self.settings)

    @property
    def final_scores(self) -> int:
        """Number of scores on test examples."""
        return sum(each.final_scores for each in self.settings)

    def by(self, part: str) -> dict[str, int]:
        """Return the number of evaluations by one part of the settings, such as ``"task"``, largest first."""
        counts: Counter[str] = Counter()
        for each in self.settings:
            counts[getattr(each, part)] += each.evaluations
        return dict(counts.most_common())

    def side_by_side(self) -> list[tuple[str, ...]]:
        """Return the numerics of settings that differ in nothing else, of each such group."""
        groups: dict[tuple[str, ...], list[str]] = {}
        for each in self.settings:
            groups.setdefault((each.task, each.search_space, each.recipe, each.engine), []).append(
                each.numerics
            )
        return [tuple(sorted(numerics)) for numerics in groups.values() if len(numerics) > 1]


def info_of(store: Store) -> StoreInfo:
    """Return what a store holds, counted by the index of settings."""

    def read(connection: sa.Connection) -> StoreInfo:
        now = clock(connection)
        leases = sa.select(sa.func.count(), sa.func.count().filter(LEASES.c.expires < now)).select_from(
            LEASES
        )
        total, expired = connection.execute(leases).one()
        return StoreInfo(
            store=store.spec,
            version=SCHEMA_VERSION,
            bytes=_size(connection),
            leases=total - expired,
            expired_leases=expired,
            settings=tuple(_counted(connection)),
        )

    return store.run(read)


def chosen(connection: sa.Connection, wanted: Callable[[dict[str, Any]], bool]) -> list[int]:
    """Return the numbers of the settings that a function wants, given the parts of each."""
    rows = connection.execute(sa.select(SETTINGS.c.id, SETTINGS.c.setting))
    return [row.id for row in rows if wanted(json.loads(row.setting))]


def _counted(connection: sa.Connection) -> Sequence[SettingRows]:
    settings = connection.execute(sa.select(SETTINGS.c.id, SETTINGS.c.setting)).all()
    evaluations, final_scores = (_counts(connection, kind.table) for kind in (EVALUATIONS, FINAL_SCORES))
    counted = [
        SettingRows(
            **_texts(json.loads(row.setting)),
            evaluations=evaluations.get(row.id, 0),
            final_scores=final_scores.get(row.id, 0),
        )
        for row in settings
        if row.id in evaluations or row.id in final_scores
    ]
    return sorted(counted, key=lambda each: (-each.evaluations, each.task, each.search_space, each.recipe))


def _counts(connection: sa.Connection, table: sa.Table) -> dict[int, int]:
    query = sa.select(table.c.setting, sa.func.count()).group_by(table.c.setting)
    return {row[0]: row[1] for row in connection.execute(query)}


def _texts(setting: dict[str, Any]) -> dict[str, str]:
    return {part: _text(setting.get(part)) for part in SETTING}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical(value)


def _size(connection: sa.Connection) -> int:
    if connection.dialect.name == "postgresql":
        sizes = [sa.func.pg_total_relation_size(name) for name in METADATA.tables]
        return int(sum(connection.execute(sa.select(*sizes)).one()))
    pages, page = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")
    )
    return int(pages) * int(page)
