"""AZ-NAS: four views of a network's blocks, and their common rank in a pool.

Source: Lee and Ham 2024, "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search". Blocks are
the largest parts of an architecture (cells, reductions, layers of a chain) up to the one with the output.
Weights are normal by fan-in (He et al. 2015), inputs standard normal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor
from torch.nn import functional as F

from nas_gym.evaluators.proxies.base import NoValueError, Proxy
from nas_gym.evaluators.proxies.probe import Probe, by_place, fan_in, run

EXAMPLES = 64
EPSILON = 1e-6
AGGREGATE = "az_nas"
NO_BLOCK = "it has no block before its output"


class Blocks:
    """The blocks of a network: their results for Gaussian inputs.

    Args:
        probe: the network.

    Attributes:
        results: of each block, (batch, channels, *sides) or (batch, features); the first is the input, of
            tokens the first block, which looks them up.
    """

    def __init__(self, probe: Probe) -> None:
        arrays = probe.drawn_arrays(21, lambda shape: math.sqrt(2 / fan_in(shape)))
        self._generator = probe.generator(22)
        x = probe.inputs(EXAMPLES, self._generator)
        if probe.embeddings:
            for number in probe.embeddings:
                arrays[number]["weight"].requires_grad_(True)
        else:
            x.requires_grad_(True)
        values = run(probe.network, arrays, x)
        ends = [values[number] for number in block_ends(probe)]
        self.results = ends if probe.embeddings else [x, *ends]

    @cached_property
    def expressivities(self) -> list[float]:
        """The entropy of the normalised principal variances of each result."""
        return [_entropy(by_place(result.detach())) for result in self.results]

    @cached_property
    def norms(self) -> list[float]:
        """An estimate of the largest singular value of each block's Jacobian, by a random sign each place.

        A block that does not read the one before it has none, nor one that makes a sequence of features.
        """
        found = []
        for before, after in zip(self.results, self.results[1:], strict=False):
            signs = torch.randint(0, 2, after.shape, generator=self._generator, device="cpu")
            out = (2.0 * signs - 1.0).to(after)
            (back,) = torch.autograd.grad(after, before, out, retain_graph=True, allow_unused=True)
            if back is None or back.dim() == 2 < after.dim():  # blocks side by side, tokens of features
                continue
            rows = by_place(_as_wide(back, after))
            found.append(float(torch.linalg.svdvals(rows.T @ by_place(out) / len(rows))[0]))
        return found


def block_ends(probe: Probe) -> list[int]:
    """Return the last node on a path of each block, in order, without the block of the output."""
    ends: dict[str, int] = {}
    for number in probe.live:
        parts = probe.network.nodes[number].parts
        if parts:
            ends.pop(parts[0], None)
            ends[parts[0]] = number
    last = len(probe.network.nodes) - 1
    final = probe.network.nodes[last].parts[:1]
    return [number for part, number in ends.items() if (part,) != final and number != last]


class _OfBlocks(Proxy):
    """What the three views of blocks share."""

    needs = "weights"

    @staticmethod
    def blocks(probe: Probe) -> Blocks:
        found: Blocks | None = vars(probe).get("az_blocks")
        if found is None:
            found = vars(probe)["az_blocks"] = Blocks(probe)
        if len(found.results) < 2:
            raise NoValueError(NO_BLOCK)
        return found


class Expressivity(_OfBlocks):
    """The sum over blocks of the entropy of the normalised principal variances of their results."""

    name = "az_expressivity"

    def value(self, probe: Probe) -> float:
        return sum(self.blocks(probe).expressivities[1:])


class Progressivity(_OfBlocks):
    """The least growth of that entropy from one block to the next, from the input on."""

    name = "az_progressivity"

    def value(self, probe: Probe) -> float:
        return float(np.diff(self.blocks(probe).expressivities).min())


class Trainability(_OfBlocks):
    """The mean over blocks of 2 - s - 1/s, with s the largest singular value of the block's Jacobian."""

    name = "az_trainability"

    def value(self, probe: Probe) -> float:
        norms = self.blocks(probe).norms
        if not norms:
            raise NoValueError("none of its blocks reads the one before it")
        return float(np.mean([2 - s - 1 / (s + EPSILON) for s in norms]))


class Complexity(Proxy):
    """The floating-point operations."""

    name = "az_complexity"
    needs = "network"

    def value(self, probe: Probe) -> float:
        return probe.network.flops


VIEWS = (Expressivity, Progressivity, Trainability, Complexity)


def az_nas_ranks(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the common rank of the networks of a pool: the sum over views of log(rank / networks).

    The best has rank N, ties share their mean rank, and a network without a value is below all others; one
    that lacks a value of a view which blocks give has none here, either.

    Args:
        values: of each of `VIEWS` by name, (networks,).
    """
    count = len(next(iter(values.values())))
    total = np.zeros(count)
    for view in VIEWS:
        total += np.log(rankdata(values[view.name]) / count)
    lacking = np.isneginf(values[Expressivity.name])
    found: np.ndarray = np.where(lacking, -np.inf, total)
    return found


def _entropy(rows: Tensor) -> float:
    centred = (rows - rows.mean(0)).double()
    variances = torch.linalg.eigvalsh(centred.T @ centred / len(rows)).clamp(min=0)
    total = float(variances.sum())
    if total <= 0:
        return 0.0
    shares = variances / total
    return float(-(shares * (shares + 1e-12).log()).sum())


def _as_wide(back: Tensor, after: Tensor) -> Tensor:
    """Return gradients by a block's input with as many places as its output: summed over windows."""
    if back.dim() == 2 or back.shape[2:] == after.shape[2:]:
        return back
    if after.dim() == 2:
        return back.flatten(2).sum(2)
    pool: Callable[..., Tensor] = F.adaptive_avg_pool1d if back.dim() == 3 else F.adaptive_avg_pool2d
    window = math.prod(back.shape[2:]) / math.prod(after.shape[2:])
    return pool(back, list(after.shape[2:])) * window
