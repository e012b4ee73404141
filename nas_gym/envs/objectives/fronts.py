"""Fronts: what none dominates, how much of the space it dominates, and how far from another front it is.

All functions take points of gains, float64 (points, objectives), of which higher is better; they know
nothing of networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REFERENCE = 1.1
"""The reference point of a normalised hypervolume: in every objective a tenth worse than the nadir."""


def nondominated(points: np.ndarray) -> np.ndarray:
    """Return which points no other point dominates, bool (points,); all of equal ones.

    A point dominates another one if it is at least as good in every objective and better in one.
    """
    points = np.asarray(points, dtype=np.float64)
    # What dominates a point comes before it in this order, and is dominated by none after it.
    order = np.lexsort(-points.T[::-1])
    kept = np.zeros(len(points), dtype=bool)
    front = np.empty((0, points.shape[1]))
    for row in order:
        point = points[row]
        covering = front[(front >= point).all(axis=1)]
        if not (covering > point).any():
            kept[row] = True
            if not len(covering):
                front = np.concatenate([front, point[None]])
    return kept


def layers(points: np.ndarray) -> np.ndarray:
    """Return the number of the front that each point is on, int64 (points,).

    0 is the front of all points, 1 that of the points left when those are gone, and so on: the
    non-dominated sorting of Deb et al., "NSGA-II", 2002.
    """
    points = np.asarray(points, dtype=np.float64)
    found, left, number = np.zeros(len(points), dtype=np.int64), np.arange(len(points)), 0
    while len(left):
        front = nondominated(points[left])
        found[left[front]] = number
        left, number = left[~front], number + 1
    return found


def crowding(points: np.ndarray) -> np.ndarray:
    """Return the crowding distance of each point of a front, float64 (points,) (NSGA-II, section III B).

    It is the sum over objectives of the distance between the neighbours on both sides, as a share of the
    range; infinite for a point at an end. Equal points are one point's neighbours.
    """
    points = np.asarray(points, dtype=np.float64)
    distances = np.zeros(len(points))
    for values in points.T:
        order = np.argsort(values, kind="stable")
        span = values[order[-1]] - values[order[0]] if len(order) else 0.0
        if len(order):
            distances[order[[0, -1]]] = np.inf
        if span > 0:
            distances[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / span
    return distances


def hypervolume(points: np.ndarray, reference: Sequence[float] | np.ndarray) -> float:
    """Return the volume that points dominate and that is better than the reference in every objective.

    Exact, by slices along the last objective; of two objectives in the time of sorting.

    Args:
        points: float64 (points, objectives); those not better than the reference count nothing.
        reference: the worst gains that count, (objectives,).
    """
    reference = np.asarray(reference, dtype=np.float64)
    points = np.asarray(points, dtype=np.float64).reshape(-1, len(reference))
    points = points[(points > reference).all(axis=1)]
    return _volume(points[nondominated(points)] - reference)


def _volume(points: np.ndarray) -> float:
    """Return the volume between 0 and points above it that do not dominate each other."""
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(points.max())
    points = points[np.argsort(-points[:, -1], kind="stable")]
    if points.shape[1] == 2:
        widest = np.maximum.accumulate(points[:, 0])
        return float((widest * -np.diff(points[:, 1], append=0.0)).sum())
    heights, volume = -np.diff(points[:, -1], append=0.0), 0.0
    for count, height in enumerate(heights, start=1):
        if height > 0:
            slices = points[:count, :-1]
            # Dominated points change no volume; of two objectives they cost less than to be found.
            volume += height * _volume(slices if slices.shape[1] == 2 else slices[nondominated(slices)])
    return volume


@dataclass(frozen=True)
class Frame:
    """The ideal and the nadir of a front, which other points are measured by.

    Attributes:
        ideal: the best gain of each objective on the front, float64 (objectives,).
        nadir: the worst one on the front.
    """

    ideal: np.ndarray
    nadir: np.ndarray

    @classmethod
    def of(cls, front: np.ndarray) -> Frame:
        """Return the frame of a front, float64 (points, objectives)."""
        front = np.asarray(front, dtype=np.float64)
        return cls(front.max(axis=0), front.min(axis=0))

    def normalised(self, points: np.ndarray) -> np.ndarray:
        """Return points as losses, float64: 0 at the ideal, 1 at the nadir, lower is better.

        An objective that is the same all along the front counts 0 where a point reaches it, else more than
        the reference point, so that it adds nothing.
        """
        points = np.asarray(points, dtype=np.float64)
        span = self.ideal - self.nadir
        flat = span <= 0
        losses = (self.ideal - points) / np.where(flat, 1.0, span)
        return np.where(flat & (losses > 0), np.inf, losses)

    def hypervolume(self, points: np.ndarray) -> float:
        """Return the hypervolume of points with the reference point 1.1 in every objective.

        Normalising by ideal and nadir of the exact front, and not of a whole table, keeps the measure from
        saturating: the worst networks of a table are so bad that any front dominates nearly all.
        """
        losses = self.normalised(points).reshape(-1, len(self.ideal))
        return hypervolume(-losses, np.full(len(self.ideal), -REFERENCE))


def hypervolume_share(points: np.ndarray, front: np.ndarray) -> float:
    """Return the hypervolume of points as a share of that of the exact front, in [0, 1].

    Args:
        points: gains that a search has found, (points, objectives).
        front: the exact front, see `Frame`.
    """
    frame = Frame.of(front)
    return frame.hypervolume(points) / frame.hypervolume(front)


def igd_plus(points: np.ndarray, front: np.ndarray) -> float:
    """Return the mean distance from the exact front to what was found (IGD+, Ishibuchi et al. 2015).

    In the frame of the front; of each of its points the distance to the nearest found one counts, by
    those objectives alone in which that is worse. 0 where the whole front was found.
    """
    frame = Frame.of(front)
    found, exact = frame.normalised(points), frame.normalised(np.unique(np.asarray(front), axis=0))
    beyond = np.maximum(found[None] - exact[:, None], 0.0)
    return float(np.sqrt((beyond**2).sum(axis=2)).min(axis=1).mean())


def share_found(points: np.ndarray, front: np.ndarray) -> float:
    """Return the share of the exact front's points that a search has found, in [0, 1]."""
    exact = {tuple(point) for point in np.asarray(front).tolist()}
    return len(exact & {tuple(point) for point in np.asarray(points).tolist()}) / len(exact)


def attainment(runs: Sequence[np.ndarray], goals: np.ndarray) -> np.ndarray:
    """Return the share of runs that attained each goal, float64 (goals,).

    The empirical attainment function (Grunert da Fonseca et al. 2001): a run attains a goal if one of its
    points is at least as good in every objective.

    Args:
        runs: of each run its points, (points, objectives).
        goals: where it is evaluated, (goals, objectives).
    """
    goals = np.asarray(goals, dtype=np.float64)
    attained = [
        (np.asarray(points)[:, None] >= goals[None]).all(axis=2).any(axis=0)
        if len(points)
        else np.zeros(len(goals))
        for points in runs
    ]
    shares: np.ndarray = np.array(attained, dtype=np.float64).mean(axis=0)
    return shares


def attainment_front(runs: Sequence[np.ndarray], share: float = 0.5) -> np.ndarray:
    """Return the front of what at least a share of runs attained, of two objectives, float64 (points, 2).

    With the share 0.5 it is the median front: what half of the runs reach or surpass.
    """
    firsts = np.unique(np.concatenate([np.asarray(points)[:, 0] for points in runs]))
    need = max(1, int(np.ceil(share * len(runs) - 1e-9)))
    found = []
    for first in firsts:
        bests = [
            float(points[points[:, 0] >= first, 1].max(initial=-np.inf)) for points in map(np.asarray, runs)
        ]
        second = sorted(bests, reverse=True)[need - 1]
        if np.isfinite(second):
            found.append((first, second))
    attained: np.ndarray = np.array(found, dtype=np.float64).reshape(-1, 2)
    front: np.ndarray = attained[nondominated(attained)]
    return front
