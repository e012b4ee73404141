"""Where each agent looks, what it leaves out, and how much its runs have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from nas_gym.explain.evidence.together import OneRun, Together
from nas_gym.explain.fact import Fact, counted, difference, measured
from nas_gym.explain.methods.significance.paired import resampled_interval
from nas_gym.explain.sections.together.best import BestNetworks
from nas_gym.explain.sections.together.differences import Differences, differences
from nas_gym.explain.sections.together.overlaps import (
    FEWEST_RESAMPLED,
    RESAMPLES,
    known,
    mean_overlaps,
    overlap_facts,
    overlaps,
)


class Option(NamedTuple):
    """An option of a choice."""

    choice: str
    value: str

    def __str__(self) -> str:
        return f"{self.choice} {self.value}"


@dataclass(frozen=True, eq=False)
class Use:
    """How often an agent evaluated networks with an option.

    Attributes:
        option: the option.
        share: mean over its runs of the share among networks that have the choice, with a bootstrap interval.
        more: its share minus that of the other agents; intervals hold for all agents and options at once.
        evaluations: networks with the option in all its runs, each run's distinct ones.
        others: the same of the other agents.
    """

    option: Option
    share: Fact
    more: Fact
    evaluations: int
    others: int


@dataclass(frozen=True, eq=False)
class Agent:
    """What the runs of an agent did.

    Attributes:
        name: its name.
        runs: its runs.
        evaluations: networks evaluated, each run's distinct ones.
        distinct: different networks in all its runs.
        uses: how often it evaluated each option.
        kept: share of its runs that chose one of the best networks; `scored` is how many it is of.
        kept_more: that share minus the share of the other agents.
        scored: runs whose choice was scored.
        tried: share of its runs that evaluated one of the best networks.
        of_best: how many of the best networks its runs evaluated, all together.
        own: mean overlap (Jaccard) of two of its runs.
        others: mean overlap of one of its runs with one of another agent.
        own_more: the first minus the second.
    """

    name: str
    runs: int
    evaluations: int
    distinct: int
    uses: tuple[Use, ...]
    kept: Fact
    kept_more: Fact
    scored: int
    tried: Fact
    of_best: int
    own: Fact
    others: Fact
    own_more: Fact

    @property
    def untried(self) -> tuple[Use, ...]:
        """Options that none of its runs tried and another agent did."""
        return tuple(use for use in self.uses if not use.evaluations and use.others)

    @property
    def missed(self) -> tuple[Use, ...]:
        """Options that it never tried, and that it would have tried by chance if it were as the others."""
        return tuple(use for use in self.untried if use.more.is_shown)

    @property
    def avoided(self) -> tuple[Use, ...]:
        """Options that it tried, but shown to be less often than the others did."""
        return tuple(use for use in self.uses if use.evaluations and use.more.is_negative)

    @property
    def preferred(self) -> tuple[Use, ...]:
        """Options that it is shown to have tried more often than the others did."""
        return tuple(use for use in self.uses if use.more.is_positive)


@dataclass(frozen=True, eq=False)
class Agents:
    """The agents beside each other.

    Attributes:
        agents: each agent.
        options: the options of all choices, in order.
        overlap: mean overlap of the runs of two agents, float64 (agents, agents); NaN where there is no pair.
        can_show: whether there are runs enough to show that agents differ.
        regions: by the name of an agent, combinations of options of two choices that matter that none of its
            runs tried.
    """

    agents: tuple[Agent, ...]
    options: tuple[Option, ...]
    overlap: np.ndarray
    can_show: bool
    regions: Mapping[str, tuple[tuple[Option, Option], ...]]


def agents_beside(together: Together, best: BestNetworks, mattering: Sequence[str], seed: int = 0) -> Agents:
    """Return what each agent tried and found, beside the others.

    Args:
        together: the runs.
        best: the best networks of all runs.
        mattering: the choices that are shown to matter.
        seed: seed of permutations and resamples.
    """
    tried = _tried(together, best, seed)
    agents = tuple(_agent(together, tried, number, seed) for number in range(len(together.agents)))
    matrix = mean_overlaps(tried.pairs, tried.labels, len(agents))
    return Agents(agents, tried.options, matrix, tried.more.can_show, _regions(together, mattering))


@dataclass(frozen=True, eq=False)
class _Tried:
    """What all runs tried and chose.

    Attributes:
        labels: number of the agent of each run.
        options: the options of all choices.
        counts: networks with each option, int (runs, options).
        shares: share of each option in the networks that have the choice, float64 (runs, options).
        more: the shares of each agent minus those of the others.
        good: texts of the best networks.
        kept: whether each run chose one of them, float64 (runs,); NaN where its choice was not scored.
        kept_more: the share of each agent's runs that did minus that of the others.
        pairs: overlap of every two runs, float64 (runs, runs).
    """

    labels: list[int]
    options: tuple[Option, ...]
    counts: np.ndarray
    shares: np.ndarray
    more: Differences
    good: frozenset[str]
    kept: np.ndarray
    kept_more: Differences
    pairs: np.ndarray


def _tried(together: Together, best: BestNetworks, seed: int) -> _Tried:
    """Return what all runs tried and chose."""
    names, runs = together.agents, together.runs
    labels = [names.index(run.agent) for run in runs]
    options = _options(together)
    counts = np.array([_counts(together, run, options) for run in runs])
    having = np.array([_having(together, run, options) for run in runs])
    shares = np.where(having > 0, counts / np.maximum(having, 1), np.nan)
    more = differences(shares, labels, seed)
    good = {str(one) for one in best.good}
    kept = np.array([_kept(run, best, good) for run in runs])
    kept_more = differences(kept[:, None], labels, seed)
    return _Tried(labels, options, counts, shares, more, frozenset(good), kept, kept_more, overlaps(runs))


def _agent(together: Together, tried: _Tried, number: int, seed: int) -> Agent:
    """Return what the runs of an agent did, beside those of the others."""
    name, runs = together.agents[number], together.runs
    own = [n for n, label in enumerate(tried.labels) if label == number]
    rest = [n for n, label in enumerate(tried.labels) if label != number]
    over = f"{len(own)} runs and {len(rest)} runs of the others"
    scored = tried.kept[own][~np.isnan(tried.kept[own])]
    found = np.array([float(bool(tried.good & set(runs[n].architectures))) for n in own])
    texts = {text for n in own for text in runs[n].architectures}
    kept_more = _gap(
        f"{name} keeps a best network over the others",
        f"share of runs of {name} minus that of the other agents",
        over,
        tried.kept_more,
        (number, 0),
        len(runs),
    )
    return Agent(
        name,
        len(own),
        sum(len(runs[n].seen) for n in own),
        len(texts),
        tuple(
            _use(name, tried, (number, column), own, rest, over, seed) for column in range(len(tried.options))
        ),
        _rate(f"{name} keeps a best network", scored),
        kept_more,
        len(scored),
        _rate(f"{name} tries a best network", found),
        len(tried.good & texts),
        *overlap_facts(name, tried.pairs, own, rest, len(together.agents), seed),
    )


def _use(
    name: str,
    tried: _Tried,
    place: tuple[int, int],
    own: Sequence[int],
    rest: Sequence[int],
    over: str,
    seed: int,
) -> Use:
    """Return how often an agent evaluated networks with an option."""
    column = place[1]
    option = tried.options[column]
    more = _gap(
        f"{name} on {option} over the others",
        f"share of {option} in the networks of {name} minus that of the other agents",
        over,
        tried.more,
        place,
        len(tried.labels),
    )
    share = _share_fact(name, option, tried.shares[own, column], seed)
    counts = tried.counts[:, column]
    return Use(option, share, more, int(counts[own].sum()), int(counts[rest].sum()))


def _options(together: Together) -> tuple[Option, ...]:
    variables = together.evidence.search_space.variables
    return tuple(
        Option(name, value)
        for name, variable in variables.items()
        if len(variable.choices) > 1
        for value in variable.choices
    )


def _values(together: Together, run: OneRun) -> list[dict[str, str]]:
    """Return the options of each network of a run, of the choices that it has."""
    space = together.evidence.search_space
    found = []
    for one in run.architectures.values():
        codes, active = space.encode(one), space.active_variables(one)
        found.append({name: space.variables[name].choices[codes[name]] for name in active})
    return found


def _counts(together: Together, run: OneRun, options: Sequence[Option]) -> list[int]:
    values = _values(together, run)
    return [sum(each.get(option.choice) == option.value for each in values) for option in options]


def _having(together: Together, run: OneRun, options: Sequence[Option]) -> list[int]:
    values = _values(together, run)
    return [sum(option.choice in each for each in values) for option in options]


def _kept(run: OneRun, best: BestNetworks, good: set[str]) -> float:
    """Return whether a run chose one of the best networks; NaN where its choice was not scored."""
    if best.of(run.chosen) is None:
        return float("nan")
    return float(run.chosen in good)


def _share_fact(agent: str, option: Option, shares: np.ndarray, seed: int) -> Fact:
    numbers = shares[~np.isnan(shares)]
    key, of = f"{agent} on {option}", f"share of {option} in the networks of {agent}"
    over = f"{len(numbers)} runs"
    if not len(numbers):
        return measured(key, of, over, None, None, None, 0)
    low, high = _resampled(numbers, seed)
    return measured(key, of, over, float(numbers.mean()), low, high, len(numbers), "share of networks")


def _resampled(values: np.ndarray, seed: int) -> tuple[float | None, float | None]:
    """Return the bootstrap interval of a mean over runs; None for too few runs."""
    if len(values) < FEWEST_RESAMPLED:
        return None, None
    return resampled_interval(values, np.mean, seed, resamples=RESAMPLES)


def _rate(key: str, hits: np.ndarray) -> Fact:
    """Return a share of runs, with the interval of Clopper and Pearson, which few runs do not break."""
    if not len(hits):
        return measured(key, "share of runs", "0 runs", None, None, None, 0)
    found = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="exact")
    over = f"{len(hits)} runs"
    share = float(hits.mean())
    return measured(key, "share of runs", over, share, found.low, found.high, len(hits), "share of runs")


def _regions(together: Together, mattering: Sequence[str]) -> dict[str, tuple[tuple[Option, Option], ...]]:
    """Return the combinations of two options of choices that matter that an agent never tried and others did.

    Those of which one option alone was never tried are left out.
    """
    tried: dict[str, set[tuple[Option, Option]]] = {name: set() for name in together.agents}
    alone: dict[str, set[Option]] = {name: set() for name in together.agents}
    for run in together.runs:
        for values in _values(together, run):
            there = [Option(name, values[name]) for name in mattering if name in values]
            tried[run.agent].update(combinations(there, 2))
            alone[run.agent].update(there)
    everything = sorted(set().union(*tried.values()))
    return {
        name: tuple(pair for pair in everything if pair not in tried[name] and set(pair) <= alone[name])
        for name in together.agents
    }


def untried_fact(agent: Agent, use: Use) -> Fact:
    """Return that an agent never tried an option, as a fact."""
    return counted(
        f"{agent.name} never tried {use.option}",
        f"networks with {use.option}",
        f"{agent.evaluations:,} evaluations in {agent.runs} runs of {agent.name}",
        0,
        "networks",
        agent.evaluations,
    )


def _gap(key: str, of: str, over: str, found: Differences, place: tuple[int, int], runs: int) -> Fact:
    """Return the difference of an agent to the others."""
    value, low, high = (known(float(each[place])) for each in (found.values, found.low, found.high))
    return difference(key, of, over, value, low, high, runs, unit="difference of shares")
