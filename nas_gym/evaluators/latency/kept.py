"""Where measured latencies are kept: a file of their own beside the store, by machine."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nas_gym._files import writing
from nas_gym.errors import StoreError

FORMAT = 1
SUFFIX = ".latency"
BUSY_SECONDS = 60.0
TABLE = """
CREATE TABLE IF NOT EXISTS latencies (
    key TEXT PRIMARY KEY, machine TEXT NOT NULL, architecture TEXT NOT NULL, key_json TEXT NOT NULL,
    milliseconds REAL NOT NULL, spread REAL NOT NULL, created TEXT NOT NULL)
"""


class KeptLatencies:
    """Measured latencies by all that they depend on; the one first kept is the one that is given.

    A latency depends on the machine and is no pure function, so it is no part of what a store keeps of
    trainings, and no key of a training depends on it.

    Args:
        path: an SQLite file; None to keep them in memory alone.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._memory: dict[str, float] = {}

    def find(self, keys: Sequence[Mapping[str, Any]]) -> list[float | None]:
        """Return the milliseconds of each key, None where nothing was measured."""
        names = [_name(key) for key in keys]
        unknown = [name for name in dict.fromkeys(names) if name not in self._memory]
        if unknown and self.path is not None and self.path.exists():
            with self._opened() as database:
                for name in unknown:
                    row = database.execute(
                        "SELECT milliseconds FROM latencies WHERE key = ?", [name]
                    ).fetchone()
                    if row is not None:
                        self._memory[name] = row[0]
        return [self._memory.get(name) for name in names]

    def keep(self, keys: Sequence[Mapping[str, Any]], measured: Sequence[tuple[float, float]]) -> None:
        """Keep the milliseconds and the spread of each key, unless another process was first."""
        rows = [
            (
                _name(key),
                key["machine"],
                key["architecture"],
                _text(key),
                *each,
                datetime.now(UTC).isoformat(),
            )
            for key, each in zip(keys, measured, strict=True)
        ]
        if self.path is None:
            for row in rows:
                self._memory.setdefault(row[0], row[4])
            return
        with writing(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._opened() as database, database:
            database.execute(TABLE)
            database.executemany("INSERT OR IGNORE INTO latencies VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(str(self.path), timeout=BUSY_SECONDS)) as database:
                yield database
        except sqlite3.Error as error:
            raise StoreError(
                f"the latencies in {self.path} cannot be used ({error}): move the file away, and they are "
                "measured again"
            ) from error


def _text(key: Mapping[str, Any]) -> str:
    return json.dumps({**key, "format": FORMAT}, sort_keys=True, separators=(",", ":"))


def _name(key: Mapping[str, Any]) -> str:
    return hashlib.sha256(_text(key).encode()).hexdigest()
