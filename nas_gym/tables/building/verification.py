"""Checking a table: a sample of its networks trained again and compared with what it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.tables.building.tabulation import Recorded, Tabulation
from nas_gym.tables.table import Table

DEVIATIONS = 3.0
"""Standard deviations over seeds that a network may be off where bits cannot be the same."""


@dataclass(frozen=True, slots=True)
class TableCheck:
    """What training networks of a table again showed.

    Attributes:
        architectures, trainings: how many were trained again.
        exact: whether every score had to be the same: same torch, processor, engine and data.
        why: the check that was made, in words.
        wrong: what is off, a sentence each.
    """

    architectures: int
    trainings: int
    exact: bool
    why: str
    wrong: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether all agree."""
        return not self.wrong


def check_table(table: Table, architectures: int = 20, seed: int = 0, device: str = "auto") -> TableCheck:
    """Train a random sample of a table's architectures again, with every seed of the table.

    Where torch, processor, engine and data are those of the table, all scores must be the
    same, bit for bit. Elsewhere training amplifies differences in rounding, so every score must be
    within `DEVIATIONS` times the standard deviation over seeds, pooled over the table.

    Args:
        table: one that was built here.
        architectures: size of the sample.
        seed: seed of the sample.
        device: where to train.

    Raises:
        NASGymError: for a table that was imported.
    """
    tabulation = Tabulation.of_table(table, device)
    drawn = np.random.default_rng(seed).choice(table.size, min(architectures, table.size), replace=False)
    pairs = [(int(number), each) for number in np.sort(drawn) for each in tabulation.seeds]
    differing = [
        name
        for name, here in tabulation.config().items()
        if name in ("engine", "numerics", "task_fingerprint") and table.about[name] != here
    ]
    exact = not differing
    tolerance = 0.0 if exact else DEVIATIONS * seed_deviation(table)
    wrong = [_difference(table, tabulation, recorded, tolerance) for recorded in tabulation.record(pairs)]
    allowed = f"within {tolerance:.4f}, as {differing[0]} differs" if differing else ""
    how = allowed or f"every {_unit(table)} must be the same"
    return TableCheck(len(drawn), len(pairs), exact, how, tuple(filter(None, wrong)))


def seed_deviation(table: Table) -> float:
    """Return the deviation over seeds of the score at the last fidelity, pooled over architectures."""
    values = table.scores()[~table.failed.any(axis=1)]
    return float(np.sqrt(np.nanvar(values, axis=1, ddof=1).mean()))


def _difference(table: Table, tabulation: Tabulation, recorded: Recorded, tolerance: float) -> str:
    """Return how a training differs from the table, in a sentence; "" where it does not."""
    column = tabulation.seeds.index(recorded.seed)
    failed = bool(table.failed[recorded.number, column])
    which = f"{tabulation.search_space.architecture(recorded.number)} with seed {recorded.seed}"
    if failed != bool(recorded.error):
        return f"{which} {'succeeded' if failed else 'failed'}, unlike in the table"
    if failed:
        return ""
    kept = table.validation[:, recorded.number, column]
    made, tested = tabulation.scores(recorded)
    if tolerance == 0.0:
        same = np.array_equal(made, kept) and tested == table.test[recorded.number, column]
        return "" if same else f"{which} gave other {_unit(table)}s than the table has"
    off = abs(made[-1] - kept[-1])
    return f"{which} is {off:.4f} off the table" if off > tolerance else ""


def _unit(table: Table) -> str:
    return "score" if table.examples is None else "count"
