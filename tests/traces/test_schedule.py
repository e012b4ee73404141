"""When snapshots are due, and how a cadence thins out."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest

from nas_gym.errors import NASGymError
from nas_gym.traces.cadence import Cadence, Snapshots


def ledger(unique, budget, cost=0.0):
    progress = (
        0 if budget is None else unique / budget if isinstance(budget, int) else cost / budget["seconds"]
    )
    return SimpleNamespace(budget=budget, progress=progress, stats=SimpleNamespace(unique=unique, cost=cost))


def due_at(snapshots, counts, budget):
    return [count for count in counts if snapshots.due(ledger(count, budget))]


def test_snapshots_fall_at_fractions_of_the_budget():
    assert due_at(Snapshots((0, 0.1, 0.5, 1)), range(41), 40) == [0, 4, 20, 40]


def test_a_batch_that_passes_several_fractions_takes_one_snapshot():
    assert due_at(Snapshots((0, 0.1, 0.25, 0.5)), [0, 30, 31], 40) == [0, 30]


def test_a_budget_in_seconds_counts_recorded_cost():
    snapshots = Snapshots((0, 0.5, 1))
    costs = [0.0, 1.0, 2.5, 4.0, 5.0]
    assert [cost for cost in costs if snapshots.due(ledger(3, {"seconds": 5.0}, cost))] == [0.0, 2.5, 5.0]


def test_without_a_budget_snapshots_double():
    assert due_at(Snapshots(), range(100), None) == [0, 10, 20, 40, 80]


def test_no_fractions_means_no_snapshots():
    assert due_at(Snapshots(()), range(100), None) == due_at(Snapshots(()), range(41), 40) == []


def test_a_fraction_outside_the_budget_is_refused():
    with pytest.raises(NASGymError, match=r"fractions of the budget from 0 to 1, not 1.5"):
        Snapshots((0, 1.5))


def test_a_cadence_starts_dense_and_thins_out():
    cadence = Cadence(50)
    due = [call for call in range(1, 100_001) if cadence.due()]
    assert due[:50] == list(range(1, 51))
    assert 200 < len(due) < 500
    gaps = [later - earlier for earlier, later in pairwise(due)]
    assert gaps == sorted(gaps)
