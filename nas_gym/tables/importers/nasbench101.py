"""NAS-Bench-101 (Ying et al. 2019), from rows of its results: one for each training, or each budget."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import DataError, NASGymError
from nas_gym.search_spaces import SearchSpace, cell_of_matrix, make_search_space
from nas_gym.tables.importers.checks import CLASSES, COMPARED
from nas_gym.tables.importers.csv_rows import GZIP, SEEDS_JOINED_BY
from nas_gym.tables.table import Table

NAME = "nasbench101"
SKELETON = {"name": NAME, "channels": 128, "stacks": 3, "cells": 3}
SHAPE = (3, 32, 32)
HASH, MATRIX, OPERATIONS = "module_hash", "module_adjacency", "module_operations"
MEASURED = ("validation_accuracy", "test_accuracy", "training_time")
PARAMETERS, EPOCHS = "trainable_parameters", "epochs"
TRIED, TRIED_WHOLE = 200, 1_000
"""Cells that hashes without their cells are compared with: drawn ones, and the first of the numbering."""
ABOUT = {
    "source": "NAS-Bench-101 (Ying et al. 2019): each budget is a schedule of its own, on 40,000 images",
    "flops_are": "those of the published network, since none were published",
}


@dataclass
class Module:
    """What a file says of one class of cells.

    Attributes:
        parameters: trainable parameters.
        matrix: one of its cells as read, None where the file has only hashes.
        place: the row that it is in first, like ``"line 2"``.
        runs: validation accuracy, test accuracy and seconds of each training, by epochs.
    """

    parameters: int
    matrix: tuple[str, str] | None
    place: str
    runs: dict[int, list[tuple[float, float, float]]] = field(default_factory=dict)


def read_nasbench101(path: Path, task: str) -> Table:
    """Return the table of a .csv, .jsonl or .json file (or one of them in .gz) of published results.

    A .json file holds a list of rows, and is read at once, the others line by line.

    A row has ``module_adjacency`` (the matrix as JSON) and ``module_operations`` (JSON, with or without the
    input and the output), or ``module_hash``, or all three; ``epochs``, ``trainable_parameters``,
    ``validation_accuracy``, ``test_accuracy`` (shares, as published) and ``training_time`` (seconds). The
    last three are of one training, so that the repetitions are rows of their own, or of several (a list, in
    CSV joined by semicolons). Repetitions are numbered in the order of the file.

    Raises:
        NASGymError: for the first flaw of the file.
    """
    space = make_search_space(SKELETON, SHAPE, CLASSES.get(task.lower(), 10))
    modules = _modules(path, space)
    if not modules:
        raise DataError(f"{path} has no rows: bring the whole file")
    _check_networks(path, space, modules)
    return _table(path, task, space, modules)


def _modules(path: Path, space: SearchSpace[Any]) -> dict[str, Module]:
    """Return what the file says, by the hash of the class."""
    found: dict[str, Module] = {}
    hashes: dict[tuple[str, str], str] = {}
    for place, row in _rows(path):
        where = f"{place} of {path}"
        matrix = None
        if MATRIX in row and OPERATIONS in row:
            matrix = (_text(row[MATRIX]), _text(row[OPERATIONS]))
            if matrix not in hashes:
                hashes[matrix] = space.isomorphism_class(_cell(matrix, where, space))
        elif not re.fullmatch(r"[0-9a-f]{32}", str(row.get(HASH, ""))):
            raise DataError(
                f"{where} has no {MATRIX} and {OPERATIONS}, and no {HASH} of 32 hexadecimal digits: it must "
                "have one of them"
            )
        key = str(row[HASH]) if matrix is None else hashes[matrix]
        if row.get(HASH, key) != key:
            raise DataError(
                f"{where} has the {HASH} {row[HASH]!r}, that of its cell is {key!r}: it is damaged"
            )
        parameters = _whole(row, PARAMETERS, where)
        module = found.setdefault(key, Module(parameters, matrix, place))
        if module.parameters != parameters:
            raise DataError(
                f"{where} has {parameters:,} parameters for {key}, {module.place} has "
                f"{module.parameters:,}: the file is damaged"
            )
        module.runs.setdefault(_whole(row, EPOCHS, where), []).extend(_runs(row, where))
    return found


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the rows of a file with where each is; lines are read one by one, for there are many."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == GZIP
        with gzip.open(path, "rt", encoding="utf-8") if packed else open(path, encoding="utf-8") as text:
            first = text.readline().lstrip()[:1]
            text.seek(0)
            yield from {"{": _json_rows, "[": _json_list}.get(first, _csv_rows)(text, path)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise DataError(
            f"{path} cannot be read as rows of CSV or JSON ({error}): it is cut off or of another kind"
        ) from error


def _json_rows(text: Any, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text, start=1):
        if line.strip():
            yield f"line {number}", _object(json.loads(line), f"line {number}", path)


def _json_list(text: Any, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, row in enumerate(json.load(text), start=1):
        yield f"row {number}", _object(row, f"row {number}", path)


def _object(row: Any, place: str, path: Path) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise DataError(f"{place} of {path} is not an object of JSON: mend or replace the file")
    return row


def _csv_rows(text: Any, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(text, strict=True)
    for row in reader:
        yield f"line {reader.line_num}", {name: value for name, value in row.items() if name and value}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cell(matrix: tuple[str, str], where: str, space: SearchSpace[Any]) -> Any:
    try:
        rows, operations = np.array(json.loads(matrix[0])), json.loads(matrix[1])
        inner = [each for each in operations if each not in ("input", "output")]
        square = rows.shape == (len(inner) + 2,) * 2 and np.isin(rows, (0, 1)).all()
        if not square or np.tril(rows).any():
            raise ValueError(f"expected an upper triangle of 0 and 1 for {len(inner)} operations")
        cell = cell_of_matrix(rows.tolist(), inner)
        if cell is None:
            raise ValueError("its input and output are not joined")
        return space.parse(str(cell))
    except (ValueError, TypeError, NASGymError) as error:
        raise DataError(
            f"{where} has no cell of the space as {MATRIX} and {OPERATIONS}: {error}; mend it or "
            "replace the file"
        ) from error


def _whole(row: Mapping[str, Any], name: str, where: str) -> int:
    (value,) = _numbers(row, name, where)[:1]
    if value % 1 or value < 1:
        raise DataError(f"{where} has {row[name]!r} as {name}, expected a whole number of at least 1")
    return int(value)


def _numbers(row: Mapping[str, Any], name: str, where: str) -> list[float]:
    if name not in row:
        raise DataError(f"{where} has no {name}: every row must have it")
    value = row[name]
    parts = value.split(SEEDS_JOINED_BY) if isinstance(value, str) else value
    try:
        numbers = [float(each) for each in (parts if isinstance(parts, list) else [parts])]
    except (TypeError, ValueError):
        numbers = []
    if not numbers or not np.isfinite(numbers).all():
        raise DataError(f"{where} has {value!r} as {name}, expected a number: mend or replace the file")
    return numbers


def _runs(row: Mapping[str, Any], where: str) -> list[tuple[float, float, float]]:
    columns = [_numbers(row, name, where) for name in MEASURED]
    if len({len(each) for each in columns}) > 1:
        raise DataError(f"{where} must have as many numbers for each of {', '.join(MEASURED)}")
    for name, numbers in zip(MEASURED[:2], columns, strict=False):
        if not all(0 <= number <= 1 for number in numbers):
            raise DataError(f"{where} has {row[name]!r} as {name}, expected shares from 0 to 1, as published")
    return list(zip(*columns, strict=True))


def _check_networks(path: Path, space: SearchSpace[Any], modules: Mapping[str, Module]) -> None:
    """Refuse a file whose networks are not the published ones: by parameters, or by hashes of the space.

    Raises:
        NASGymError: for such a file.
    """
    known = [(key, module) for key, module in modules.items() if module.matrix is not None]
    for place in np.unique(np.linspace(0, len(known) - 1, COMPARED).astype(int)) if known else ():
        key, module = known[place]
        assert module.matrix is not None
        expected = space.network(_cell(module.matrix, key, space)).parameters
        if expected != module.parameters:
            raise DataError(
                f"{module.place} of {path} has {module.parameters:,} parameters, the published network "
                f"has {expected:,}: the file is of another space, or damaged"
            )
    if known:
        return
    rng = np.random.default_rng(0)
    tried = [space.architecture(number) for number in range(min(TRIED_WHOLE, space.size))]
    tried += [space.sample(rng) for _ in range(TRIED)]
    if not any(space.isomorphism_class(cell) in modules for cell in tried):
        raise DataError(
            f"{path} has no hash of the {len(tried):,} cells that were tried: add {MATRIX} and {OPERATIONS}, "
            "or bring the whole file"
        )


def _table(path: Path, task: str, space: SearchSpace[Any], modules: Mapping[str, Module]) -> Table:
    fidelities = tuple(sorted({epochs for module in modules.values() for epochs in module.runs}))
    runs = {
        epochs: max(len(module.runs.get(epochs, ())) for module in modules.values()) for epochs in fidelities
    }
    measured = np.full((len(fidelities), len(modules), max(runs.values()), len(MEASURED)), np.nan)
    for row, (key, module) in enumerate(modules.items()):
        for place, epochs in enumerate(fidelities):
            if epochs not in module.runs:
                raise DataError(f"{path} has no results of {key} at {epochs} epochs: bring the whole file")
            measured[place, row, : len(module.runs[epochs])] = module.runs[epochs]
    validation, test, seconds = np.moveaxis(measured, -1, 0)
    return Table(
        benchmark=NAME,
        task=task,
        search_space=space,
        fidelities=fidelities,
        seeds={epochs: tuple(range(count)) for epochs, count in runs.items()},
        resumable=False,
        validation=validation,
        test=test[-1, :, : runs[fidelities[-1]]],
        failed=np.zeros(validation.shape[1:], dtype=bool),
        seconds=np.nanmean(seconds[-1], axis=1),
        parameters=np.array([module.parameters for module in modules.values()], dtype=np.int64),
        flops=np.full(len(modules), -1, dtype=np.int64),
        about=ABOUT | {"file": path.name},
        classes=tuple(modules),
    )
