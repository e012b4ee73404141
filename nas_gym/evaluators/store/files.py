"""Results of a store in Parquet and CSV files, there and back."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from math import isfinite
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nas_gym._files import UNFINISHED, writing
from nas_gym.errors import ConfigError, DataError
from nas_gym.evaluators.store.merging import MergeReport, Row, parsed, take_over
from nas_gym.evaluators.store.schema import EVALUATIONS, FINAL_SCORES, Records

if TYPE_CHECKING:
    from nas_gym.evaluators.store.store import Store

OnProgress = Callable[[int, int], None]

PAGE = 1000
LONGEST_FIELD = 2**27  # characters of a CSV field; a key may hold a large network
SUFFIXES = (".parquet", ".csv")
STATUSES = ("ok", "failed")


def export_file(
    store: Store, path: str | Path, *, final_scores: bool = False, on_progress: OnProgress | None = None
) -> int:
    """Write the results of a store into a file and return their number; see `Store.export_file`."""
    path = Path(path)
    _check_suffix(path)
    if path.exists():
        raise ConfigError(f"{path} exists already: remove it, or write another file")
    records = FINAL_SCORES if final_scores else EVALUATIONS
    total = store.run(
        lambda connection: connection.execute(
            sa.select(sa.func.count()).select_from(records.table)
        ).scalar_one()
    )
    columns = _columns(records)
    done = 0
    with _whole(path) as unfinished, _writer(unfinished, path.suffix, columns) as write:
        for page in store.pages(sa.select(*columns)):
            write([dict(row._mapping) for row in page])
            done += len(page)
            if on_progress is not None:
                on_progress(done, max(done, total))
    return done


def import_file(
    store: Store, path: str | Path, *, keep: bool = False, on_progress: OnProgress | None = None
) -> MergeReport:
    """Take over the results of a file that `export_file` wrote; see `Store.import_file`."""
    path = Path(path)
    records = _kind(path)
    passed = 0

    def tell(rows: int) -> None:
        nonlocal passed
        passed += rows
        if on_progress is not None:
            on_progress(passed, max(passed, total))

    total = 2 * _length(path)
    return take_over(
        store, records, lambda: _checked(path, records), f"the file {path}", keep=keep, on_progress=tell
    )


def check_export(path: str | Path) -> int:
    """Read a file that `export_file` wrote, and return the number of its rows.

    Raises:
        NASGymError: if the file or a row of it is damaged.
    """
    path = Path(path)
    return sum(map(len, _checked(path, _kind(path))))


def _kind(path: Path) -> Records[Any]:
    """Return the kind of results that a file has the columns of."""
    _check_suffix(path)
    if not path.is_file():
        raise DataError(f"there is no file {path}: pass one that nas-gym store export wrote")
    names = set(_names(path))
    kinds: Sequence[Records[Any]] = (EVALUATIONS, FINAL_SCORES)
    for records in kinds:
        if {each.name for each in _columns(records)} <= names:
            return records
    lacking = sorted({each.name for each in _columns(EVALUATIONS)} - names)
    raise DataError(
        f"{path} is no export of a store, it lacks the columns {', '.join(lacking)}: pass a file that "
        "nas-gym store export wrote"
    )


def _columns(records: Records[Any]) -> list[sa.Column[Any]]:
    """Return the columns of a file: all but the number of the setting, which the key gives."""
    return [column for column in records.table.columns if column.name != "setting"]


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path} is neither .parquet nor .csv: give the file one of these endings")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give the path of a file to write, which takes its name when it is whole and is removed otherwise."""
    unfinished = path.with_name(path.name + UNFINISHED)
    with writing(path):
        try:
            yield unfinished
            os.replace(unfinished, path)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise


@contextmanager
def _writer(
    path: Path, suffix: str, columns: Sequence[sa.Column[Any]]
) -> Iterator[Callable[[list[dict[str, Any]]], object]]:
    names = [column.name for column in columns]
    if suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, names)
            rows.writeheader()
            yield lambda page: rows.writerows([row | {"created": row["created"].isoformat()} for row in page])
        return
    pa, parquet = _pyarrow()
    types = {sa.DateTime: pa.timestamp("us"), sa.Double: pa.float64(), sa.BigInteger: pa.int64()}
    types |= {sa.Integer: pa.int64()}
    schema = pa.schema([(each.name, types.get(type(each.type), pa.string())) for each in columns])
    with parquet.ParquetWriter(path, schema, compression="zstd") as file:
        yield lambda page: file.write_batch(pa.RecordBatch.from_pylist(page, schema=schema))


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            "Parquet files need the package pyarrow: pip install 'nas-gym[data]', or use a .csv file"
        ) from error
    return pyarrow, parquet


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what is wrong with a file as a whole into one sentence."""
    try:
        yield
    except (csv.Error, UnicodeError) as error:
        raise DataError(f"{path} cannot be read as CSV ({_reason(error)}): export it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({_reason(error)}): export it again") from error


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@contextmanager
def _parquet(path: Path) -> Iterator[Any]:
    pa, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except pa.ArrowException as error:
        raise DataError(f"{path} cannot be read as Parquet ({_reason(error)}): export it again") from error


@contextmanager
def _csv(path: Path) -> Iterator[csv.DictReader[str]]:
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            yield csv.DictReader(file, strict=True)
    finally:
        csv.field_size_limit(before)


def _names(path: Path) -> list[str]:
    with _readable(path):
        if path.suffix == ".csv":
            with _csv(path) as rows:
                return list(rows.fieldnames or [])
        with _parquet(path) as file:
            return list(file.schema_arrow.names)


def _length(path: Path) -> int:
    """Return the number of rows, of a CSV file that of its lines, which is at least as large."""
    with _readable(path):
        if path.suffix == ".csv":
            with path.open("rb") as file:
                return max(0, sum(1 for _ in file) - 1)
        with _parquet(path) as file:
            return int(file.metadata.num_rows)


def _pages(path: Path) -> Iterator[list[dict[str, Any]]]:
    with _readable(path):
        if path.suffix == ".csv":
            with _csv(path) as rows:
                page = []
                for row in rows:
                    page.append(row)
                    if len(page) == PAGE:
                        yield page
                        page = []
                if page:
                    yield page
            return
        with _parquet(path) as file:
            for batch in file.iter_batches(batch_size=PAGE):
                yield batch.to_pylist()


def _checked(path: Path, records: Records[Any]) -> Iterator[list[Row]]:
    """Yield the rows of a file as a store has them.

    Raises:
        NASGymError: for the first row that is no result of its key.
    """
    columns = _columns(records)
    number = 0
    for page in _pages(path):
        checked = []
        for row in page:
            number += 1
            try:
                checked.append(_row(row, columns, records))
            except (KeyError, TypeError, ValueError, RecursionError) as error:
                raise DataError(
                    f"row {number} of {path} is damaged ({_reason(error)}): nothing of the file was taken "
                    "over; export it again"
                ) from error
        yield checked


def _row(row: Mapping[str, Any], columns: Sequence[sa.Column[Any]], records: Records[Any]) -> Row:
    """Return the row of a store for one of a file; all that its key says is taken from the key."""
    values = {column.name: _value(row[column.name], column) for column in columns}
    key = parsed(values["key_json"])
    if not isinstance(key, dict) or not {"architecture", "seed"} <= key.keys():
        raise ValueError("its key is no key")
    if values["status"] not in STATUSES:
        raise ValueError(f"its status is {values['status']!r}")
    if "curve" in values and not _are_numbers(parsed(values["curve"])):
        raise ValueError("its curve is no list of numbers")
    metrics = {} if values["metrics"] is None else parsed(values["metrics"])
    if not isinstance(metrics, dict) or not _are_numbers(list(metrics.values())):
        raise ValueError("its metrics are no numbers by name")
    whole = records.row(key, records.result(SimpleNamespace(**values)))
    if whole["key"] != values["key"]:
        raise ValueError("its key is not the one that its hash is of")
    for column in columns:
        if isinstance(column.type, sa.Integer):
            _check_integer(whole[column.name], column)
    return whole | {"created": values["created"]}


def _check_integer(value: Any, column: sa.Column[Any]) -> None:
    bits = 63 if isinstance(column.type, sa.BigInteger) else 31
    if value is None and column.nullable:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**bits) <= value < 2**bits:
        raise ValueError(f"its {column.name} is no integer of {bits + 1} bits")


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and set(map(type, values)) <= {int, float} and all(map(isfinite, values))


def _value(value: Any, column: sa.Column[Any]) -> Any:
    """Return a value of a file with the type of its column; a CSV file has texts."""
    if value is None or (value == "" and not isinstance(column.type, sa.String)):
        if not column.nullable:
            raise ValueError(f"its {column.name} is missing")
        return None
    if isinstance(column.type, sa.DateTime):
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return time.replace(tzinfo=None)
    if isinstance(column.type, sa.Integer):
        return int(value)
    if isinstance(column.type, sa.Double):
        number = float(value)
        if not isfinite(number):
            raise ValueError(f"its {column.name} is {value}")
        return number
    if column.nullable and value == "":
        return None
    return str(value)
