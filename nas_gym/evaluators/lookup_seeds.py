"""Which of a table's recorded seeds an evaluation is of, and what it gives at each fidelity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym._checks import listed, whole
from nas_gym.errors import ConfigError
from nas_gym.tables import Table


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """What evaluations over several seeds give at one fidelity, by index.

    Attributes:
        scores: float64 (size,); 0.0 where a seed failed.
        curves: scores at the fidelities that a training passes through, float64 (size, fidelities).
        seconds: cost of the trainings together, float64 (size,).
        failed: whether a seed failed, bool (size,).
        seeds: seeds of an architecture that has all of them.
        lacking: whether a seed is missing, bool (size,).
    """

    scores: np.ndarray
    curves: np.ndarray
    seconds: np.ndarray
    failed: np.ndarray
    seeds: tuple[int, ...]
    lacking: np.ndarray


class RecordedSeeds:
    """The seeds of a table as a user asked for them.

    Args:
        table: what was recorded.
        asked: ``"mean"`` (over all), ``"random"`` (one at a time) or a list (the mean over those).

    Raises:
        NASGymError: if it is none of these.
    """

    def __init__(self, table: Table, asked: object) -> None:
        self._table = table
        self._asked = _checked(asked)
        self._averages: dict[int, Averages] = {}

    @property
    def asked(self) -> str | list[int]:
        """What was asked for, JSON-able."""
        return self._asked if isinstance(self._asked, str) else list(self._asked)

    @property
    def draws(self) -> bool:
        """Whether an evaluation is of one seed."""
        return self._asked == "random"

    def columns(self, fidelity: int) -> tuple[int, ...]:
        """Return the columns of the table that an evaluation averages, or that a seed is drawn from.

        Raises:
            NASGymError: if seeds are asked for that were not recorded at the fidelity.
        """
        recorded = self._table.seeds[fidelity]
        if self._asked == "mean":
            return tuple(range(max(1, len(recorded))))
        if not recorded:
            raise ConfigError(
                f"the table {self._table.name!r} recorded no seeds at {fidelity} epochs: "
                "pass seeds='mean' there"
            )
        if isinstance(self._asked, str):
            return tuple(range(len(recorded)))
        return tuple(self.column(seed, fidelity) for seed in self._asked)

    def column(self, seed: int, fidelity: int) -> int:
        """Return the column of a seed.

        Raises:
            NASGymError: if it was not recorded at the fidelity.
        """
        recorded = self._table.seeds[fidelity]
        if seed not in recorded:
            known = f"pass one of {', '.join(map(str, recorded))}" if recorded else "pass seeds='mean'"
            raise ConfigError(
                f"the table {self._table.name!r} recorded no seed {seed} at {fidelity} epochs: {known}"
            )
        return recorded.index(seed)

    def at(self, fidelity: int) -> tuple[int, ...]:
        """Return the seeds of an evaluation at a fidelity; () where it was recorded without."""
        recorded, columns = self._table.seeds[fidelity], self.columns(fidelity)
        return tuple(recorded[column] for column in columns) if recorded else ()

    def of(self, index: int, fidelity: int) -> tuple[int, ...]:
        """Return those of the seeds that were recorded for an architecture."""
        seeds = self.at(fidelity)
        values = self._table.scores(fidelity)[index, self.columns(fidelity)].tolist()
        return tuple(seed for seed, value in zip(seeds, values, strict=False) if value == value)

    def passed(self, fidelity: int) -> list[int]:
        """Return the fidelities that a training to one passes through, itself the last."""
        if not self._table.resumable:
            return [fidelity]
        seeds = self._table.seeds
        return [
            each for each in self._table.fidelities if each <= fidelity and seeds[each] == seeds[fidelity]
        ]

    def averages(self, fidelity: int) -> Averages:
        """Return what evaluations give, of a seed that is drawn on average.

        Raises:
            NASGymError: if the seeds asked for were not recorded for some architecture.
        """
        if fidelity not in self._averages:
            columns = self.columns(fidelity)
            recorded = ~np.isnan(self._table.scores(fidelity)[:, columns])
            trainings = 1 if self.draws else recorded.sum(axis=1)
            failed: np.ndarray = self._table.failed[:, columns]
            averages = Averages(
                scores=self._mean(fidelity),
                curves=np.stack([self._mean(each) for each in self.passed(fidelity)], axis=1),
                seconds=self._table.cost(fidelity) * trainings,
                failed=np.logical_or.reduce(failed, axis=1),
                seeds=self.at(fidelity),
                lacking=~np.logical_and.reduce(recorded, axis=1),
            )
            for array in (averages.scores, averages.seconds):
                array.setflags(write=False)
            self._averages[fidelity] = averages
        return self._averages[fidelity]

    def _mean(self, fidelity: int) -> np.ndarray:
        if isinstance(self._asked, str):
            return self._table.mean_score(fidelity)
        columns = self.columns(fidelity)
        values = self._table.scores(fidelity)[:, columns]
        if np.isnan(values).all(axis=1).any():
            raise ConfigError(
                f"the table {self._table.name!r} lacks seeds {self.asked} of some architectures at "
                f"{fidelity} epochs: add a seed that it has of all, or pass seeds='mean'"
            )
        means: np.ndarray = np.nanmean(values, axis=1)
        means[self._table.failed[:, columns].any(axis=1)] = 0.0
        return means


def _checked(seeds: object) -> str | tuple[int, ...]:
    """Return how seeds are asked for.

    Raises:
        NASGymError: if it is neither of the words nor a list of different whole numbers.
    """
    if isinstance(seeds, str) and seeds in ("mean", "random"):
        return seeds
    given = listed(seeds) or []
    numbers = [seed for seed in map(whole, given) if seed is not None]
    if not numbers or len(set(numbers)) < len(given):
        raise ConfigError(
            f"seeds of a table must be 'mean', 'random' or a list of different recorded seeds, not {seeds!r}"
        )
    return tuple(numbers)
