"""The tables of a store, and how results become rows and rows results."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from nas_gym.errors import StoreError
from nas_gym.evaluators.evaluation import Evaluation, FinalScore
from nas_gym.evaluators.store.database import Address
from nas_gym.evaluators.store.migrations import migrate

SCHEMA_VERSION = 2
ATTEMPTS = 20
CHUNK = 500  # databases limit the values in one statement

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


def _key_columns() -> tuple[sa.Column[Any], ...]:
    """Return the key, whole and hashed, and its parts in readable columns."""
    return (
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("architecture", sa.Text, nullable=False),
        sa.Column("task", sa.String(64), nullable=False, index=True),
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
            for row in connection.execute(sa.select(self.table).where(self.table.c.key.in_(part))):
                found[row.key] = self.result(row)
        return found

    def row(self, key: Mapping[str, Any], result: T) -> dict[str, Any]:
        """Return the row that stores a result."""
        return {
            "key": digest(key),
            "architecture": str(key["architecture"]),
            "task": str(key.get("task", "")),
            "recipe": canonical(key.get("recipe")),
            "seed": key["seed"],
            "fidelity": key.get("fidelity"),
            "engine": key.get("engine"),
            "numerics": str(key.get("numerics", "")),
            "key_json": canonical(key),
            "created": datetime.now(UTC).replace(tzinfo=None),
        } | self.columns(result)


def chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield names in pieces that fit one statement."""
    return (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))


def canonical(value: Any) -> str:
    """Return the one JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(key: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a key's canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(key).encode()).hexdigest()


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
    ),
    _final_score_columns,
    _final_score,
)


def create(engine: sa.Engine, place: Address) -> None:
    """Make the tables where they are missing, also while other processes do.

    Raises:
        NASGymError: if the file holds something else, or a store of another version.
    """
    for attempt in range(ATTEMPTS):
        try:
            _check_foreign(engine, place)
            METADATA.create_all(engine)
            migrate(engine, _VERSION)
            version = _version(engine)
            break
        except (sa.exc.IntegrityError, sa.exc.OperationalError, sa.exc.ProgrammingError):
            # "Already exists": another process made the same table between the look and the making.
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.02)
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"the store {place.shown} has version {version!r} and this nas-gym reads version "
            f"{SCHEMA_VERSION}: pass another path or install the nas-gym that wrote it"
        )


def _check_foreign(engine: sa.Engine, place: Address) -> None:
    names = sa.inspect(engine).get_table_names()
    # A server's database may well hold other tables; a file of its own is somebody else's.
    if place.is_sqlite and names and not set(names) & set(METADATA.tables):
        raise StoreError(
            f"the file {place.shown} is a database of something else (it holds the table {names[0]!r}): "
            "pass another path"
        )


def _version(engine: sa.Engine) -> object:
    with engine.begin() as connection:
        found = connection.execute(sa.select(_VERSION.c.version)).scalar()
        if found is None:
            connection.execute(sa.insert(_VERSION).values(id=1, version=SCHEMA_VERSION))
        return SCHEMA_VERSION if found is None else found
