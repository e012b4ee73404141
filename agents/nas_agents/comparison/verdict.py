"""A comparison in sentences: what its tests found, what they could have found, what has to be known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Protocol

import numpy as np

from nas_agents.comparison.records import Run
from nas_agents.comparison.significance import (
    ALPHA,
    TASKS_FOR_TESTS,
    holm,
    seeds_needed,
    smallest_p,
    smallest_paired_p,
    tasks_needed,
)
from nas_agents.comparison.statistics import Interval

EVEN = 0.5
LISTED = 5


class TestedPair(Protocol):
    """What is read of two agents compared."""

    @property
    def first(self) -> str: ...

    @property
    def second(self) -> str: ...

    @property
    def difference(self) -> float: ...

    @property
    def significant(self) -> bool: ...

    @property
    def improvement(self) -> Interval: ...


def found(pairs: Sequence[TestedPair]) -> str:
    """Say which differences are significant."""
    differences = [
        f"{pair.first} above {pair.second}" if pair.difference > 0 else f"{pair.second} above {pair.first}"
        for pair in pairs
        if pair.significant
    ]
    if not differences:
        return f"No two agents differ significantly at {ALPHA:.0%} after Holm's correction."
    return f"Significant at {ALPHA:.0%} after Holm's correction: {', '.join(differences)}."


def more_often(pairs: Sequence[TestedPair]) -> tuple[str, ...]:
    """Say of which pairs the one ranked lower wins more often, which the ranking does not show."""
    return tuple(
        f"{pair.second} is ranked below {pair.first}, yet a run of it is more often the better of two "
        f"({1 - pair.improvement.value:.0%}): it loses by more than it wins by."
        for pair in pairs
        if pair.difference > 0 and pair.improvement.upper < EVEN
    )


def reach_of_runs(runs: Sequence[int], paired: Sequence[bool] | None = None) -> str:
    """Say what pairwise permutation tests between agents with so many runs each can show.

    Args:
        runs: finished runs of each agent.
        paired: whether runs of one seed are compared with each other, of every two agents in the order
            of `itertools.combinations`; None where they never are.
    """
    pairs = list(combinations(runs, 2))
    smallest = [
        smallest_paired_p(n) if by_seed else smallest_p(n, m)
        for (n, m), by_seed in zip(pairs, paired or [False] * len(pairs), strict=True)
    ]
    tests = len(pairs)
    threshold = ALPHA / tests
    # What Holm's correction makes of them where every difference is as large as can be.
    hopeless = int((holm(smallest) > ALPHA).sum())
    worst = smallest.index(max(smallest))
    if len(set(runs)) == 1:
        between = f"With {_count(runs[0], 'seed')} per agent"
    elif hopeless == tests:
        worst = smallest.index(min(smallest))
        between = f"Even between the agents with the most finished runs ({_and(pairs[worst])})"
    else:
        between = f"Between the agents with the fewest finished runs ({_and(pairs[worst])})"
    p, of_tests = smallest[worst], f"for {_count(tests, 'test')}"
    if p <= threshold:
        return (
            f"{between} a test can reach p = {p:.2g}, within Holm's strictest threshold {threshold:.2g} "
            f"{of_tests}: a large enough difference would be found."
        )
    reaches = f"{between} the smallest p-value a test can reach is {p:.2g}, above Holm's strictest threshold"
    needed = f"{seeds_needed(tests)} seeds per agent"
    if hopeless == tests:
        return (
            f"{reaches} {threshold:.2g} {of_tests}: no difference can be significant however large it is; "
            f"{needed} could show one."
        )
    if hopeless:
        return (
            f"{reaches} {threshold:.2g} {of_tests}: with so few runs {hopeless} of the tests cannot be "
            f"significant however large the difference is; {needed} would be enough for all."
        )
    return (
        f"{reaches} {threshold:.2g} {of_tests}: a difference between them can be significant only where "
        f"others are, too; {needed} would be enough for each."
    )


def reach_of_tasks(tasks: int, tests: int) -> str:
    """Say what so many sign-flip tests over so many tasks can show."""
    smallest, threshold, needed = 2 / 2**tasks, ALPHA / tests, tasks_needed(tests)
    if tasks < needed:
        return (
            f"With {tasks} tasks the smallest p-value a sign-flip test can reach is {smallest:.2g}, above "
            f"Holm's strictest threshold {threshold:.2g} for {_count(tests, 'test')}: no difference can be "
            f"significant however large it is; {needed} tasks could show one."
        )
    return (
        f"With {tasks} tasks a sign-flip test can reach p = {smallest:.2g}, within Holm's strictest "
        f"threshold {threshold:.2g} for {_count(tests, 'test')}: a large enough difference would be found."
    )


def too_few_tasks(tasks: int) -> str:
    """Say why there are no tests over so few tasks."""
    return (
        f"Tests over tasks need at least {TASKS_FOR_TESTS} tasks, here are {tasks}: "
        "read the tests in the report of each task."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def notes_on(groups: Mapping[str, Sequence[Run]]) -> tuple[str, ...]:
    """Return the sentences that the runs of a comparison give reason for.

    Args:
        groups: per agent its runs.
    """
    return (
        *_failures(groups),
        *_short_trainings(groups),
        *_shared_weights(groups),
    )


def _failures(groups: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """Name the runs whose choice failed when it was retrained, or that never saw a network that works."""
    for agent, runs in groups.items():
        failed = [(run.seed, run.errors) for run in runs if run.errors]
        for seed, errors in failed[:LISTED]:
            times = f"{len(errors)} retraining{'s' * (len(errors) > 1)}"
            yield (
                f"Failed: the network that {agent} chose with seed {seed}, in {times} ({errors[0]}); "
                f"each counts as {runs[0].metric} 0."
            )
        if len(failed) > LISTED:
            seeds = ", ".join(str(seed) for seed, _ in failed[LISTED:])
            yield f"Failed likewise: the networks that {agent} chose with seeds {seeds}."
        empty = [str(run.seed) for run in runs if run.failed == len(run.scores)]
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
        made = np.mean([len(run.scores) for run in runs])
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


def _shared_weights(groups: Mapping[str, Sequence[Run]]) -> Iterator[str]:
    """Say of agents that train weights that networks share what their evaluations are."""
    names = [agent for agent, runs in groups.items() if runs[0].access == "gradient"]
    if names:
        listed = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
        yield (
            f"{listed} {'spend' if len(names) > 1 else 'spends'} the budget on weights that networks share, "
            "counted in floating-point operations of trainings, and train alone what is chosen at the end: "
            "the first score comes when nearly all is spent."
        )


def _and(runs: tuple[int, int]) -> str:
    return " and ".join(str(one) for one in sorted(runs))
