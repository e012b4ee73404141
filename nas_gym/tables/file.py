"""The file of a table: an .npz archive of plain arrays and a header in JSON; nothing in it is code."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._checks import from_json, whole
from nas_gym._files import write_bytes, writing
from nas_gym._trust import named_by
from nas_gym.errors import DataError, NASGymError
from nas_gym.search_spaces import make_search_space
from nas_gym.tables.table import Table
from nas_gym.tasks import target_of

FORMAT = 3
READABLE = (1, 2, FORMAT)
FAILED = np.iinfo(np.uint16).max
"""What stands for the scores of a failed training."""
CLASSES = "classes"
"""The array of a table that has a row for each of some classes of architectures, no other has it."""
ARRAYS = ("validation", "test", "seconds", "parameters", "flops")


def write_table(table: Table, path: Path) -> None:
    """Write a table; the file appears whole or not at all.

    Scores that are all counts of right examples are written as such, uint16; others as float64.

    Raises:
        NASGymError: if it cannot be written.
    """
    header = {
        "format": FORMAT,
        "benchmark": table.benchmark,
        "task": table.task,
        "search_space": table.search_space.config(),
        "input_shape": list(table.search_space.input_shape),
        "outputs": table.search_space.outputs,
        "fidelities": list(table.fidelities),
        "seeds": {str(epochs): list(seeds) for epochs, seeds in table.seeds.items()},
        "resumable": table.resumable,
        "examples": table.examples,
        "selects_on_test": table.selects_on_test,
        "about": dict(table.about),
        "target": None if table.target is None else table.target.config(),
    }
    arrays: dict[str, Any] = {
        "header": np.array(json.dumps(header)),
        "validation": _packed(table.validation, table, 0),
        "test": _packed(table.test, table, 1),
        "seconds": table.seconds,
        "parameters": table.parameters,
        "flops": table.flops,
    }
    if table.classes:
        arrays[CLASSES] = np.array([each.encode() for each in table.classes])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, buffer.getvalue())


def read_table(path: Path) -> Table:
    """Return the table of a file.

    Raises:
        NASGymError: if the file is not a table, is cut off, or holds what no table can.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = from_json(str(archive["header"]))
            arrays = {name: archive[name] for name in ARRAYS}
            if CLASSES in archive:
                arrays[CLASSES] = archive[CLASSES]
        with named_by(path):
            return _table(header, arrays)
    except FileNotFoundError:
        raise DataError(f"there is no table at {path}") from None
    except NASGymError:
        raise
    except Exception as error:  # a damaged or made-up file may meet anything
        raise DataError(
            f"{path} is no table of nas-gym, or is cut off ({type(error).__name__}: {error}): "
            "build or import it again"
        ) from error


def _table(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Table:
    if header["format"] not in READABLE:
        raise DataError(
            f"the table has format {header['format']!r}, this version of nas-gym reads {FORMAT}: "
            "build or import it again"
        )
    # Format 1 knew no other target than classes, and counted them.
    outputs = header["num_classes"] if header["format"] == 1 else header["outputs"]
    numbers = [outputs, *header["input_shape"]]
    if any((whole(number) or 0) < 1 for number in numbers) or not isinstance(header["about"], dict):
        raise ValueError("it has no outputs, no shape, or nothing about it")
    space = make_search_space(header["search_space"], tuple(header["input_shape"]), outputs)
    examples = None if header["examples"] is None else (header["examples"][0], header["examples"][1])
    validation, test = arrays["validation"], arrays["test"]
    failed = validation[-1] == FAILED
    right = examples or (None, None)
    return Table(
        benchmark=header["benchmark"],
        task=header["task"],
        search_space=space,
        fidelities=tuple(header["fidelities"]),
        seeds={int(epochs): tuple(seeds) for epochs, seeds in header["seeds"].items()},
        resumable=header["resumable"],
        validation=_shares(validation, right[0]),
        test=_shares(test, right[1]),
        failed=failed,
        seconds=arrays["seconds"],
        parameters=arrays["parameters"],
        flops=arrays["flops"],
        examples=examples,
        # A file that does not say so is told by its numbers.
        selects_on_test=header.get("selects_on_test", np.array_equal(validation[-1], test)),
        about=header["about"],
        classes=tuple(each.decode() for each in arrays.get(CLASSES, np.array([], dtype="S")).tolist()),
        target=None if header.get("target") is None else target_of(header["target"]),
    )


def _packed(scores: np.ndarray, table: Table, part: int) -> np.ndarray:
    """Return scores as the file holds them; they are by seed, or a mean that no failure is marked in."""
    packed: np.ndarray = scores.copy()
    if table.examples is not None:
        counts = np.rint(np.nan_to_num(scores) * table.examples[part]).astype(np.uint16)
        if np.array_equal(counts / table.examples[part], scores):
            packed = counts
    if packed.shape[-2:] == table.failed.shape:
        packed[..., table.failed] = FAILED
    return packed


def _shares(packed: np.ndarray, examples: int | None) -> np.ndarray:
    """Return scores as a table holds them."""
    found: np.ndarray = np.where(packed == FAILED, 0, packed)
    return found / examples if examples is not None and packed.dtype == np.uint16 else found
