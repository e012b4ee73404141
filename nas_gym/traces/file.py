"""trace.jsonl: every decision of a run, one JSON object a line, written so that a kill loses none.

The first line is the header, the last, if the run came to its end, is the end; between them a
``step`` line for each step and an ``ask`` line for each architecture asked for without a step. All
fields are reproducible: no times, nothing that a warm store changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from nas_gym._checks import from_json
from nas_gym._files import write_whole, writing
from nas_gym._lock import hold, release
from nas_gym.errors import StoreError
from nas_gym.traces.entries import flaw
from nas_gym.traces.lines import ENTRIES, KINDS, NAMES, Ask, End, Header, Line, Recording, Step
from nas_gym.traces.migrations import TRACE, Migration

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class TraceWriter:
    """Writes a trace line by line, each handed to the operating system at once.

    It holds the file from its construction on, however its process ends; `begin` empties it.

    Args:
        path: the file, in an existing folder.

    Raises:
        NASGymError: if another writer holds the file, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = hold_trace(path)

    def begin(self, header: Header) -> None:
        """Empty the file and write the first line."""
        self._file.truncate(0)
        self.write(header)

    def write(self, line: Line) -> None:
        """Append a line."""
        kind, names = NAMES[type(line)]
        values = {"kind": kind} | {name: getattr(line, name) for name in names}
        if values.get("generator", ...) is None:
            del values["generator"]
        with writing(self._path):
            write_whole(self._file, (_encode(values) + "\n").encode())

    def close(self) -> None:
        """Close the file, which another may then hold."""
        self._file.close()

    def drop(self) -> None:
        """Close the file of a run that never began, and remove it."""
        release(self._file, self._path)


def hold_trace(path: Path) -> BinaryIO:
    """Hold the trace of a run as its only writer, whether or not it is recorded.

    Raises:
        NASGymError: if another run holds it, or it cannot be written.
    """
    return hold(path, f"{path} is being written by a running search: give each run its own folder")


def read_trace(path: Path) -> Recording:
    """Read a trace; a last line that a kill cut off is left out.

    Raises:
        NASGymError: if the file is missing, is not a trace, is of a version that is not read, or is damaged
            before its last line.
    """
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        raise StoreError(
            f"{path} is missing: pass the folder of a run that was recorded (on a table 'nas-gym compare' "
            "records runs with --trace)"
        ) from None
    # A complete line ends with a line break, so what follows the last one is empty or cut off.
    complete, cut = texts[:-1], texts[-1] != ""
    first = _read(complete[0], 1, path) if complete else {}
    if first.get("kind") != NAMES[Header][0]:
        raise StoreError(f"{path} is no trace: its first line must be a complete header")
    migration = TRACE.migration(first.get(TRACE.key), path)
    header, *lines = (
        _line(_read(text, number, path), number, path, migration)
        for number, text in enumerate(complete, start=1)
    )
    end = lines[-1] if lines and isinstance(lines[-1], End) else None
    body = [line for line in lines if isinstance(line, Step | Ask)]
    return Recording(cast("Header", header), body, end, cut)


def _read(text: str, number: int, path: Path) -> dict[str, Any]:
    """Return the values of a line."""
    try:
        values = from_json(text)
    except ValueError as error:
        raise _damaged(number, path, error) from error
    if not isinstance(values, dict):
        raise _damaged(number, path, TypeError("no JSON object"))
    return values


def _line(values: Mapping[str, Any], number: int, path: Path, migration: Migration) -> Line:
    """Return the line of some values, in the newest version."""
    try:
        migrated = migration(values)
        kind = KINDS[migrated.pop("kind")]
        if found := flaw(migrated, ENTRIES[kind]):
            raise TypeError(f"it has {found}")
        return kind(**migrated)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(number, path, error) from error


def _damaged(number: int, path: Path, error: Exception) -> StoreError:
    return StoreError(f"line {number} of {path} is damaged ({_reason(error)}): run again to record it anew")


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, TypeError) else repr(error)
