"""Latencies of a table's networks on devices, in a file of their own beside the table.

A latency is measured and no pure function of an architecture, so it is no part of a table: a table's
fingerprint, and what was trained, stay the same whatever was measured.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._files import write_bytes, writing
from nas_gym.errors import DataError, unknown
from nas_gym.tables.catalogue import SUFFIX, load_table, user_folder
from nas_gym.tables.importers.csv_rows import Rows, read_rows
from nas_gym.tables.table import Table

UNIT = "_ms"
NUMBER, TEXT = "index", "architecture"
PREFIX = "device "  # no device is then called like an argument of `numpy.savez_compressed`


@dataclass(frozen=True, eq=False)
class DeviceLatencies:
    """The latencies of all networks of a table on one device.

    Attributes:
        device: name of the device.
        milliseconds: of one forward pass, float64 (size,), by the index of the table's space.
    """

    device: str
    milliseconds: np.ndarray

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the numbers, 64 hexadecimal digits."""
        return hashlib.sha256(np.ascontiguousarray(self.milliseconds, dtype="<f8").tobytes()).hexdigest()


def latency_path(table: str) -> Path:
    """Return where the latencies of a table are, or would be, by its name."""
    return user_folder() / "latency" / f"{table}{SUFFIX}"


def devices_of(table: Table) -> dict[str, DeviceLatencies]:
    """Return the latencies of a table's networks by device; {} where none were imported.

    Raises:
        NASGymError: if their file is damaged or of another table.
    """
    path = latency_path(table.name)
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = {key.removeprefix(PREFIX): key for key in archive.files}
            found = {name: DeviceLatencies(name, archive[key]) for name, key in names.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path} holds no latencies, or is cut off ({type(error).__name__}: {error}): import them again"
        ) from error
    if any(each.milliseconds.shape != (table.size,) for each in found.values()):
        raise DataError(f"{path} is of another table than {table.name!r}: import the latencies again")
    return found


def device_of(table: Table, device: str) -> DeviceLatencies:
    """Return the latencies of a table's networks on a device.

    Raises:
        NASGymError: if there are none, saying how to get them, or which devices there are.
    """
    found = devices_of(table)
    if not found:
        raise DataError(
            f"there are no latencies of the table {table.name!r} on this machine: run "
            f"'nas-gym benchmark import-latency FILE --table {table.name}'"
        )
    if device not in found:
        raise unknown(f"device of the table {table.name!r}", device, found)
    return found[device]


def import_latencies(file: Path, table: str) -> tuple[dict[str, DeviceLatencies], Path]:
    """Read latencies of a table's networks and keep them beside it; devices that were there stay.

    Args:
        file: a .csv or .csv.gz file with the column ``index`` (the published number, see
            `SearchSpace.numbered`) or ``architecture``, and a column of milliseconds for each device,
            called ``<device>_ms``.
        table: ``"<benchmark>-<task>"``, a table of this machine.

    Returns:
        The latencies of the file by device, and where they are kept.

    Raises:
        NASGymError: for the first flaw; nothing is written then.
    """
    benchmark, _, task = table.partition("-")
    known = load_table(benchmark, task)
    rows = read_rows(file, (), every=True)
    columns = [name for name in rows.columns if name.endswith(UNIT) and name != UNIT]
    if not columns:
        raise DataError(f"{file} has no column of latencies: name one after its device, like pixel3{UNIT}")
    order = _order(rows, known)
    fresh = {
        name.removesuffix(UNIT): DeviceLatencies(
            name.removesuffix(UNIT), rows.numbers(name, "milliseconds of at least 0")[order]
        )
        for name in columns
    }
    path = latency_path(known.name)
    kept = devices_of(known) | fresh
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {PREFIX + name: each.milliseconds for name, each in kept.items()}
    np.savez_compressed(buffer, **arrays)
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, buffer.getvalue())
    return fresh, path


def _order(rows: Rows, table: Table) -> np.ndarray:
    """Return the number of the row of each architecture, by index."""
    space = table.search_space
    if table.classes:
        raise DataError(
            f"the table {table.name!r} has classes of architectures as rows, latencies are of every "
            "architecture: measure them with the option 'latency': 'here'"
        )
    if TEXT in rows.columns:
        return rows.order(space)
    if NUMBER not in rows.columns:
        raise DataError(f"{rows.path} has neither a column {NUMBER!r} nor {TEXT!r}: add one of them")
    numbers = rows.numbers(NUMBER, f"a whole number below {space.size:,}", 0, space.size - 1)
    if len(numbers) != space.size or len(np.unique(numbers)) != space.size or (numbers % 1).any():
        raise DataError(
            f"{rows.path} must have each number from 0 to {space.size - 1:,} once as {NUMBER}: bring the "
            "whole file"
        )
    order = np.empty(space.size, dtype=np.int64)
    for row, number in enumerate(numbers.astype(int).tolist()):
        order[space.index(space.numbered(number))] = row
    return order
