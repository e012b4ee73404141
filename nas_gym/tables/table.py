"""A table: what every architecture of a search space scored, at every fidelity and with every seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from nas_gym._checks import whole
from nas_gym._shared import Shared
from nas_gym._trust import named_by
from nas_gym.errors import ConfigError, DataError, NASGymError
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.tasks import Classes, ConstantAnswer, Target, constant_answer, make_task

ROWS_KEPT = 100_000
"""Most architectures whose row, or the size of whose network, is remembered."""


@dataclass(frozen=True, eq=False, repr=False)
class Table(Shared):
    """Recorded results of the architectures of a space; row i is ``search_space.architecture(i)``.

    Of a space with too many for that, a table has a row for each of some `classes` of isomorphic
    architectures; those of other classes have no result in it.

    A column is a training seed. Where a fidelity was recorded without seeds there is one number, in
    the first column; where a seed is missing stands NaN. A failed training has score 0.0.

    Attributes:
        benchmark: the name of the family, like ``"mlp"`` or ``"nasbench201"``.
        task: the label of the data set, like ``"mnist1d"``.
        search_space: whose architectures it holds.
        fidelities: numbers of epochs, ascending; the last is the full recipe.
        seeds: for each fidelity the training seeds of the columns; () where none were recorded.
        resumable: whether a lower fidelity is a prefix of a higher one, so that going on costs the
            difference; else every fidelity is a schedule of its own and costs all of it.
        validation: validation score, float64 (fidelities, size, columns), in [0, 1] or NaN.
        test: test score at the last fidelity, float64 (size, columns), for final reports alone.
        failed: which trainings failed, bool (size, columns).
        seconds: recorded cost of one training at the last fidelity, float64 (size,); a fidelity
            costs its share of the epochs.
        parameters: trainable parameters, int64 (size,).
        flops: floating-point operations of a forward pass of one example, int64 (size,); -1 where they
            were not published.
        examples: validation and test examples, if the scores are counted over them; else None.
        selects_on_test: whether the validation scores are test scores, because no others were
            published; a search then selects on what it is scored by, and its test score is not an
            independent measurement.
        about: JSON-able: where the numbers come from.
        target: what the networks predict; classes that are numbered where it was not recorded.
        classes: the isomorphism class of each row (see `SearchSpace.isomorphism_class`), all different; ()
            where every architecture has a row.
    """

    benchmark: str
    task: str
    search_space: SearchSpace[Any]
    fidelities: tuple[int, ...]
    seeds: Mapping[int, tuple[int, ...]]
    resumable: bool
    validation: np.ndarray
    test: np.ndarray
    failed: np.ndarray
    seconds: np.ndarray
    parameters: np.ndarray
    flops: np.ndarray
    examples: tuple[int, int] | None = None
    selects_on_test: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)
    target: Target | None = None
    classes: tuple[str, ...] = ()
    _rows: dict[Any, int] = field(default_factory=dict, init=False)
    _counted: dict[Any, dict[str, int]] = field(default_factory=dict, init=False)
    _means: dict[int, np.ndarray] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        _check(self)

    @property
    def name(self) -> str:
        """``"<benchmark>-<task>"``, the name of its file."""
        return f"{self.benchmark}-{self.task}"

    @property
    def size(self) -> int:
        """Number of rows: of architectures, or of their classes."""
        return len(self.classes) or self.search_space.size

    def row(self, architecture: Architecture) -> int:
        """Return the row of an architecture; -1 where its class was not recorded."""
        if not self.classes:
            return self.search_space.index(architecture)
        row = self._rows.get(architecture)
        if row is None:
            if len(self._rows) >= ROWS_KEPT:
                self._rows.clear()
            row = self._row_of_class.get(self.search_space.isomorphism_class(architecture), -1)
            self._rows[architecture] = row
        return row

    def row_words(self, row: int) -> str:
        """Return what a row is of: the text of its architecture, or its class."""
        return self.classes[row] if self.classes else str(self.search_space.architecture(row))

    def cost_of(self, name: str, architecture: Architecture) -> int:
        """Return the parameters or FLOPs of an architecture; those of its network where unrecorded.

        Args:
            name: ``"parameters"`` or ``"flops"``.
            architecture: architecture of the space.
        """
        row = self.row(architecture)
        recorded: int = -1 if row < 0 else getattr(self, name).item(row)
        if recorded >= 0:
            return recorded
        if (counted := self._counted.get(architecture)) is None:
            if len(self._counted) >= ROWS_KEPT:
                self._counted.clear()
            network = self.search_space.network(architecture)
            self._counted[architecture] = counted = {
                "parameters": network.parameters,
                "flops": network.flops,
            }
        return counted[name]

    def costs(self, name: str, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return what `cost_of` does of several architectures, int64 (architectures,)."""
        return np.array([self.cost_of(name, each) for each in architectures], dtype=np.int64)

    def has_all(self, name: str) -> bool:
        """Return whether the parameters or FLOPs of every architecture were recorded."""
        return not self.classes and bool((getattr(self, name) >= 0).all())

    @property
    def metric(self) -> str:
        """What its scores are, in words: ``"accuracy"`` or ``"R²"``."""
        return (Classes(()) if self.target is None else self.target).metric.label

    @property
    def measure(self) -> str:
        """What a search on the table sees, in words, such as ``"validation accuracy"``."""
        return f"{'test' if self.selects_on_test else 'validation'} {self.metric}"

    @property
    def caution(self) -> str:
        """What is said wherever numbers of a table with `selects_on_test` are shown; "" of others."""
        if not self.selects_on_test:
            return ""
        return (
            f"a search on this table sees test {self.metric}, the only one that was published: it selects on "
            f"what it is scored by, so the test {self.metric} of its choice is optimistic and not an "
            "independent measurement"
        )

    @cached_property
    def constant_answer(self) -> ConstantAnswer | None:
        """The best constant answer to the data that a table of our own was recorded on; None of others."""
        if "task_fingerprint" not in self.about:
            return None
        try:
            with named_by(f"the table {self.name}"):
                task = make_task(self.about["task"])
        except NASGymError:
            return None  # its file is not there any more
        return constant_answer(task) if task.fingerprint == self.about["task_fingerprint"] else None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that its answers depend on, 64 hexadecimal digits: where they come from is not."""
        plain: dict[str, Any] = {
            "search_space": self.search_space.config(),
            "fidelities": self.fidelities,
            "seeds": {str(epochs): seeds for epochs, seeds in self.seeds.items()},
            "resumable": self.resumable,
        }
        if self.classes:
            plain["classes"] = self.classes
        digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
        for name in ("validation", "test", "failed", "seconds", "parameters", "flops"):
            array = np.ascontiguousarray(getattr(self, name))
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(f"{name} {little.dtype.str} {little.shape};".encode())
            digest.update(little.tobytes())
        return digest.hexdigest()

    def fidelity(self, epochs: int | None) -> int:
        """Return a fidelity of the table; None is the last.

        Raises:
            NASGymError: if there is none of that many epochs.
        """
        if epochs is None:
            return self.fidelities[-1]
        fidelity = whole(epochs)
        if fidelity is None or fidelity not in self.fidelities:
            known = ", ".join(map(str, self.fidelities))
            raise ConfigError(
                f"the table {self.name!r} has no fidelity {epochs!r}: pass one of {known} (epochs)"
            )
        return fidelity

    def scores(self, epochs: int | None = None) -> np.ndarray:
        """Return the validation score by seed, float64 (size, columns), NaN where none was recorded."""
        recorded: np.ndarray = self.validation[self.fidelities.index(self.fidelity(epochs))]
        return recorded[:, : max(1, len(self.seeds[self.fidelity(epochs)]))]

    def mean_score(self, epochs: int | None = None) -> np.ndarray:
        """Return the validation score averaged over seeds, float64 (size,); 0.0 where a seed failed."""
        fidelity = self.fidelity(epochs)
        if fidelity not in self._means:
            values = self.scores(fidelity)
            means: np.ndarray = np.nanmean(values, axis=1)
            means[self.failed[:, : values.shape[1]].any(axis=1)] = 0.0
            means.setflags(write=False)
            self._means[fidelity] = means
        return self._means[fidelity]

    def cost(self, epochs: int | None = None) -> np.ndarray:
        """Return the recorded seconds of one training to a fidelity, float64 (size,)."""
        costs: np.ndarray = self.seconds * (self.fidelity(epochs) / self.fidelities[-1])
        costs.setflags(write=False)
        return costs

    def mean_test_score(self) -> np.ndarray:
        """Return the test score averaged over seeds, float64 (size,); for final reports alone."""
        means: np.ndarray = np.nanmean(self.test, axis=1)
        means[self.failed.any(axis=1)] = 0.0
        return means

    @cached_property
    def _row_of_class(self) -> dict[str, int]:
        return {each: row for row, each in enumerate(self.classes)}

    def __repr__(self) -> str:
        rows = "classes of architectures" if self.classes else "architectures"
        return f"<table {self.name}: {self.size:,} {rows}, fidelities {list(self.fidelities)}>"


def _check(table: Table) -> None:
    """Refuse a table that lacks something or holds what cannot be.

    Raises:
        NASGymError: naming it.
    """
    size, columns = table.size, table.test.shape[-1]
    shapes = {
        "validation": (len(table.fidelities), size, table.validation.shape[-1]),
        "test": (size, columns),
        "failed": (size, table.validation.shape[-1]),
        "seconds": (size,),
        "parameters": (size,),
        "flops": (size,),
    }
    for name, shape in shapes.items():
        if getattr(table, name).shape != shape:
            raise DataError(
                f"the table {table.name!r} must have {name} of shape {shape} for its {size:,} architectures, "
                f"not {getattr(table, name).shape}"
            )
    if len(set(table.classes)) < len(table.classes):
        raise DataError(f"the table {table.name!r} must name each class of architectures once")
    if list(table.fidelities) != sorted(set(table.fidelities)) or set(table.seeds) != set(table.fidelities):
        raise DataError(
            f"the table {table.name!r} must name its fidelities in ascending order, and the seeds of each"
        )
    if table.target is not None and table.target.outputs != table.search_space.outputs:
        raise DataError(
            f"the table {table.name!r} is of networks with {table.search_space.outputs} outputs, and its "
            f"target has {table.target.words}: they must be as many"
        )
    for number, epochs in enumerate(table.fidelities):
        values = table.scores(epochs)
        missing = np.isnan(values).all(axis=1)
        if missing.any():
            raise DataError(
                f"the table {table.name!r} lacks {int(missing.sum()):,} of {size:,} architectures at "
                f"{epochs} epochs, the first {table.row_words(int(missing.argmax()))!r}"
            )
        _check_range(table, f"validation {table.metric} at {epochs} epochs", table.validation[number])
    _check_range(table, f"test {table.metric}", table.test)
    if not (np.isfinite(table.seconds).all() and (table.seconds >= 0).all()):
        raise DataError(f"the table {table.name!r} must have seconds that are finite and at least 0")


def _check_range(table: Table, what: str, values: np.ndarray) -> None:
    wrong = (values < 0) | (values > 1)
    if wrong.any():
        row = int(wrong.any(axis=-1).argmax())
        raise DataError(
            f"the table {table.name!r} has a {what} of {values[wrong][0]:g} for "
            f"{table.row_words(row)!r}: it must be in [0, 1]"
        )
