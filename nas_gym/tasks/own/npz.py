"""The user's own ``.npz`` file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nas_gym.errors import ConfigError, DataError, NASGymError, unknown
from nas_gym.tasks.data import Data
from nas_gym.tasks.division import Division
from nas_gym.tasks.inputs import Inputs
from nas_gym.tasks.own import paths as files
from nas_gym.tasks.own.splitting import divide_arrays
from nas_gym.tasks.reading.origins import Origins, counted
from nas_gym.tasks.splits import PARTS

USUAL_KEYS = ("split", "groups", "times")
"""Names of arrays that split the examples without being asked for, in the order of the options."""
PART_KEYS = tuple(f"{letter}_{part}" for part in PARTS for letter in "xy")


def npz(
    path: str | Path,
    x: str = "x",
    y: str = "y",
    target_kind: str | None = None,
    class_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    feature_names: Sequence[str] = (),
    inputs: Inputs | None = None,
    split: str | None = None,
    group: str | None = None,
    time: str | None = None,
    gap: int = 0,
) -> Data:
    """A task of the arrays in an ``.npz`` file, as `numpy.savez` writes it.

    A file with all of ``x_train``, ``y_train``, ``x_validation``, ``y_validation``, ``x_test`` and
    ``y_test``, and without the keys `x` and `y`, gives its split with it.

    Args:
        path: path of the file.
        x: key of the examples.
        y: key of the labels or values.
        target_kind: as in `Task.from_arrays`.
        class_names: as in `Task.from_arrays`.
        target_names: as in `Task.from_arrays`.
        feature_names: as in `Task.from_arrays`.
        inputs: as in `nas_gym.tasks.own.arrays.arrays`.
        split: key of an array (n,) that says ``train``, ``validation`` or ``test`` of each example; for it
            and the next three see `nas_gym.tasks.own.csv.csv`. Where this and the next two are None, the
            arrays ``split``, ``groups`` and ``times`` are used if there are any that fit the examples.
        group: key of the examples' groups.
        time: key of the examples' times.
        gap: examples left out before later parts, of an order by time.
    """
    full = files.existing(path, ".npz")
    keys = _keys(full)
    if not {x, y} & keys and keys.issuperset(PART_KEYS):
        given = {"split": split, "group": group, "time": time, "gap": gap or None}
        if option := next((name for name, value in given.items() if value is not None), None):
            raise ConfigError(
                f"{full.name} has arrays in parts, x_train and so on, which leaves nothing to {option}: "
                "leave it out"
            )
        data = _in_parts(_load(full, PART_KEYS))
    else:
        for key in (x, y):
            if key not in keys:
                raise unknown(f"array of {full}", key, keys or ("none",))
        named = _load(full, (x, y))
        division, notes = _division(full, keys, (split, group, time), gap, named[y])
        origins = counted("row", f"{x!r} of {full.name}", len(named[x]) if named[x].ndim else 0)
        data = Data(named[x], named[y], division=division, notes=notes, origins=origins)
    return replace(
        data,
        target_kind=target_kind,
        class_names=class_names,
        target_names=target_names,
        feature_names=feature_names,
        inputs=inputs,
        title=files.title(full),
        spec={"path": str(full)},
    )


def _division(
    path: Path, keys: set[str], asked: Sequence[str | None], gap: int, y: np.ndarray
) -> tuple[Division | None, list[str]]:
    """Return what arrays of the file say of the split, and what is to be said of it."""
    notes: list[str] = []
    examples = len(y) if y.ndim else 0
    for key in asked:
        if key is not None and key not in keys:
            raise unknown(f"array of {path}", key, keys)
    if all(key is None for key in asked):
        asked, notes = _usual(path, keys, examples)
    arrays = _load(path, [key for key in asked if key is not None])
    split, group, time = (None if key is None else arrays[key] for key in asked)
    called = [f"array {key or usual!r}" for key, usual in zip(asked, USUAL_KEYS, strict=True)]
    return divide_arrays(split, group, time, gap, examples, called), notes


def _usual(path: Path, keys: set[str], examples: int) -> tuple[list[str | None], list[str]]:
    """Return the arrays with a usual name that can split the examples, and what is to be said of them."""
    used, notes = list[str | None](), []
    for place, key in enumerate(USUAL_KEYS):
        fits = key in keys and _fits(path, key, place, examples)
        used.append(key if fits else None)
        if fits:
            notes.append(f"array {key!r} is used to split the examples, since it has that name")
        elif key in keys:
            notes.append(f"array {key!r} is not used to split the examples, which it does not fit")
    if used[1] and used[2]:
        raise ConfigError(
            f"{path.name} has the arrays 'groups' and 'times', which would both split the examples: pass "
            "group='groups' or time='times'"
        )
    return used, notes


def _fits(path: Path, key: str, place: int, examples: int) -> bool:
    """Return whether an array can split the examples; `place` is that of its name in `USUAL_KEYS`."""
    try:
        array = _load(path, [key])[key]
        split, group, time = (array if place == other else None for other in range(len(USUAL_KEYS)))
        divide_arrays(split, group, time, 0, examples)
    except NASGymError:
        return False
    return True


def _keys(path: Path) -> set[str]:
    try:
        with zipfile.ZipFile(path) as file:
            return {name.removesuffix(".npy") for name in file.namelist()}
    except (zipfile.BadZipFile, OSError, NotImplementedError, UnicodeError) as error:
        raise DataError(
            f"{path} is no .npz file ({error}): write one with numpy.savez(path, x=x, y=y)"
        ) from error


def _load(path: Path, keys: Sequence[str]) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in keys}
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, ValueError, RuntimeError) as error:
        if "pickle" in str(error):
            raise DataError(
                f"{path} holds Python objects, which are never loaded since they can run code: "
                "save numeric arrays, or texts as x.astype(str)"
            ) from error
        raise DataError(f"{path} is damaged ({error}): write it again with numpy.savez") from error


def _in_parts(named: Mapping[str, np.ndarray]) -> Data:
    """Return data whose split is given, by arrays ``x_train``, ``y_train`` and so on."""
    xs = [np.asarray(named[f"x_{part}"]) for part in PARTS]
    ys = [np.asarray(named[f"y_{part}"]) for part in PARTS]
    for part, x, y in zip(PARTS, xs, ys, strict=True):
        if x.shape[:1] != y.shape[:1] or x.shape[1:] != xs[0].shape[1:] or y.shape[1:] != ys[0].shape[1:]:
            raise DataError(
                f"x_{part} of shape {x.shape} and y_{part} of shape {y.shape} do not fit each other or "
                f"x_train of shape {xs[0].shape}: pass examples of one shape and a label for each"
            )
    ends = np.cumsum([len(y) for y in ys])
    train, validation, test = np.split(np.arange(ends[-1]), ends[:-1])
    places = np.concatenate([np.arange(len(y), dtype=np.int64) for y in ys])
    origins = Origins("row", "their places in x_validation, counted from 0", places)
    return Data(np.concatenate(xs), np.concatenate(ys), parts=(train, validation, test), origins=origins)
