"""Stores of earlier versions, changed in place into the present one; no result is lost."""

from __future__ import annotations

import json
from collections.abc import Callable

import sqlalchemy as sa

from nas_gym.evaluators.store.keys import setting_of

PAGE = 10_000


def migrate(connection: sa.Connection, versions: sa.Table) -> None:
    """Bring a store up to date, step by step.

    Args:
        connection: in a transaction that no other process can be in at once, see `schema.create`.
        versions: the table that holds the version of the store.
    """
    for version, change in sorted(MIGRATIONS.items()):
        taken = connection.execute(
            sa.update(versions).where(versions.c.version == version).values(version=version + 1)
        )
        if taken.rowcount:
            change(connection)


def _from_1(connection: sa.Connection) -> None:
    """Name the scores, which were called accuracies, and give them other metrics beside."""
    for table, old, new in (
        ("nas_gym_evaluations", "accuracy", "score"),
        ("nas_gym_final_scores", "validation_accuracy", "validation_score"),
        ("nas_gym_final_scores", "test_accuracy", "test_score"),
    ):
        connection.execute(sa.text(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"))
    for table in ("nas_gym_evaluations", "nas_gym_final_scores"):
        connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN metrics TEXT"))


def _from_2(connection: sa.Connection) -> None:
    """Number the settings, so that results are counted by a small index in place of one of long texts."""
    for table in ("nas_gym_evaluations", "nas_gym_final_scores"):
        connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN setting BIGINT DEFAULT 0 NOT NULL"))
        _number_settings(connection, table)
        connection.execute(sa.text(f"CREATE INDEX ix_{table}_setting ON {table} (setting)"))
        connection.execute(sa.text(f"DROP INDEX IF EXISTS ix_{table}_task"))


def _number_settings(connection: sa.Connection, table: str) -> None:
    page = sa.text(
        f"SELECT key, key_json FROM {table} WHERE key > :last ORDER BY key LIMIT {PAGE}"  # noqa: S608
    )
    number = sa.text(f"UPDATE {table} SET setting = :setting WHERE key = :key")  # noqa: S608
    note = sa.text(
        "INSERT INTO nas_gym_settings (id, setting) VALUES (:id, :setting) ON CONFLICT (id) DO NOTHING"
    )
    last = ""
    while rows := connection.execute(page, {"last": last}).all():
        last = rows[-1].key
        settings = {row.key: setting_of(json.loads(row.key_json)) for row in rows}
        connection.execute(note, [{"id": each, "setting": text} for each, text in set(settings.values())])
        connection.execute(number, [{"key": key, "setting": each} for key, (each, _) in settings.items()])


MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {1: _from_1, 2: _from_2}
