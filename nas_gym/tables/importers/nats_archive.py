"""NAS-Bench-201 from the official archive of NATS-Bench, read by the package nats_bench."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError, NASGymError
from nas_gym.tables.importers.checks import CLASSES
from nas_gym.tables.importers.nasbench201 import FULL, SHORT, nasbench201_table, space_of
from nas_gym.tables.table import Table

ARCHIVE = "NATS-tss-v1_0-3ffb9"
PICKLED = ".pickle.pbz2"
DOWNLOAD = f"{ARCHIVE}-full{PICKLED} or the folder {ARCHIVE}-simple (the link is at https://github.com/D-X-Y/NATS-Bench)"
PARTS = {"cifar10": ("cifar10-valid", "cifar10"), "cifar100": ("cifar100", "cifar100")}
PARTS["imagenet16-120"] = ("ImageNet16-120", "ImageNet16-120")
"""Of each label the parts of the archive that have validation and test accuracy."""


def is_archive(path: Path) -> bool:
    """Return whether a path looks like the archive: a folder, or a file of pickles."""
    return path.is_dir() or path.name.endswith((".pbz2", ".pickle", ".pth"))


def read_nats_archive(
    path: Path, task: str, *, trust_pickle: bool, on_progress: Callable[[int, int], None] | None = None
) -> Table:
    """Return the table of the archive.

    Args:
        path: path of the file ``NATS-tss-v1_0-*.pickle.pbz2``, or of the folder ``NATS-tss-v1_0-*-simple``.
        task: ``"cifar10"``, ``"cifar100"`` or ``"imagenet16-120"``.
        trust_pickle: whether the user trusts the archive, since unpickling runs code that is in it.
        on_progress: called with the architectures that were read and all of them.

    Raises:
        NASGymError: if it is not trusted, the package is missing, or the archive is none.
    """
    if task.lower() not in PARTS:
        raise ConfigError(
            f"the archive has results for {', '.join(PARTS)}, not for {task!r}: pass one as --task"
        )
    if not path.exists():
        raise DataError(f"there is no file {path}: download {DOWNLOAD}")
    if not trust_pickle:
        raise ConfigError(
            f"{path} holds pickles, which can run any code when they are read: pass --trust-pickle if it is "
            "from the authors of NATS-Bench, or import a .csv file"
        )
    api = _opened(path)
    try:
        return _table(api, path, task, on_progress)
    except NASGymError:
        raise
    except Exception as error:
        raise _no_archive(path, error) from error


def _opened(path: Path) -> Any:
    try:
        package = importlib.import_module("nats_bench")
    except ImportError:
        raise ConfigError(
            "reading the archive needs the package nats_bench: pip install 'nas-gym[nats]', and download "
            f"{DOWNLOAD}"
        ) from None
    try:
        return package.create(str(path), "tss", fast_mode=path.is_dir(), verbose=False)
    except Exception as error:
        raise _no_archive(path, error) from error


def _no_archive(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} is no archive of NATS-Bench's topology search space, or is cut off "
        f"({type(error).__name__}: {error}): download {DOWNLOAD}"
    )


def _table(api: Any, path: Path, task: str, on_progress: Callable[[int, int], None] | None) -> Table:
    space = space_of(task, CLASSES[task.lower()])
    validation_part, test_part = PARTS[task.lower()]
    short, test, seconds, parameters, megaflops = (np.full(space.size, np.nan) for _ in range(5))
    full: list[dict[int, float]] = [{} for _ in range(space.size)]
    for number, text in enumerate(api.meta_archs):
        if on_progress is not None:
            on_progress(number, len(api.meta_archs))
        index = space.index(space.parse(text))
        seeds = api.query_by_index(number, validation_part, hp=str(FULL))
        full[index] = {
            int(seed): _accuracy(api, number, validation_part, FULL, "valid", int(seed)) for seed in seeds
        }
        short[index] = _accuracy(api, number, validation_part, SHORT, "valid")
        test[index] = _accuracy(api, number, test_part, FULL, "test")
        training = api.get_more_info(number, validation_part, hp=str(FULL), is_random=False)
        seconds[index] = training["train-all-time"]
        cost = api.get_cost_info(number, test_part, hp=str(FULL))
        parameters[index], megaflops[index] = round(cost["params"] * 1e6), cost["flops"]
        # In the mode that reads a folder, every result stays in memory otherwise: 28 GB.
        if path.is_dir():
            api.arch2infos_dict.pop(number, None)
    missing = [index for index, found in enumerate(full) if not found]
    if missing:
        raise DataError(
            f"{path} lacks {len(missing):,} of the {space.size:,} architectures, the first "
            f"{str(space.architecture(missing[0]))!r}: download {DOWNLOAD}"
        )
    seeds = sorted(set().union(*full))
    return nasbench201_table(
        space=space,
        task=task,
        seeds=seeds,
        short=short,
        full=np.array([[found.get(seed, np.nan) for seed in seeds] for found in full]),
        test=test,
        seconds=seconds,
        parameters=parameters,
        megaflops=megaflops,
        about={"file": path.name},
    )


def _accuracy(api: Any, number: int, part: str, epochs: int, which: str, seed: int | bool = False) -> float:
    """Return an accuracy in percent; without a seed the mean over all of them."""
    return float(api.get_more_info(number, part, hp=str(epochs), is_random=seed)[f"{which}-accuracy"])
