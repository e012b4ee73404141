"""The 20 data sets of `compare.py`: from scikit-learn and mnist1d, or generated; all offline.

Sources of the generated ones: tic-tac-toe's final boards and balance scale (UCI repository), the second
MONK's problem (Thrun et al. 1991), Hastie et al. 2009 (example 10.2), Friedman 1991, the borehole function
(Harper and Gupta 1983), a robot arm as in DELVE's kin-8nm, waveforms (Breiman et al. 1984).
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn import datasets

SEED = 7
Group = Literal["classes", "values", "images", "signals"]


@dataclass(frozen=True)
class DataSet:
    """Examples with what is to be predicted.

    Attributes:
        x: a data frame, or an array (n, features) or (n, channels, *sides).
        y: labels, int64 (n,), or values, float64 (n,).
    """

    x: Any
    y: np.ndarray


def wine() -> DataSet:
    return DataSet(*datasets.load_wine(return_X_y=True))


def breast_cancer() -> DataSet:
    return DataSet(*datasets.load_breast_cancer(return_X_y=True))


def tic_tac_toe() -> DataSet:
    """958 final boards of tic-tac-toe in which x began: has x won?"""
    lines = [
        *(range(3 * row, 3 * row + 3) for row in range(3)),
        *(range(column, 9, 3) for column in range(3)),
    ]
    lines += [range(0, 9, 4), range(2, 8, 2)]
    finals: dict[str, bool] = {}
    seen: set[str] = set()

    def won(board: str, player: str) -> bool:
        return any(all(board[place] == player for place in line) for line in lines)

    def play(board: str, player: str) -> None:
        if board in seen:
            return
        seen.add(board)
        other = "o" if player == "x" else "x"
        if won(board, other) or "b" not in board:
            finals[board] = won(board, "x")
            return
        for place in (place for place, mark in enumerate(board) if mark == "b"):
            play(board[:place] + player + board[place + 1 :], other)

    play("b" * 9, "x")
    boards = sorted(finals)
    frame = pd.DataFrame([list(board) for board in boards], columns=[f"square {n}" for n in range(1, 10)])
    return DataSet(frame, np.array([int(finals[board]) for board in boards]))


def balance_scale() -> DataSet:
    """625 scales with a weight and a distance of 1 to 5 on each side: which side goes down?"""
    x = np.array(list(itertools.product(range(1, 6), repeat=4)), dtype=float)
    return DataSet(x, np.sign(x[:, 0] * x[:, 1] - x[:, 2] * x[:, 3]).astype(int) + 1)


def monks_2() -> DataSet:
    """432 robots of six attributes: have exactly two of them their first value?"""
    sizes = (3, 3, 2, 3, 4, 2)
    codes = np.array(list(itertools.product(*map(range, sizes))))
    letters = np.array(list(string.ascii_lowercase))
    frame = pd.DataFrame({f"attribute {n}": letters[column] for n, column in enumerate(codes.T, start=1)})
    return DataSet(frame, ((codes == 0).sum(axis=1) == 2).astype(int))


def hastie() -> DataSet:
    """1,500 points of ten normal features: are they far from the centre?"""
    x, y = datasets.make_hastie_10_2(1500, random_state=SEED)
    return DataSet(x, (y > 0).astype(int))


def informative() -> DataSet:
    """2,000 rows of 20 features, 6 of which tell three classes apart; 5% of the labels are wrong."""
    x, y = datasets.make_classification(
        2000, 20, n_informative=6, n_redundant=4, n_classes=3, flip_y=0.05, random_state=SEED
    )
    return DataSet(x, y)


def customers() -> DataSet:
    """2,000 rows of a town of 40, a trade of 6 and four numbers, one of them cyclic: do they buy?"""
    rng, frame, town, trade = _mixed(2000)
    signal = town["taste"] + trade["taste"] * np.sign(frame["age"] - 45) + 1.5 * np.sin(4 * frame["season"])
    return DataSet(frame, (signal + rng.normal(0, 0.5, len(frame)) > 0).to_numpy().astype(int))


def diabetes() -> DataSet:
    return DataSet(*datasets.load_diabetes(return_X_y=True))


def friedman_1() -> DataSet:
    return DataSet(*datasets.make_friedman1(800, noise=1.0, random_state=SEED))


def friedman_3() -> DataSet:
    return DataSet(*datasets.make_friedman3(800, noise=0.1, random_state=SEED))


def borehole() -> DataSet:
    """1,000 boreholes: the logarithm of the flow of water, with 5% noise."""
    rng = np.random.default_rng(SEED)
    low = np.array([0.05, 100, 63070, 990, 63.1, 700, 1120, 9855])
    high = np.array([0.15, 50000, 115600, 1110, 116, 820, 1680, 12045])
    x = rng.uniform(low, high, (1000, 8))
    radius, reach, upper, upper_head, lower, lower_head, length, conductivity = x.T
    ratio = np.log(reach / radius)
    below = ratio * (1 + 2 * length * upper / (ratio * radius**2 * conductivity) + upper / lower)
    flow = 2 * np.pi * upper * (upper_head - lower_head) / below
    return DataSet(x, np.log(flow) + rng.normal(0, 0.05, 1000))


def robot_arm() -> DataSet:
    """2,000 positions of an arm of eight joints in the plane: how far is its hand from a point?"""
    rng = np.random.default_rng(SEED)
    angles = rng.uniform(-np.pi / 2, np.pi / 2, (2000, 8))
    turned = angles.cumsum(axis=1)
    hand = np.stack([np.cos(turned).sum(axis=1), np.sin(turned).sum(axis=1)]) / 8
    return DataSet(angles, np.hypot(hand[0] - 0.1, hand[1] - 0.1) + rng.normal(0, 0.02, 2000))


def rents() -> DataSet:
    """2,000 rents by a town of 40, a trade of 6 and four numbers, one of which works in cycles."""
    rng, frame, town, trade = _mixed(2000)
    y = 8 + 2 * town["taste"] + trade["taste"] * frame["age"] / 30 + np.sin(4 * frame["season"])
    return DataSet(frame, (y + rng.normal(0, 0.5, len(frame))).to_numpy())


def digits() -> DataSet:
    found = datasets.load_digits()
    return DataSet(found.images[:, None], found.target)


def glyphs() -> DataSet:
    """2,000 noisy pictures of ten letters in the fonts of matplotlib, turned, moved and of any size."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    rng = np.random.default_rng(SEED)
    fonts = sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("DejaVu*.ttf"))
    fonts = [font for font in fonts if "Display" not in font.name]
    y = np.arange(2000) % 10
    pictures = np.empty((len(y), 1, 14, 14))
    for number, label in enumerate(y):
        font = ImageFont.truetype(str(fonts[rng.integers(len(fonts))]), int(rng.integers(26, 40)))
        picture = Image.new("L", (56, 56))
        place = tuple(28 + rng.uniform(-6, 6, 2))
        ImageDraw.Draw(picture).text(place, "ABDEGKOQRS"[label], fill=255, font=font, anchor="mm")
        turned = picture.rotate(float(rng.uniform(-25, 25)), Image.Resampling.BILINEAR)
        pictures[number, 0] = np.asarray(turned.resize((14, 14), Image.Resampling.BOX)) / 255
    return DataSet(pictures + rng.normal(0, 0.2, pictures.shape), y)


def patches() -> DataSet:
    """2,000 patches of scikit-learn's two photographs, in grey with random contrast: of which are they?"""
    rng = np.random.default_rng(SEED)
    x, y = [], []
    for label, name in enumerate(("china.jpg", "flower.jpg")):
        grey = datasets.load_sample_image(name).mean(axis=2)
        rows, columns = (side // 12 for side in grey.shape)
        cut = grey[: 12 * rows, : 12 * columns].reshape(rows, 12, columns, 12).swapaxes(1, 2)
        chosen = rng.permutation(cut.reshape(-1, 12, 12))[:1000]
        centred = chosen - chosen.mean(axis=(1, 2), keepdims=True)
        x.append(centred / (centred.std(axis=(1, 2), keepdims=True) + 5))
        y.append(np.full(1000, label))
    return DataSet(np.concatenate(x)[:, None], np.concatenate(y))


def mnist1d() -> DataSet:
    """The first 2,000 examples of MNIST-1D (Greydanus and Kobak 2024)."""
    from nas_gym.tasks import make_task

    task = make_task("mnist1d")
    x = np.concatenate([task.x_train, task.x_validation])[:2000]
    return DataSet(x.astype(float), np.concatenate([task.y_train, task.y_validation])[:2000])


def waveforms() -> DataSet:
    """1,500 noisy mixtures of two of three triangles: which two?"""
    rng = np.random.default_rng(SEED)
    places = np.arange(1, 22)
    waves = np.array([np.maximum(6 - abs(places - centre), 0) for centre in (11, 15, 7)])
    y = np.arange(1500) % 3
    share = rng.uniform(0, 1, (1500, 1))
    one, other = np.array([(0, 1), (0, 2), (1, 2)])[y].T
    x = share * waves[one] + (1 - share) * waves[other] + rng.normal(0, 1, (1500, 21))
    return DataSet(x[:, None], y)


def chirps() -> DataSet:
    """1,500 noisy sounds somewhere in silence: rising, falling, steady, or of two tones?"""
    rng = np.random.default_rng(SEED)
    y = np.arange(1500) % 4
    x = rng.normal(0, 0.7, (1500, 1, 64))
    time = np.linspace(0, 1, 40)
    for number, label in enumerate(y):
        low, high = rng.uniform(2, 5), rng.uniform(7, 11)
        start, end = [(low, high), (high, low), (low, low), (low, high)][label]
        rate = np.where(time < 0.5, start, end) if label == 3 else start + (end - start) * time
        at = rng.integers(0, 24)
        x[number, 0, at : at + 40] += np.sin(2 * np.pi * (np.cumsum(rate) / 40 + rng.uniform()))
    return DataSet(x, y)


def _mixed(count: int) -> tuple[np.random.Generator, pd.DataFrame, dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(SEED)
    towns, trades = [f"town {n}" for n in range(40)], [f"trade {n}" for n in range(6)]
    town = rng.choice(40, count, p=rng.dirichlet(np.full(40, 2.0)))
    trade = rng.integers(6, size=count)
    frame = pd.DataFrame(
        {
            "town": np.array(towns)[town],
            "trade": np.array(trades)[trade],
            "age": rng.uniform(18, 90, count),
            "income": rng.lognormal(10, 0.5, count),
            "season": rng.uniform(0, 2 * np.pi, count),
            "noise": rng.normal(size=count),
        }
    )
    return rng, frame, {"taste": rng.normal(size=40)[town]}, {"taste": rng.normal(size=6)[trade]}


DATA_SETS: dict[str, tuple[Group, Callable[[], DataSet]]] = {
    "wine": ("classes", wine),
    "breast cancer": ("classes", breast_cancer),
    "tic-tac-toe": ("classes", tic_tac_toe),
    "balance scale": ("classes", balance_scale),
    "monks 2": ("classes", monks_2),
    "hastie": ("classes", hastie),
    "informative": ("classes", informative),
    "customers": ("classes", customers),
    "diabetes": ("values", diabetes),
    "friedman 1": ("values", friedman_1),
    "friedman 3": ("values", friedman_3),
    "borehole": ("values", borehole),
    "robot arm": ("values", robot_arm),
    "rents": ("values", rents),
    "digits": ("images", digits),
    "glyphs": ("images", glyphs),
    "patches": ("images", patches),
    "mnist1d": ("signals", mnist1d),
    "waveforms": ("signals", waveforms),
    "chirps": ("signals", chirps),
}


@cache
def load(name: str) -> DataSet:
    """Return a data set by name."""
    return DATA_SETS[name][1]()
