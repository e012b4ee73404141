"""Taking over the results of other stores and files: what is there stays, and what differs is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nas_gym.errors import ConfigError, StoreError
from nas_gym.evaluators.store.schema import EVALUATIONS, FINAL_SCORES, Records, chunks

if TYPE_CHECKING:
    from nas_gym.evaluators.store.store import Store

OnProgress = Callable[[int, int], None]
Row = Mapping[str, Any]

REPEATS_WITHIN = 0.02
"""How far two trainings on one GPU may be apart: sums round in another order, which training amplifies."""

NAMED = 3  # of the rows that differ

# Measured by the clock, so that they differ from run to run.
BY_THE_CLOCK = ("seconds", "created")


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What became of the rows that were to be taken over.

    Attributes:
        added: rows that were not there and are now.
        same: rows that were there with the same value.
        near: rows that were there with another value, as far apart as trainings on one GPU may be (a score
            difference of 0.02 at most); the value that was there stays.
        kept: rows that were there with yet another value; the value that was there stays, as asked for.
        largest: largest difference of two scores among `near` and `kept`.
    """

    added: int = 0
    same: int = 0
    near: int = 0
    kept: int = 0
    largest: float = 0.0

    def __add__(self, other: MergeReport) -> MergeReport:
        return MergeReport(
            added=self.added + other.added,
            same=self.same + other.same,
            near=self.near + other.near,
            kept=self.kept + other.kept,
            largest=max(self.largest, other.largest),
        )

    def __str__(self) -> str:
        parts = [f"{self.added:,} added", f"{self.same:,} there with the same value"]
        if self.near:
            parts.append(f"{self.near:,} there with a value as near as a GPU repeats it")
        if self.kept:
            parts.append(f"{self.kept:,} there with another value, which stays")
        apart = f" (scores differ by {self.largest:.4g} at most)" if self.near or self.kept else ""
        return ", ".join(parts) + apart


@dataclass
class Comparison:
    """Rows against those of a store.

    Attributes:
        new: rows that are not in the store.
        same, near: counts as in `MergeReport`.
        differing: of each other row, what of it differs and how, in words.
        largest: as in `MergeReport`.
    """

    new: list[Row] = field(default_factory=list)
    same: int = 0
    near: int = 0
    differing: list[str] = field(default_factory=list)
    largest: float = 0.0

    def see(self, row: Row, stored: Row | None) -> None:
        """Compare one row with the one of the same key, if there is one."""
        if stored is None:
            self.new.append(row)
            return
        columns = [name for name in row if not _agree(name, row[name], stored[name])]
        if not columns:
            self.same += 1
            return
        score = "score" if "score" in row else "test_score"
        apart = abs(row[score] - stored[score])
        self.largest = max(self.largest, apart)
        if _on_gpu(row) and row["status"] == stored["status"] and apart <= REPEATS_WITHIN:
            self.near += 1
        else:
            column = columns[0]
            values = f"{column} {_shown(stored[column])} and not {_shown(row[column])}"
            self.differing.append(f"{row['architecture']} with seed {row['seed']} has {values}")


def merge(
    into: Store, sources: Sequence[Store], *, keep: bool = False, on_progress: OnProgress | None = None
) -> MergeReport:
    """Take over the results of other stores, one after the other; see `Store.merge`."""
    for source in sources:
        if source.spec == into.spec:
            raise ConfigError(f"the store {into.spec} cannot be merged into itself: pass another one")
    sizes = {
        (source, kind): _rows(source, kind) for source in sources for kind in (EVALUATIONS, FINAL_SCORES)
    }
    report, done, total = MergeReport(), 0, sum(sizes.values())
    for (source, kind), rows in sizes.items():
        report += take_over(
            into,
            kind,
            lambda source=source, kind=kind: _pages(source, kind),  # type: ignore[misc]
            f"the store {source.spec}",
            keep=keep,
            on_progress=_later(on_progress, done, total, 2 * rows),
        )
        done += rows
    return report


def take_over(
    into: Store,
    records: Records[Any],
    pages: Callable[[], Iterable[Sequence[Row]]],
    source: str,
    *,
    keep: bool = False,
    on_progress: Callable[[int], object] = int,
) -> MergeReport:
    """Add rows to a store: all of them are compared first, so that nothing is written where values differ.

    Args:
        into: receives the rows.
        records: kind of the rows.
        pages: gives the rows, some at a time, each time it is called.
        source: where they are from, in words.
        keep: whether rows with another value are counted and left out, in place of an error.
        on_progress: told of how many more rows were passed; each is passed twice.

    Raises:
        NASGymError: if rows have another value than those of the same keys in the store.
    """
    differing: list[str] = []
    count = 0
    for page in pages():
        found = _compared(into, records, page)
        differing = [*differing, *found.differing][:NAMED]
        count += len(found.differing)
        on_progress(len(page))
    if count and not keep:
        more = "" if count <= NAMED else f" and {count - NAMED:,} more"
        raise StoreError(
            f"{count:,} rows of {source} have another value than the rows of the same keys in the store "
            f"{into.spec} (here {'; '.join(differing)}{more}): nothing of it was taken over; find out which "
            "is right, or keep the values that are there with --keep (keep=True)"
        )
    report = MergeReport()
    for page in pages():
        report += _added(into, records, page)
        on_progress(len(page))
    return report


def _added(into: Store, records: Records[Any], page: Sequence[Row]) -> MergeReport:
    def add(connection: sa.Connection) -> MergeReport:
        found = _against(connection, records, page)
        added = records.add(connection, found.new) if found.new else 0
        if added < len(found.new):
            # Another process was first, or a file has a key twice: what is there now has the last word.
            later = _against(connection, records, found.new)
            found.same += later.same - added
            found.near += later.near
            found.differing += later.differing
            found.largest = max(found.largest, later.largest)
        return MergeReport(added, found.same, found.near, len(found.differing), found.largest)

    return into.run(add)


def _compared(into: Store, records: Records[Any], page: Sequence[Row]) -> Comparison:
    return into.run(lambda connection: _against(connection, records, page))


def _against(connection: sa.Connection, records: Records[Any], page: Sequence[Row]) -> Comparison:
    table, stored = records.table, dict[str, Any]()
    for part in chunks([row["key"] for row in page]):
        rows = connection.execute(sa.select(table).where(table.c.key.in_(part))).mappings()
        stored.update((row["key"], row) for row in rows)
    found = Comparison()
    for row in page:
        found.see(row, stored.get(row["key"]))
    return found


def _agree(column: str, one: Any, other: Any) -> bool:
    # Stores of version 1 recorded no metrics.
    return column in BY_THE_CLOCK or one == other or (column == "metrics" and None in (one, other))


def _on_gpu(row: Row) -> bool:
    return str(row["numerics"]).startswith(("cuda", "mps", "xpu"))


def _shown(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _rows(store: Store, records: Records[Any]) -> int:
    query = sa.select(sa.func.count()).select_from(records.table)
    return store.run(lambda connection: connection.execute(query).scalar_one())


def _pages(store: Store, records: Records[Any]) -> Iterator[Sequence[Row]]:
    for rows in store.pages(sa.select(records.table)):
        yield [dict(row._mapping) for row in rows]


def _later(on_progress: OnProgress | None, before: int, total: int, passes: int) -> Callable[[int], None]:
    """Return what tells the progress of one source among several, whose rows are passed twice."""
    passed = 0

    def tell(rows: int) -> None:
        nonlocal passed
        passed += rows
        if on_progress is not None:
            on_progress(before + min(passed, passes) // 2, total)

    return tell


def parsed(text: str) -> Any:
    """Return the value of a JSON text; unlike ``json.loads`` it refuses NaN and infinity."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
