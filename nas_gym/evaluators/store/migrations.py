"""Stores of earlier versions, changed in place into the present one; no result is lost."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa


def migrate(engine: sa.Engine, versions: sa.Table) -> None:
    """Bring a store up to date, step by step, once whatever other processes do.

    Args:
        engine: of a store whose tables exist.
        versions: the table that holds the version of the store.
    """
    for version, change in sorted(MIGRATIONS.items()):
        with engine.begin() as connection:
            # The first to write the new version holds the row until all is changed; others wait for it.
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


MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {1: _from_1}
