"""NAS-Bench-Graph (Qin et al. 2022), from the files of the package nas-bench-graph.

The files are pickles of plain numbers. They are read here alone, once, by an unpickler that makes nothing but
dicts, tuples, texts and numbers: whatever else a file asks for is refused.
"""

from __future__ import annotations

import io
import pickle
import struct
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.tables.importers.checks import check_label
from nas_gym.tables.table import Table

NAME = "nasbench_graph"
PACKAGE, INSTALL = "nas-bench-graph", "nas-gym[nasbench-graph]"
CLASSES = {"arxiv": 40, "cs": 15}
"""Data sets that can be imported, with their classes: those on which validation accuracy tells good networks
apart even in the top tenth (its rank correlation with test accuracy there: arxiv .54, cs .39)."""
EPOCHS, RUNS = 1, 3
NODES, FEATURES, CHANNELS = 16, 8, 32
"""Of the form of the graphs that networks of the space read, which is not that of the benchmark."""
MILLION = 1e6
NUMBER_TYPE, NUMBER = ("numpy", "dtype"), ("numpy.core.multiarray", "scalar")
ABOUT = {
    "source": "NAS-Bench-Graph (Qin et al. 2022), package nas-bench-graph (Apache-2.0): means over 3 runs",
    "epochs_are": "one fidelity: the published number of epochs, which differs between data sets",
    "seconds_are": "the published latency of the network in seconds: no time of training was published",
    "flops_are": "not published",
    "missing": "the nine arrangements of skips alone, which were not trained, count as failed",
}


def read_nasbench_graph(path: Path, task: str) -> Table:
    """Return the table of a ``.bench`` file of the package, such as ``light/arxiv.bench``.

    Every architecture has a row; isomorphic ones share a result, as the package's own hash says.

    Raises:
        NASGymError: if the data set is none of `CLASSES`, the package is missing, or the file is another.
    """
    if check_label(task) not in CLASSES:
        raise ConfigError(
            f"NAS-Bench-Graph is imported for {', '.join(CLASSES)}, not {task!r}: pass one as --task"
        )
    results = _read(path)
    space = _space(task)
    hashes = _hashes(space)
    found = [results.get(each) for each in hashes]
    missing = [number for number, each in enumerate(found) if each is None]
    if len(missing) > len(space.choices["shape"]):  # type: ignore[attr-defined]
        raise DataError(
            f"{path} lacks {len(missing):,} of {space.size:,} architectures, the first "
            f"{str(space.architecture(missing[0]))!r}: it is cut off or of another space"
        )

    def column(name: str, otherwise: float) -> np.ndarray:
        return np.array([otherwise if each is None else each[name] for each in found])

    failed = np.array([[each is None] for each in found])
    return Table(
        benchmark=NAME,
        task=task,
        search_space=space,
        fidelities=(EPOCHS,),
        seeds={EPOCHS: ()},
        resumable=False,
        validation=column("valid_perf", 0.0)[None, :, None],
        test=column("perf", 0.0)[:, None],
        failed=failed,
        seconds=column("latency", 0.0),
        parameters=np.round(column("para", 0.0) * MILLION).astype(np.int64),
        flops=np.full(space.size, -1, dtype=np.int64),
        about=ABOUT | {"file": path.name, "runs": RUNS},
    )


def _space(task: str) -> SearchSpace[Any]:
    options = {"name": NAME, "node_features": FEATURES, "channels": CHANNELS}
    return make_search_space(options, (FEATURES + NODES, NODES), CLASSES[task])


def _hashes(space: SearchSpace[Any]) -> list[int]:
    """Return the hash of each architecture by which the package finds its results."""
    try:
        package = import_module("nas_bench_graph.architecture")
    except ImportError:
        raise ConfigError(
            f"NAS-Bench-Graph is read with the package {PACKAGE}: pip install '{INSTALL}'"
        ) from None
    found = []
    for architecture in space:
        values = [value for _, value in architecture.values]
        links = [int(digit) for digit in values[0]]
        found.append(int(package.Arch(links, list(values[1:])).valid_hash()))
    return found


class _Numbers(pickle.Unpickler):
    """Reads plain containers and numbers of NumPy, which it makes floats of, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == NUMBER_TYPE:
            return _NumberType
        if (module, name) in (NUMBER, ("numpy._core.multiarray", "scalar")):
            return _number
        raise DataError(f"the file asks for {module}.{name}, which results have no need of: it is damaged")


class _NumberType:
    """Stands for NumPy's type of a number, of which only doubles are read."""

    def __init__(self, name: str, *_: object) -> None:
        if name not in ("f8", "<f8"):
            raise DataError(f"the file has numbers of type {name!r}, expected doubles: it is damaged")

    def __setstate__(self, _: object) -> None:
        """Take no state: the order of bytes is that of the format."""


def _number(_: _NumberType, content: bytes) -> float:
    return float(struct.unpack("<d", content)[0])


def _read(path: Path) -> dict[int, dict[str, float]]:
    """Return the results of a file by hash.

    Raises:
        NASGymError: if it is missing, or is not what the package ships.
    """
    try:
        content = _Numbers(io.BytesIO(path.read_bytes())).load()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): pass a .bench file") from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError) as error:
        raise DataError(f"{path} is no .bench file of {PACKAGE} ({error}): install it anew") from error
    names = ("valid_perf", "perf", "latency", "para")
    is_fit = isinstance(content, dict) and all(
        isinstance(each, int)
        and isinstance(row, dict)
        and all(isinstance(row.get(name), float | int) for name in names)
        for each, row in content.items()
    )
    if not is_fit:
        raise DataError(f"{path} has no {', '.join(names)} by architecture: it is of another benchmark")
    results: dict[int, dict[str, float]] = content
    return results
