"""The aggregate TensorBoard runs of a comparison: one per agent, with margin charts over its seeds."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from nas_agents.comparison.analysis import Analysis
from nas_agents.comparison.curves import Curve
from nas_gym.traces import EventFile, custom_scalars

TAGS = tuple(f"incumbent/{part}" for part in ("interquartile_mean", "lower", "upper"))
MEAN_TAGS = tuple(f"incumbent/{part}" for part in ("mean", "lower", "upper"))
REGRET_TAGS = tuple(f"regret/{part}" for part in ("mean", "lower", "upper"))
TIMED_REGRET_TAGS = tuple(f"regret_by_millisecond/{part}" for part in ("mean", "lower", "upper"))
CHART = "best accuracy so far, as seen (optimistic): {} and 95% band"
REGRET_CHARTS = {
    "regret by distinct evaluation: mean and 95% band": ["Margin", list(REGRET_TAGS)],
    "regret by recorded millisecond: mean and 95% band": ["Margin", list(TIMED_REGRET_TAGS)],
}
MILLISECONDS = 1000


def write_aggregate(comparison: Analysis, folder: Path) -> None:
    """Write one run per agent into ``folder/<agent>``, in place of those of an earlier comparison.

    What the searches saw is written and, where the optimum is known, the regret of it; test accuracy
    stays in the report.
    """
    shutil.rmtree(folder, ignore_errors=True)
    tags = MEAN_TAGS if comparison.has_regret else TAGS
    charts = {CHART.format(comparison.estimand.name): ["Margin", list(tags)]}
    charts |= REGRET_CHARTS if comparison.has_regret else {}
    for agent, curve in comparison.evaluation_curves.items():
        with closing(EventFile(folder / agent)) as events:
            events.summary(custom_scalars({"comparison": charts}))
            _write(events, tags, curve, curve.x)
            if comparison.has_regret:
                regret, timed = comparison.evaluation_regrets[agent], comparison.second_regrets[agent]
                _write(events, REGRET_TAGS, regret, regret.x)
                _write(events, TIMED_REGRET_TAGS, timed, timed.x * MILLISECONDS)


def _write(events: EventFile, tags: Sequence[str], curve: Curve, steps: np.ndarray) -> None:
    for step, *values in zip(steps, curve.value, curve.lower, curve.upper, strict=True):
        events.scalars(dict(zip(tags, values, strict=True)), round(float(step)))
