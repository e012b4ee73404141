"""The training engine: one network after another, each an ordinary PyTorch module."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from nas_gym.errors import NASGymError
from nas_gym.evaluators.module import NetworkModule, initial_weights
from nas_gym.evaluators.recipe import Recipe
from nas_gym.network import Network

ENGINE_VERSION = 1  # raised by hand when the numbers that training gives change; a golden test guards it
EVALUATION_BATCH = 2048


@dataclass(frozen=True, slots=True)
class Member:
    """One training run: a network, the seed of its weights and batches, and its epochs (None: all)."""

    network: Network
    seed: int
    epochs: int | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """What training a member gave.

    Attributes:
        curve: validation accuracy after each finished epoch, in [0, 1].
        error: why training stopped early, "" if it did not.
        seconds: wall time.
        module: the trained network in evaluation mode, on the engine's device.
    """

    curve: tuple[float, ...]
    error: str
    seconds: float
    module: NetworkModule


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Training and validation part on the device: x float32 (n, *input_shape), y int64 (n,)."""

    x_train: Tensor
    y_train: Tensor
    x_validation: Tensor
    y_validation: Tensor


def train(members: Sequence[Member], data: TrainingData, recipe: Recipe) -> Iterator[tuple[int, Trained]]:
    """Train members on the device of `data`; yields (position, result) as each is finished."""
    for position, member in enumerate(members):
        with one_thread(), memory_errors(member.network, recipe):
            trained = _train_one(member, data, recipe)
        yield position, trained


@torch.no_grad()
def accuracy(module: NetworkModule, x: Tensor, y: Tensor) -> float:
    """Share of examples whose largest logit is at the right class, in [0, 1]."""
    module.eval()
    correct = sum(
        int((module(x_part).argmax(1) == y_part).sum())
        for x_part, y_part in zip(x.split(EVALUATION_BATCH), y.split(EVALUATION_BATCH), strict=True)
    )
    return correct / len(y)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread.

    Results then do not depend on the machine's cores, and no pool of threads is started that a
    process forked later would wait for.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def memory_errors(network: Network, recipe: Recipe) -> Iterator[None]:
    """Turn an out-of-memory error, which is no result, into one sentence."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise NASGymError(
            f"not enough memory to train a network of {network.parameters:,} parameters in batches of "
            f"{recipe.batch_size}: lower batch_size or set max_parameters; finished evaluations are kept"
        ) from error


def _train_one(member: Member, data: TrainingData, recipe: Recipe) -> Trained:
    start = time.perf_counter()
    device = data.x_train.device
    module = NetworkModule(member.network)
    module.load_state_dict(dict(initial_weights(member.network, member.seed)), strict=False)
    module.to(device)
    optimizer = _optimizer(module, recipe)
    generator = torch.Generator().manual_seed(member.seed)
    steps_per_epoch = math.ceil(len(data.y_train) / recipe.batch_size)
    curve: list[float] = []
    error = ""
    for epoch in range(member.epochs or recipe.epochs):
        order = torch.randperm(len(data.y_train), generator=generator).to(device)
        module.train()
        largest = torch.zeros((), device=device)
        for step, batch in enumerate(order.split(recipe.batch_size), start=epoch * steps_per_epoch):
            _set_learning_rate(optimizer, recipe, step / (recipe.epochs * steps_per_epoch))
            loss = _loss(module, data.x_train[batch], data.y_train[batch], recipe)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            largest = torch.maximum(largest, loss.detach())
        if not math.isfinite(float(largest)):
            error = f"training diverged: the loss was not finite in epoch {epoch + 1}"
            break
        curve.append(accuracy(module, data.x_validation, data.y_validation))
    return Trained(tuple(curve), error, time.perf_counter() - start, module.eval())


def _loss(module: NetworkModule, x: Tensor, y: Tensor, recipe: Recipe) -> Tensor:
    autocast = torch.autocast("cuda", torch.bfloat16) if x.device.type == "cuda" else nullcontext()
    with autocast:
        return F.cross_entropy(module(x), y, label_smoothing=recipe.label_smoothing)


def _optimizer(module: NetworkModule, recipe: Recipe) -> torch.optim.Optimizer:
    parameters = list(module.parameters())
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(
            parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
    return torch.optim.SGD(
        parameters,
        lr=recipe.learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def _set_learning_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, progress: float) -> None:
    if recipe.schedule == "cosine":
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
