"""Windows of series, and what comes after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nas_gym.tasks.data import Data
from nas_gym.tasks.division import Division
from nas_gym.tasks.series.run import Run
from nas_gym.tasks.targets.forecast import unfitted


@dataclass(frozen=True)
class Cut:
    """How series are cut.

    Attributes:
        channels: names of the channels of an example.
        targets: places of the channels that are forecast.
        window: steps of an example.
        steps: the steps after an example that are forecast, from 1.
        season: steps of a season; a window has at least one.
        stride: steps from one example to the next.
        names: a name for each answer; () for the channel and the step.
    """

    channels: tuple[str, ...]
    targets: tuple[int, ...]
    window: int
    steps: tuple[int, ...]
    season: int = 1
    stride: int = 1
    names: tuple[str, ...] = field(default=())

    @property
    def span(self) -> int:
        """Steps of an example with what is forecast."""
        return self.window + max(self.steps)

    @property
    def answers(self) -> tuple[str, ...]:
        """A name for each answer, those of a channel one after another."""
        of = [f"{self.channels[place]} +{step}" for place in self.targets for step in self.steps]
        return self.names or tuple(of)

    @property
    def naive(self) -> list[int]:
        """Where in a window the seasonal naive forecast of each step is."""
        return [self.window - 1 + step + self.season * (-step // self.season) for step in self.steps]

    @property
    def base(self) -> tuple[int, ...]:
        """Place in a flattened example of the naive forecast of each answer."""
        return tuple(place * self.window + at for place in self.targets for at in self.naive)


def windowed(runs: Sequence[Run], cut: Cut, called: str = "time", **data: Any) -> Data:
    """Return the data of runs that are long enough for a window and what is forecast of it.

    Args:
        runs: at least one of which is long enough.
        cut: how they are cut.
        called: what the times are called.
        **data: what else `Data` holds.
    """
    long = [run for run in runs if len(run.times) >= cut.span]
    parts = [_of_run(run, cut) for run in long]
    x, y, begins, ends = (np.concatenate(each) for each in zip(*parts, strict=True))
    clock = [run.clock[place] for run in long for place in _starts(run, cut) + cut.span - 1]
    division = Division(times=ends, clock=clock, names=(("times", called),), begins=begins)
    series = [cut.channels[place] for place in cut.targets]
    target = unfitted(cut.answers, series, cut.base, cut.season)
    return Data(x, y, inputs="signal", target=target, division=division, channel_names=cut.channels, **data)


def _of_run(run: Run, cut: Cut) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return examples (n, channels, window), changes (n, answers), and first and last times (n,)."""
    starts = _starts(run, cut)
    x = run.values[starts[:, None] + np.arange(cut.window)].transpose(0, 2, 1)
    after = run.values[starts[:, None] + cut.window - 1 + np.array(cut.steps)].transpose(0, 2, 1)
    targets = list(cut.targets)
    changes = after[:, targets] - x[:, targets][:, :, cut.naive]
    return x, changes.reshape(len(x), -1), run.times[starts], run.times[starts + cut.span - 1]


def _starts(run: Run, cut: Cut) -> np.ndarray:
    """Return the first step of each window; the last window ends with the run."""
    return np.arange((len(run.times) - cut.span) % cut.stride, len(run.times) - cut.span + 1, cut.stride)
