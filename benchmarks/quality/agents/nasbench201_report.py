"""Tables of the runs on NAS-Bench-201, with intervals and tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from nas_agents import MEAN, Interval, holm, pairs_seeds, permutation_test
from rich.table import Table

SOURCES = (
    "an independent program for the same protocol on the same file of results, 500 seeds; not published",
    "Dong and Yang, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, ICLR "
    "2020, table 5 (CIFAR-10, test): 500 runs within 12,000 s by a protocol of their own, so near and not "
    "the same",
)
"""Whose the figures beside ours are."""
WITHIN, EARLY = 150, 64


def replay_table(rows: list[dict[str, Any]]) -> Table:
    """The protocol's figures beside those of an independent replay and of the paper, with the sources."""
    table = _table(
        "The protocol of the replays (test accuracy of the choice, percent)",
        ("search", "seconds", "replay [1]", "here", "difference", "z", "published [2]"),
    )
    table.caption = "\n".join(f"[{number}] {source}" for number, source in enumerate(SOURCES, start=1))
    for row in rows:
        test, (mean, deviation) = np.array(row["test"]), row["replayed"]
        spread = test.std(ddof=1)
        replayed_spread = spread if deviation is None else deviation
        error = np.sqrt(spread**2 / len(test) + replayed_spread**2 / 500)
        published = row["published"]
        table.add_row(
            row["search"],
            f"{row['seconds']:,}",
            f"{mean:.2f}" + ("" if deviation is None else f" ± {deviation:.2f}"),
            f"{test.mean():.3f} ± {spread:.2f}",
            f"{test.mean() - mean:+.3f}",
            f"{(test.mean() - mean) / error:+.1f}",
            "" if published is None else f"{published[0]:.2f} ± {published[1]:.2f}",
        )
    return table


def search_table(runs: list[dict[str, Any]], model: str, test: np.ndarray) -> Iterator[Table]:
    """For each budget the mean test accuracy of every agent's choice, best first, and the model's lead.

    The mean over runs is what ranks, has the interval and is tested.

    Args:
        runs: runs of all agents and budgets.
        model: the agent that is tested against each other one; p-values are corrected by Holm.
        test: test accuracy in percent, by index.
    """
    for budget in sorted({run["budget"] for run in runs}):
        scores: dict[str, dict[int, float]] = {}
        evaluations: dict[str, list[int]] = {}
        for run in runs:
            if run["budget"] == budget:
                scores.setdefault(run["agent"], {})[run["seed"]] = float(test[run["choice"]])
                evaluations.setdefault(run["agent"], []).append(run["evaluations"])
        samples = {agent: Sample.of(found) for agent, found in scores.items()}
        p = _tested(samples, model)
        table = _table(
            f"NAS-Bench-201 within {budget:,} simulated seconds: 200-epoch test accuracy of the choice",
            ("agent", "runs", "evaluations", "mean ± sd", "95% interval", f"{model} leads by", "p (Holm)"),
        )
        for agent in sorted(samples, key=lambda agent: -samples[agent].mean.value):
            found, mean = samples[agent].values, samples[agent].mean
            lead = "" if agent not in p else f"{samples[model].mean.value - mean.value:+.3f}"
            table.add_row(
                agent,
                str(len(found)),
                f"{np.mean(evaluations[agent]):.0f}",
                f"{mean.value:.3f} ± {found.std(ddof=1):.3f}" if len(found) > 1 else f"{mean.value:.3f}",
                f"{mean.lower:.3f} to {mean.upper:.3f}" if mean.is_known else "-",
                lead,
                "" if agent not in p else f"{p[agent]:.1g}",
            )
        yield table


def optimum_table(runs: list[dict[str, Any]], model: str) -> Iterator[Table]:
    """Mean evaluations until the best cell is asked for; a run that does not get there counts one too many.

    That mean over runs is what ranks, has the interval and is tested; the median stands beside it.

    Args:
        runs: runs of all agents.
        model: the agent that is tested against each other one; p-values are corrected by Holm.
    """
    needed: dict[str, dict[int, float]] = {}
    for run in runs:
        count = run["evaluations_to_optimum"]
        needed.setdefault(run["agent"], {})[run["seed"]] = float(WITHIN + 1 if count is None else count)
    samples = {agent: Sample.of(found) for agent, found in needed.items()}
    p = _tested(samples, model)
    table = _table(
        "Evaluations to the optimum of the 200-epoch validation accuracy",
        (
            "agent",
            "runs",
            f"mean, at most {WITHIN + 1}",
            "95% interval",
            "median",
            f"in {EARLY}",
            "there",
            "p (Holm)",
        ),
    )
    for agent in sorted(samples, key=lambda agent: samples[agent].mean.value):
        found, mean = samples[agent].values, samples[agent].mean
        table.add_row(
            agent,
            str(len(found)),
            f"{mean.value:.1f}",
            f"{mean.lower:.1f} to {mean.upper:.1f}" if mean.is_known else "-",
            f"{np.median(found):.1f}",
            f"{(found <= EARLY).mean():.1%}",
            f"{(found <= WITHIN).mean():.1%}",
            "" if agent not in p else f"{p[agent]:.1g}",
        )
    yield table


@dataclass(frozen=True)
class Sample:
    """The runs of an agent.

    Attributes:
        seeds: ascending.
        values: values of the runs of these seeds, float (runs,).
    """

    seeds: tuple[int, ...]
    values: np.ndarray

    @staticmethod
    def of(by_seed: dict[int, float]) -> Sample:
        """Return the runs in order of their seeds."""
        seeds = sorted(by_seed)
        return Sample(tuple(seeds), np.array([by_seed[seed] for seed in seeds]))

    @property
    def mean(self) -> Interval:
        """The mean of the runs with its 95% interval over more seeds."""
        return MEAN.interval([self.values], seed=0)


def _tested(samples: dict[str, Sample], model: str) -> dict[str, float]:
    """Holm-corrected p-values of the model's mean against that of every other agent.

    Runs of one seed are compared with each other where both agents have the same seeds.
    """
    others = [agent for agent in samples if agent != model]
    if model not in samples or not others:
        return {}
    mine = samples[model]
    p = [
        permutation_test(
            mine.values,
            samples[agent].values,
            seed=0,
            paired=mine.seeds == samples[agent].seeds and pairs_seeds(len(mine.seeds), len(others)),
        ).p
        for agent in others
    ]
    return dict(zip(others, holm(p).tolist(), strict=True))


def _table(title: str, heads: tuple[str, ...]) -> Table:
    table = Table(title=title)
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left")
    return table
