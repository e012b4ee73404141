"""What has to be known beside the numbers of a comparison: failures, short trainings, mere guessing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from nas_agents.comparison.records import Run

LISTED = 5


def notes_on(groups: Mapping[str, Sequence[Run]]) -> tuple[str, ...]:
    """Return the sentences that the runs of a comparison give reason for.

    Args:
        groups: per agent its runs.
    """
    return (
        *_failures(groups),
        *_short_trainings(groups),
    )


def _failures(groups: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """Name the runs whose choice failed when it was retrained, or that never saw a network that works."""
    for agent, runs in groups.items():
        failed = [(run.seed, run.errors) for run in runs if run.errors]
        for seed, errors in failed[:LISTED]:
            times = f"{len(errors)} retraining{'s' * (len(errors) > 1)}"
            yield (
                f"Failed: the network that {agent} chose with seed {seed}, in {times} ({errors[0]}); "
                "each counts as accuracy 0."
            )
        if len(failed) > LISTED:
            seeds = ", ".join(str(seed) for seed, _ in failed[LISTED:])
            yield f"Failed likewise: the networks that {agent} chose with seeds {seeds}."
        empty = [str(run.seed) for run in runs if run.failed == len(run.accuracies)]
        if empty:
            seeds = f"seed{'s' * (len(empty) > 1)} {', '.join(empty)}"
            yield (
                f"Failed: every network that {agent} evaluated with {seeds}; the first stands for its choice."
            )


def _short_trainings(groups: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """Say of agents that train for fewer epochs what a budget in evaluations means for them."""
    for agent, runs in groups.items():
        fidelities = np.concatenate([run.fidelities for run in runs])
        if not (np.isfinite(fidelities) & (fidelities > 0)).any():
            continue
        made = np.mean([len(run.accuracies) for run in runs])
        if any(run.shares is None for run in runs):
            yield (
                f"{agent} trains most networks for fewer epochs than the recipe, and each of its {made:.1f} "
                "evaluations a run counted as a full one: a budget in evaluations charges it for epochs "
                "that it did not train. A budget in seconds does not."
            )
        else:
            charged = np.mean([run.spent[-1] for run in runs])
            yield (
                f"{agent} trains most networks for fewer epochs than the recipe: its {made:.1f} evaluations "
                f"a run are charged as {charged:.1f} full ones, by their epochs."
            )
