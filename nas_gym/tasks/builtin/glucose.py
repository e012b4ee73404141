"""A patient's glucose over half a year, of the package bokeh-sampledata."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np

from nas_gym.tasks.data import Data
from nas_gym.tasks.series.packages import sample_rows
from nas_gym.tasks.series.run import Run
from nas_gym.tasks.series.windows import Cut, windowed

MINUTES = 5
AHEAD = 30 // MINUTES
BREAK = 1.5 * MINUTES


def glucose(window: int = 32, stride: int = 6) -> Data:
    """Signals (1, 32) of one patient's glucose every 5 minutes; the value 30 minutes later is forecast.

    - **Source**: `CGM.csv.gz` of the package bokeh-sampledata (extra ``series``), which is read without
      importing it: a continuous glucose monitor of one person with diabetes, 52,281 readings from March to
      September 2010, in mg/dl. Public domain, as the package's ``licenses/datasets.json`` says.
    - **Examples**: windows of 32 readings (2 h 40 min) that no gap interrupts: the sensor pauses now and
      then. A new window begins every 30 minutes, since neighbours are almost the same.
    - **Answer**: glucose 30 minutes after the window's end, the time that a warning of low sugar needs. The
      network answers the change from the last reading, see `nas_gym.tasks.targets.forecast`.
    - **Parts**: by time, the first three fifths train, the next fifth is validation, the last is test;
      windows that reach into the next part are left out.
    - **Score**: skill against the last reading ("persistence"). What meals and insulin do is not in the
      data, which bounds it far below 1.
    - **Best known**: a ridge regression of the window has a skill of .27 on the test part, a small temporal
      convolutional network .31, perceptrons less. Architectures hardly differ beyond the noise of a training,
      so that agents are better compared on `seasonal`; the figures are in docs/domains/series.md.

    Args:
        window: readings of an example, 5 minutes apart.
        stride: readings from one window to the next.
    """
    rows = sample_rows("glucose", "CGM.csv.gz")
    moments = [datetime.fromisoformat(row["datetime"]) for row in rows]
    order = sorted(range(len(rows)), key=lambda row: moments[row])
    minutes = [(moments[row] - moments[order[0]]).total_seconds() / 60 for row in order]
    values = [float(rows[row]["glucose"]) for row in order]
    breaks = [place for place, (a, b) in enumerate(pairwise(minutes), 1) if not 0 < b - a < BREAK]
    runs = [
        Run(
            np.array(values[start:stop])[:, None],
            np.array(minutes[start:stop]),
            [str(moments[row]) for row in order[start:stop]],
        )
        for start, stop in pairwise([0, *breaks, len(rows)])
    ]
    cut = Cut(("glucose",), (0,), window, (AHEAD,), stride=stride, names=("glucose in 30 minutes",))
    return windowed(runs, cut)
