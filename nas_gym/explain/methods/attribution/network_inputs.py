"""What of its inputs a network uses: attributions, and checks that what they name matters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from nas_gym.explain.methods.attribution.integrated_gradients import (
    Attributions,
    batch_for,
    most_pieces,
    refined_gradients,
)
from nas_gym.networks import Network

FEWEST, MOST = 10, 60
OPERATIONS = 6e6
"""Work per example that few examples are worth; divided by a network's FLOPs it gives their number."""
SALIENCY_EXAMPLES, CHECK_EXAMPLES = 500, 2000
REPEATS = 20
DELETED = 0.1


@dataclass(frozen=True)
class InputUse:
    """What of its inputs a network uses.

    Attributes:
        attributions: integrated gradients of the output of the true class.
        examples: the attributed examples, standardised, float64 (n, ...).
        labels: their true classes, int64 (n,).
        importance: mean of |attribution| over reliable examples, float64, of an example's shape.
        by_class: the same for each class, NaN where no example is reliable.
        saliency: mean of |gradient| over more examples, float64, of an example's shape.
        saliency_by_class: the same for each class.
    """

    attributions: Attributions
    examples: np.ndarray
    labels: np.ndarray
    importance: np.ndarray
    by_class: np.ndarray
    saliency: np.ndarray
    saliency_by_class: np.ndarray


@dataclass(frozen=True)
class Check:
    """Whether inputs that are called important are so.

    Attributes:
        deleted: values of an example that were replaced by the average one.
        drop: loss of accuracy without those that the attributions rank first.
        random: loss without as many drawn at random, float64 (repeats,).
    """

    deleted: int
    drop: float
    random: np.ndarray

    @property
    def confirmed(self) -> bool:
        """Whether the loss is surely more than that of random values on average."""
        error = float(self.random.std(ddof=1)) / math.sqrt(len(self.random))
        return self.drop > float(self.random.mean()) + 2 * error


def examples_for(flops: int) -> int:
    """Return how many examples are attributed, for a network of so many operations."""
    return int(np.clip(OPERATIONS / max(1, flops), FEWEST, MOST))


def stratified(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the numbers of `count` examples, as evenly over the classes as there are, drawn by `seed`."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    rank = np.empty(len(labels), dtype=int)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        rank[members] = np.arange(len(members))
    return order[np.argsort(rank[order], kind="stable")][:count]


def input_use(module: nn.Module, x: np.ndarray, y: np.ndarray, *, network: Network, seed: int) -> InputUse:
    """Return attributions of validation examples, evenly drawn from the classes.

    Args:
        module: float64 network.
        x: validation examples, standardised.
        y: their classes.
        network: what the module computes; its size decides how many examples are attributed, and how finely.
        seed: seed of the draw.
    """
    chosen = stratified(y, examples_for(network.flops), seed)
    labels = y[chosen]
    found = refined_gradients(
        module,
        _tensor(x[chosen]),
        torch.as_tensor(labels),
        batch=batch_for(network),
        most=most_pieces(network),
    )
    sizes = np.where(found.reliable.reshape(-1, *(1,) * (x.ndim - 1)), np.abs(found.values), np.nan)
    many = stratified(y, SALIENCY_EXAMPLES, seed)
    slopes = np.abs(gradients(module, _tensor(x[many]), torch.as_tensor(y[many])))
    classes = range(int(y.max()) + 1)
    return InputUse(
        found,
        x[chosen],
        labels,
        _mean(sizes),
        np.stack([_mean(sizes[labels == each]) for each in classes]),
        slopes.mean(0),
        np.stack([_mean(slopes[y[many] == each]) for each in classes]),
    )


def gradients(module: nn.Module, x: Tensor, target: Tensor) -> np.ndarray:
    """Return gradients of the output of each example's class, of the inputs' shape (Simonyan et al. 2014)."""
    x = x.clone().requires_grad_()
    outputs = module(x)[torch.arange(len(x)), target]
    (slopes,) = torch.autograd.grad(outputs.sum(), x)
    return np.asarray(slopes.numpy())


def deletion(module: nn.Module, x: np.ndarray, y: np.ndarray, importance: np.ndarray, seed: int) -> Check:
    """Return the accuracy lost where the values ranked first are averaged, and where random ones are.

    Args:
        module: float64 network.
        x: validation examples.
        y: their classes.
        importance: importance of each value of an example.
        seed: seed of the random values.
    """
    rng = np.random.default_rng(seed)
    flat = importance.ravel()
    count = max(1, round(DELETED * len(flat)))
    rows = slice(CHECK_EXAMPLES)
    x, y = x[rows], y[rows]
    whole = score(module, x, y)

    def without(places: np.ndarray) -> float:
        changed = x.reshape(len(x), -1).copy()
        changed[:, places] = 0.0
        return whole - score(module, changed.reshape(x.shape), y)

    first = np.argsort(-flat, kind="stable")[:count]
    drawn = [without(rng.choice(len(flat), count, replace=False)) for _ in range(REPEATS)]
    return Check(count, without(first), np.array(drawn))


def permutation_importance(module: nn.Module, x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Return loss of accuracy where a feature's values are dealt out anew among the examples (Breiman 2001).

    Args:
        module: float64 network.
        x: (n, features), validation examples.
        y: their classes.
        seed: seed of the shuffles.

    Returns:
        float64 (repeats, features).
    """
    rng = np.random.default_rng(seed)
    x, y = x[:CHECK_EXAMPLES], y[:CHECK_EXAMPLES]
    whole = score(module, x, y)
    losses = np.empty((REPEATS, x.shape[1]))
    for repeat in range(REPEATS):
        for feature in range(x.shape[1]):
            changed = x.copy()
            changed[:, feature] = rng.permutation(changed[:, feature])
            losses[repeat, feature] = whole - score(module, changed, y)
    return losses


def agreement(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return rank correlation (Spearman) of two measures of importance; None where one is constant."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(stats.spearmanr(one, other).statistic)


@torch.no_grad()
def score(module: nn.Module, x: np.ndarray, y: np.ndarray) -> float:
    """Return share of examples that are classified right."""
    parts = _tensor(x).split(CHECK_EXAMPLES)
    predicted = torch.cat([module(part).argmax(1) for part in parts]).numpy()
    return float((predicted == y).mean())


def _tensor(x: np.ndarray) -> Tensor:
    return torch.tensor(x, dtype=torch.float64)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return mean over the examples that are not NaN; NaN where there is none."""
    kept = values[~np.isnan(values.reshape(len(values), -1)).any(axis=1)]
    return kept.mean(0) if len(kept) else np.full(values.shape[1:], np.nan)
