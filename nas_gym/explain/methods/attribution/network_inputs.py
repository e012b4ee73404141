"""The inputs that a network uses: attributions, and checks that what they name matters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from nas_gym._clock import check_time
from nas_gym.explain.methods.attribution.integrated_gradients import (
    Attributions,
    batch_for,
    most_pieces,
    refined_gradients,
)
from nas_gym.explain.methods.attribution.score_drop import outputs_of, score_of
from nas_gym.networks import Network, NetworkModule
from nas_gym.tasks import Target, Task

FEWEST, MOST = 10, 60
OPERATIONS = 6e6
"""Operations that attributions may cost; divided by a network's FLOPs they give the number of examples."""
SHUFFLING = 2e10
"""Operations that the shuffling of channels may cost."""
SALIENCY_EXAMPLES, CHECK_EXAMPLES = 500, 2000
REPEATS = 20
DELETED = 0.1


@dataclass(frozen=True)
class InputUse:
    """The inputs that a network uses.

    Attributes:
        attributions: integrated gradients of the explained output of each example.
        examples: the attributed examples, standardised, float64 (n, ...).
        explained: number of the output that is explained of each, int64 (n,).
        importance: mean of |attribution| over reliable examples, float64, of an example's shape.
        by_output: the same for each explained output, NaN where no example is reliable.
        saliency: mean of |gradient| over more examples, float64, of an example's shape.
        saliency_by_output: the same for each explained output.
    """

    attributions: Attributions
    examples: np.ndarray
    explained: np.ndarray
    importance: np.ndarray
    by_output: np.ndarray
    saliency: np.ndarray
    saliency_by_output: np.ndarray


@dataclass(frozen=True)
class DeletionCheck:
    """A check whether the score drops more without inputs that are called important than without others.

    Attributes:
        deleted: number of inputs of an example that were replaced by their average.
        drop: drop of the score without the inputs that the attributions rank first.
        random: drop without as many drawn at random, float64 (repeats,).
    """

    deleted: int
    drop: float
    random: np.ndarray

    @property
    def confirmed(self) -> bool:
        """Whether the drop is surely larger than that without random inputs on average."""
        error = float(self.random.std(ddof=1)) / math.sqrt(len(self.random))
        return self.drop > float(self.random.mean()) + 2 * error


def examples_for(flops: int) -> int:
    """Return how many examples are attributed, for a network of so many operations."""
    return int(np.clip(OPERATIONS / max(1, flops), FEWEST, MOST))


def stratified(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the numbers of `count` examples, as evenly over the labels as there are, drawn by `seed`."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    rank = np.empty(len(labels), dtype=int)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        rank[members] = np.arange(len(members))
    return order[np.argsort(rank[order], kind="stable")][:count]


def input_use(
    module: nn.Module, x: np.ndarray, explained: np.ndarray, *, network: Network, seed: int
) -> InputUse:
    """Return attributions of validation examples, evenly drawn from those of each explained output.

    Args:
        module: float64 network.
        x: validation examples, standardised.
        explained: number of the output to explain of each example, int (n,): that of its class, or a value.
        network: graph of the module; its size decides how many examples are attributed, and how finely.
        seed: seed of the draw.
    """
    chosen = stratified(explained, examples_for(network.flops), seed)
    outputs = explained[chosen]
    found = refined_gradients(
        module,
        _tensor(x[chosen]),
        torch.as_tensor(outputs),
        batch=batch_for(network),
        most=most_pieces(network),
    )
    sizes = np.where(found.reliable.reshape(-1, *(1,) * (x.ndim - 1)), np.abs(found.values), np.nan)
    many = stratified(explained, SALIENCY_EXAMPLES, seed)
    slopes = np.abs(gradients(module, _tensor(x[many]), torch.as_tensor(explained[many])))
    numbers = range(int(explained.max()) + 1)
    return InputUse(
        found,
        x[chosen],
        outputs,
        _mean(sizes),
        np.stack([_mean(sizes[outputs == each]) for each in numbers]),
        slopes.mean(0),
        np.stack([_mean(slopes[explained[many] == each]) for each in numbers]),
    )


def gradients(module: nn.Module, x: Tensor, explained: Tensor) -> np.ndarray:
    """Return the gradients of the explained outputs, of the inputs' shape (Simonyan et al. 2014)."""
    x = x.clone().requires_grad_()
    outputs = module(x)[torch.arange(len(x)), explained]
    (slopes,) = torch.autograd.grad(outputs.sum(), x)
    return np.asarray(slopes.numpy())


def check_by_deletion(
    module: nn.Module, x: np.ndarray, y: np.ndarray, importance: np.ndarray, target: Target, seed: int
) -> DeletionCheck:
    """Return the drop of the score where the inputs ranked first are averaged, and where random ones are.

    Args:
        module: float64 network.
        x: validation examples.
        y: what is to be predicted of each, as `target` has it.
        importance: importance of each input of an example.
        target: target of the task.
        seed: seed of the random inputs.
    """
    rng = np.random.default_rng(seed)
    flat = importance.ravel()
    count = max(1, round(DELETED * len(flat)))
    rows = slice(CHECK_EXAMPLES)
    x, y = x[rows], y[rows]
    whole = score_of(target, outputs_of(module, x), y)

    def without(places: np.ndarray) -> float:
        check_time()
        changed = x.reshape(len(x), -1).copy()
        changed[:, places] = 0.0
        return whole - score_of(target, outputs_of(module, changed.reshape(x.shape)), y)

    first = np.argsort(-flat, kind="stable")[:count]
    drawn = [without(rng.choice(len(flat), count, replace=False)) for _ in range(REPEATS)]
    return DeletionCheck(count, without(first), np.array(drawn))


def permutation_importance(
    module: nn.Module, x: np.ndarray, y: np.ndarray, target: Target, seed: int
) -> np.ndarray:
    """Return the drop of the score where a feature or a channel is shuffled among examples (Breiman 2001).

    Args:
        module: float64 network.
        x: validation examples, (n, features) or (n, channels, length).
        y: what is to be predicted of each, as `target` has it.
        target: target of the task.
        seed: seed of the shuffles.

    Returns:
        Drops, float64 (repeats, features).
    """
    rng = np.random.default_rng(seed)
    x, y = x[:CHECK_EXAMPLES], y[:CHECK_EXAMPLES]
    whole = score_of(target, outputs_of(module, x), y)
    drops = np.empty((REPEATS, x.shape[1]))
    for repeat in range(REPEATS):
        for feature in range(x.shape[1]):
            check_time()
            changed = x.copy()
            changed[:, feature] = rng.permutation(changed[:, feature])
            drops[repeat, feature] = whole - score_of(target, outputs_of(module, changed), y)
    return drops


def channel_importance(module: NetworkModule, task: Task, seed: int) -> np.ndarray:
    """Return the drop of the score where a channel of signals is shuffled among the validation examples.

    Args:
        module: float64 network; of a large one fewer examples are looked at.
        task: the data, signals.
        seed: seed of the choice of examples and of the shuffles.

    Returns:
        Drops, float64 (repeats, channels).
    """
    costs = REPEATS * task.input_shape[0] * max(1, module.network.flops)
    count = int(np.clip(SHUFFLING / costs, FEWEST, CHECK_EXAMPLES))
    rows = np.sort(np.random.default_rng(seed).permutation(len(task.y_validation))[:count])
    x, y = task.x_validation[rows].astype(np.float64), task.y_validation[rows]
    return permutation_importance(module, x, y, task.target, seed)


def agreement(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return the rank correlation (Spearman) of two measures of importance; None where one is constant."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(stats.spearmanr(one, other).statistic)


def _tensor(x: np.ndarray) -> Tensor:
    return torch.tensor(x, dtype=torch.float64)


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean over the examples that are not NaN; NaN where there is none."""
    kept = values[~np.isnan(values.reshape(len(values), -1)).any(axis=1)]
    return kept.mean(0) if len(kept) else np.full(values.shape[1:], np.nan)
