"""Tables of the runs on NAS-Bench-201, with intervals and tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from nas_agents.comparison.significance import holm, permutation_test
from rich.table import Table

SOURCES = (
    "an independent program for the same protocol on the same file of results, 500 seeds; not published",
    "Dong and Yang, NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, ICLR "
    "2020, table 5 (CIFAR-10, test): 500 runs within 12,000 s by a protocol of their own, so near and not "
    "the same",
)
"""Whose the figures beside ours are."""
RESAMPLES = 2000
WITHIN = 150


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
    """For each budget the test accuracy of every agent's choice, best first, and the model's lead.

    Args:
        runs: of all agents and budgets.
        model: the agent that is tested against each other one; p-values are corrected by Holm.
        test: test accuracy in percent, by index.
    """
    for budget in sorted({run["budget"] for run in runs}):
        scores: dict[str, list[float]] = {}
        evaluations: dict[str, list[int]] = {}
        for run in sorted(runs, key=lambda run: run["seed"]):
            if run["budget"] == budget:
                scores.setdefault(run["agent"], []).append(float(test[run["choice"]]))
                evaluations.setdefault(run["agent"], []).append(run["evaluations"])
        samples = {agent: np.array(found) for agent, found in scores.items()}
        p = _tested(samples, model)
        table = _table(
            f"NAS-Bench-201 within {budget:,} simulated seconds: 200-epoch test accuracy of the choice",
            ("agent", "runs", "evaluations", "mean ± sd", "95% interval", f"{model} leads by", "p (Holm)"),
        )
        for agent in sorted(samples, key=lambda agent: -samples[agent].mean()):
            found = samples[agent]
            lead = "" if agent not in p else f"{samples[model].mean() - found.mean():+.3f}"
            table.add_row(
                agent,
                str(len(found)),
                f"{np.mean(evaluations[agent]):.0f}",
                f"{found.mean():.3f} ± {found.std(ddof=1):.3f}" if len(found) > 1 else f"{found.mean():.3f}",
                "{:.3f} to {:.3f}".format(*_interval(found, np.mean)),
                lead,
                "" if agent not in p else f"{p[agent]:.1g}",
            )
        yield table


def optimum_table(runs: list[dict[str, Any]], model: str) -> Iterator[Table]:
    """Evaluations until the best cell is asked for; a run that does not get there counts one too many.

    Args:
        runs: of all agents.
        model: the agent that is tested against each other one; p-values are corrected by Holm.
    """
    samples: dict[str, np.ndarray] = {}
    for agent in dict.fromkeys(run["agent"] for run in runs):
        needed = [run["evaluations_to_optimum"] for run in runs if run["agent"] == agent]
        samples[agent] = np.array([WITHIN + 1 if each is None else each for each in needed])
    p = _tested(samples, model)
    table = _table(
        "Evaluations to the optimum of the mean 200-epoch validation accuracy",
        ("agent", "runs", "median", "95% interval", f"mean, at most {WITHIN + 1}", "there", "p (Holm)"),
    )
    for agent in sorted(samples, key=lambda agent: float(np.median(samples[agent]))):
        found = samples[agent]
        table.add_row(
            agent,
            str(len(found)),
            f"{np.median(found):.1f}",
            "{:.1f} to {:.1f}".format(*_interval(found, np.median)),
            f"{found.mean():.1f}",
            f"{(found <= WITHIN).mean():.1%}",
            "" if agent not in p else f"{p[agent]:.1g}",
        )
    yield table


def _tested(samples: dict[str, np.ndarray], model: str) -> dict[str, float]:
    """Holm-corrected p-values of permutation tests of the model against every other agent."""
    others = [agent for agent in samples if agent != model]
    if model not in samples or not others:
        return {}
    p = [permutation_test(samples[model], samples[agent], seed=0).p for agent in others]
    return dict(zip(others, holm(p).tolist(), strict=True))


def _interval(found: np.ndarray, statistic: Any) -> tuple[float, float]:
    """The percentile bootstrap interval of a statistic."""
    drawn = np.random.default_rng(0).integers(len(found), size=(RESAMPLES, len(found)))
    low, high = np.percentile(statistic(found[drawn], axis=1), [2.5, 97.5])
    return float(low), float(high)


def _table(title: str, heads: tuple[str, ...]) -> Table:
    table = Table(title=title)
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left")
    return table
