"""Volatility of five shares, of the package bokeh-sampledata."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

import numpy as np

from nas_gym.tasks.data import Data
from nas_gym.tasks.series.packages import sample_rows
from nas_gym.tasks.series.run import Run
from nas_gym.tasks.series.windows import Cut, windowed

DAYS = 5
LEAST = 1e-4
"""Added to a volatility before its logarithm: a day without a change has none."""


def volatility(window: int = 32, stride: int = 2) -> Data:
    """Signals (3, 32) of a share's last 32 days; the logarithm of its volatility in the next 5 is forecast.

    - **Source**: `stocks.csv.gz` of the package bokeh-sampledata (extra ``series``), which is read without
      importing it: daily prices of AAPL, FB, GOOG, IBM and MSFT from 2000 to 2013, 12,154 rows. Public
      domain, as the package's ``licenses/datasets.json`` says.
    - **Examples**: 32 trading days of one share, a new window every second day, in three channels:
      ``volatility``, the logarithm of the root mean square of the last 5 days' returns; ``return``, the
      day's logarithmic return of the adjusted close; ``range``, the logarithm of the day's highest over its
      lowest price.
    - **Answer**: ``volatility`` 5 days later, that is of the 5 days after the window. Never the direction of
      a price: whether it rises is noise in such data (whatever was tried is right half the time), and who
      searches long enough finds a network that seems to know.
    - **Parts**: by time over all shares together, so that no day is in two parts; windows that reach into the
      next part are left out.
    - **Score**: skill against the volatility of the last 5 days.
    - **Best known**: volatility comes in spells, so that the mean over a month is a better forecast than the
      last 5 days. A ridge regression of the window has a skill of .43 on the test part, and no network that
      was tried has clearly more. One training alone is too noisy to rank agents by. The
      figures are in docs/domains/series.md.

    Args:
        window: days of an example.
        stride: days from one window to the next.
    """
    rows = sample_rows("volatility", "stocks.csv.gz")
    days = sorted({row["Date"] for row in rows})
    numbers = {day: float(number) for number, day in enumerate(days)}
    runs = []
    for _, share in groupby(sorted(rows, key=itemgetter("Ticker", "Date")), key=itemgetter("Ticker")):
        of_share = list(share)
        close, high, low = (
            np.array([float(row[name]) for row in of_share]) for name in ("Adj Close", "High", "Low")
        )
        returns = np.diff(np.log(close))
        squares = np.convolve(np.square(returns), np.full(DAYS, 1 / DAYS), mode="valid")
        values = np.stack(
            [np.log(np.sqrt(squares) + LEAST), returns[DAYS - 1 :], np.log(high / low)[DAYS:]], axis=1
        )
        dates = [row["Date"] for row in of_share[DAYS:]]
        runs.append(Run(values, np.array([numbers[day] for day in dates]), dates))
    names = (f"log volatility of the next {DAYS} days",)
    return windowed(
        runs, Cut(("volatility", "return", "range"), (0,), window, (DAYS,), stride=stride, names=names), "day"
    )
