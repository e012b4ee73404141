"""The tables of a store, and how results become rows and rows results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from nas_gym.errors import StoreError
from nas_gym.evaluators.evaluation import Evaluation, FinalScore
from nas_gym.evaluators.store.database import Address, connect
from nas_gym.evaluators.store.keys import canonical, setting_of
from nas_gym.evaluators.store.migrations import migrate

SCHEMA_VERSION = 3
CHUNK = 500  # databases limit the values in one statement
# Columns that say what a result is of, long ones among them, which whoever asks for a key knows.
OF_THE_KEY = frozenset(("task", "recipe", "engine", "numerics", "key_json", "created", "setting"))
ADVISORY_LOCK = 0x6E61735F67796D  # "nas_gym": of whoever makes or changes the tables of a PostgreSQL database

T = TypeVar("T")

METADATA = sa.MetaData()

_VERSION = sa.Table(
    "nas_gym_store",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
)

LEASES = sa.Table(
    "nas_gym_leases",
    METADATA,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("owner", sa.String(255), nullable=False, index=True),
    sa.Column("expires", sa.Double, nullable=False),
)


SETTINGS = sa.Table(
    "nas_gym_settings",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("setting", sa.Text, nullable=False),
)


def _key_columns() -> tuple[sa.Column[Any], ...]:
    """Return the key, whole and hashed, and its parts in readable columns."""
    return (
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("architecture", sa.Text, nullable=False),
        sa.Column("task", sa.String(64), nullable=False),
        sa.Column("recipe", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("fidelity", sa.Integer),
        sa.Column("engine", sa.Integer),
        sa.Column("numerics", sa.Text, nullable=False),
        sa.Column("key_json", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
    )


def _setting_column() -> sa.Column[Any]:
    """Return the number of the setting, by which results are counted and chosen."""
    return sa.Column("setting", sa.BigInteger, nullable=False, server_default="0", index=True)


@dataclass(frozen=True)
class Records(Generic[T]):
    """One kind of result: its table, and how results and rows become each other.

    A result's name is the hash of its key.

    Attributes:
        kind: for the names of leases.
        table: table of the kind.
        columns: the columns of a result, beside those of its key.
        result: the result of a row.
    """

    kind: str
    table: sa.Table
    columns: Callable[[T], dict[str, Any]]
    result: Callable[[Any], T]

    def lease(self, name: str) -> str:
        """Return the name of the lease on a result."""
        return f"{self.kind}:{name}"

    def read(self, connection: sa.Connection, names: Sequence[str]) -> dict[str, T]:
        """Return the stored ones among the results of `names`, by name."""
        found = {}
        for part in chunks(names):
            for row in connection.execute(self._query.where(self.table.c.key.in_(part))):
                found[row.key] = self.result(row)
        return found

    @cached_property
    def _query(self) -> sa.Select[Any]:
        return sa.select(*(each for each in self.table.columns if each.name not in OF_THE_KEY))

    def row(self, key: Mapping[str, Any], result: T) -> dict[str, Any]:
        """Return the row that stores a result."""
        text = canonical(key)
        return {
            "key": hashlib.sha256(text.encode()).hexdigest(),
            "architecture": str(key["architecture"]),
            "task": str(key.get("task", "")),
            "recipe": canonical(key.get("recipe")),
            "seed": key["seed"],
            "fidelity": key.get("fidelity"),
            "engine": key.get("engine"),
            "numerics": str(key.get("numerics", "")),
            "key_json": text,
            "created": datetime.now(UTC).replace(tzinfo=None),
            "setting": setting_of(key)[0],
        } | self.columns(result)

    def add(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert rows, those aside whose keys are there already, and return how many were inserted."""
        # In one order everywhere, lest two processes wait for each other's rows.
        ordered = sorted(rows, key=lambda row: str(row["key"]))
        one_of_each = {row["setting"]: row["key_json"] for row in ordered}
        settings = sorted(setting_of(json.loads(text)) for text in one_of_each.values())
        numbered = [{"id": number, "setting": text} for number, text in settings]
        connection.execute(insert_new(connection, SETTINGS), numbered)
        insert = insert_new(connection, self.table).execution_options(preserve_rowcount=True)
        return connection.execute(insert, ordered).rowcount


def chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield names in pieces that fit one statement."""
    return (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))


def insert_new(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return the statement that inserts rows and leaves those alone that are there."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _evaluation_columns(evaluation: Evaluation) -> dict[str, Any]:
    columns = evaluation.as_dict()
    del columns["seeds"], columns["fidelity"], columns["architecture"]
    return columns | {"curve": canonical(columns["curve"]), "metrics": canonical(columns["metrics"])}


def _evaluation(row: Any) -> Evaluation:
    return Evaluation(
        architecture=row.architecture,
        score=row.score,
        curve=tuple(json.loads(row.curve)),
        parameters=row.parameters,
        flops=row.flops,
        seconds=row.seconds,
        status=row.status,
        error=row.error,
        seeds=(row.seed,),
        fidelity=row.fidelity,
        metrics=_metrics(row),
    )


def _metrics(row: Any) -> dict[str, float]:
    return {} if row.metrics is None else dict(json.loads(row.metrics))


def _final_score_columns(score: FinalScore) -> dict[str, Any]:
    return {
        "validation_score": score.validation_score,
        "test_score": score.test_score,
        "status": score.status,
        "error": score.error,
        "metrics": canonical(dict(score.metrics)),
    }


def _final_score(row: Any) -> FinalScore:
    scores = (row.validation_score, row.test_score)
    return FinalScore(row.seed, *scores, row.status, row.error, _metrics(row))


EVALUATIONS: Records[Evaluation] = Records(
    "evaluation",
    sa.Table(
        "nas_gym_evaluations",
        METADATA,
        *_key_columns(),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("curve", sa.Text, nullable=False),
        sa.Column("parameters", sa.BigInteger, nullable=False),
        sa.Column("flops", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("metrics", sa.Text),
        _setting_column(),
    ),
    _evaluation_columns,
    _evaluation,
)

# Apart from the evaluations, so that nothing that reads those meets a test score.
FINAL_SCORES: Records[FinalScore] = Records(
    "final score",
    sa.Table(
        "nas_gym_final_scores",
        METADATA,
        *_key_columns(),
        sa.Column("validation_score", sa.Double, nullable=False),
        sa.Column("test_score", sa.Double, nullable=False),
        sa.Column("metrics", sa.Text),
        _setting_column(),
    ),
    _final_score_columns,
    _final_score,
)


def is_there(place: Address) -> bool:
    """Return whether there is a store, without making one; a file of something else counts."""
    if place.is_sqlite:
        return place.in_memory or Path(str(place.url.database)).exists()
    engine = connect(place)
    try:
        return bool(set(sa.inspect(engine).get_table_names()) & set(METADATA.tables))
    finally:
        engine.dispose()


def create(engine: sa.Engine, place: Address) -> None:
    """Make the tables where they are missing, once, also while other processes do.

    Raises:
        NASGymError: if the file holds something else, or a store of another version.
    """
    names = set(sa.inspect(engine).get_table_names())
    # A server's database may well hold other tables; a file of its own is somebody else's.
    if place.is_sqlite and names and not names & set(METADATA.tables):
        raise StoreError(
            f"the file {place.shown} is a database of something else (it holds the table {min(names)!r}): "
            "pass another path"
        )
    version: object = None
    if names >= set(METADATA.tables):
        with engine.connect() as connection:
            version = connection.execute(sa.select(_VERSION.c.version)).scalar()
    if version is None or (isinstance(version, int) and version < SCHEMA_VERSION):
        version = _make(engine)
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"the store {place.shown} has version {version!r} and this nas-gym reads version "
            f"{SCHEMA_VERSION}: pass another path or install the nas-gym that wrote it"
        )


def _make(engine: sa.Engine) -> object:
    """Make and change the tables in one transaction, for whose end other processes wait."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        METADATA.create_all(connection)
        migrate(connection, _VERSION)
        version = connection.execute(sa.select(_VERSION.c.version)).scalar()
        if version is None:
            connection.execute(sa.insert(_VERSION).values(id=1, version=SCHEMA_VERSION))
        return SCHEMA_VERSION if version is None else version
