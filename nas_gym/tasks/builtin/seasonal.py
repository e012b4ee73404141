"""A generated series: a trend, seasons within seasons, an irregular swing, and noise."""

from __future__ import annotations

import numpy as np

from nas_gym._checks import whole
from nas_gym.errors import ConfigError, unknown
from nas_gym.tasks.data import Data
from nas_gym.tasks.series.run import Run
from nas_gym.tasks.series.windows import Cut, windowed

DAY, WEEK = 24, 168
WINDOW, HORIZON = 48, 12
DIFFICULTIES = {"easy": 0.02, "medium": 0.1, "hard": 0.3}
"""Standard deviation of the noise, which nobody can foresee, beside seasons of size 1."""
DELAY, PER_STEP, GRID = 17, 2, 10
"""Of the equation of Mackey and Glass: its delay, its time in a step, and points computed of one."""


def seasonal(difficulty: str = "medium", steps: int = 16_000, stride: int = 3, seed: int = 0) -> Data:
    """Signals (1, 48) of an hourly series like that of a load; the next 12 hours are forecast.

    - **Source**: generated, the same for the same options: a trend (a random walk), a day of 24 steps with
      two harmonics whose size follows a week of 168 steps, the swing of the equation of Mackey and Glass
      (1977), which is chaotic and follows from its last values by no linear rule, and noise.
    - **Examples**: windows of two days, a new one every 3 steps.
    - **Answer**: the next 12 values at once, each as its change from the value one day before.
    - **Parts**: by time, three fifths train, a fifth each for validation and test; windows that reach into
      the next part are left out.
    - **Score**: skill against the value one day before.
    - **Best known**: a ridge regression has a skill of .48 on the test part, N-BEATS .70; the landscape of
      the space `forecaster` is fit to rank agents. The figures are in docs/domains/series.md.

    Args:
        difficulty: ``"easy"``, ``"medium"`` or ``"hard"``: how large the noise is.
        steps: length of the series, at least 1,000.
        stride: steps from one window to the next.
        seed: seed of the generation.
    """
    if difficulty not in DIFFICULTIES:
        raise unknown("difficulty of seasonal", difficulty, DIFFICULTIES)
    for option, value, least in (("steps", steps, 1_000), ("stride", stride, 1), ("seed", seed, 0)):
        if whole(value) is None or value < least:
            raise ConfigError(
                f"{option} of seasonal must be a whole number of at least {least:,}, not {value!r}"
            )
    values = _generated(steps, DIFFICULTIES[difficulty], np.random.default_rng(seed))
    times = np.arange(steps, dtype=np.float64)
    cut = Cut(("load",), (0,), WINDOW, tuple(range(1, HORIZON + 1)), DAY, stride)
    return windowed([Run(values[:, None], times, range(steps))], cut, "step")


def _generated(steps: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Return a series, float64 (steps,), rounded so that no machine's sines change it."""
    time = np.arange(steps)
    trend = 0.5 * np.cumsum(rng.standard_normal(steps)) / np.sqrt(WEEK)
    day = np.sin(2 * np.pi * time / DAY) + 0.5 * np.cos(4 * np.pi * time / DAY)
    size = 1 + 0.5 * np.sin(2 * np.pi * time / WEEK)
    values: np.ndarray = (
        trend + size * day + _swing(steps, rng.uniform(0.5, 1.2)) + noise * rng.standard_normal(steps)
    )
    rounded: np.ndarray = np.round(values, 6)
    return rounded


def _swing(steps: int, start: float) -> np.ndarray:
    """Return a solution of the equation of Mackey and Glass, of mean 0 and deviation 1.

    It is computed by sums, products and quotients alone: chaos makes much of the last bit, and these are the
    same on every machine.
    """
    rate, lag, skipped = PER_STEP / GRID, DELAY * GRID // PER_STEP, 100 * GRID
    x = [start] * (lag + 1)
    for _ in range(skipped + steps * GRID):
        delayed = x[-1 - lag]
        square = delayed * delayed
        tenth = square * square * square * square * square
        x.append(x[-1] + rate * (0.2 * delayed / (1 + tenth) - 0.1 * x[-1]))
    found = np.array(x[lag + 1 + skipped :: GRID])[:steps]
    swing: np.ndarray = (found - found.mean()) / found.std()
    return swing
