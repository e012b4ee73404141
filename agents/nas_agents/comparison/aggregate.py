"""The aggregate TensorBoard runs of a comparison: one per agent, with margin charts over its seeds."""

from __future__ import annotations

import shutil
from pathlib import Path

from nas_agents.comparison.analysis import Comparison

TAGS = tuple(f"incumbent/{part}" for part in ("interquartile_mean", "lower", "upper"))
LAYOUT = {
    "comparison": {
        "best accuracy so far, as seen (optimistic): interquartile mean and 95% band": ["Margin", list(TAGS)]
    }
}


def write_aggregate(comparison: Comparison, folder: Path) -> None:
    """Write one run per agent into ``folder/<agent>``, in place of those of an earlier comparison.

    Only what the searches saw is written; test accuracy stays in the report.
    """
    from torch.utils.tensorboard.writer import SummaryWriter

    shutil.rmtree(folder, ignore_errors=True)
    for agent, curve in comparison.evaluation_curves.items():
        with SummaryWriter(str(folder / agent)) as writer:
            writer.add_custom_scalars(LAYOUT)
            for step, *values in zip(curve.x, curve.value, curve.lower, curve.upper, strict=True):
                for tag, value in zip(TAGS, values, strict=True):
                    writer.add_scalar(tag, value, int(step))
