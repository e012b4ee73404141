"""Random numbers of a training step that follow from the seed, the node and the step alone.

Each number is a hash of its place, so that none depends on what was drawn before: members draw theirs side
by side as they do alone, and a list of calls that is recorded once draws new ones each time it runs (Salmon
et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"). The hash is the finaliser of MurmurHash3, in
whole numbers of 32 bits, which every device computes alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor

from nas_gym.training.kernels.layout import constant
from nas_gym.training.program.tape import Kernel

PLACE, STEP = 0x9E3779B1, 0x85EBCA77  # odd, so that places and steps are spread over all 32 bits
ROUNDS = ((16, 0x85EBCA6B), (13, 0xC2B2AE35))
LAST_SHIFT = 16
SHARE = 2.0**-32


def noise_keys(seeds: Sequence[int], nodes: Sequence[int]) -> Tensor:
    """Return a key for each pair of a training seed and the number of a node, int32."""
    states = [
        np.random.SeedSequence([seed, node]).generate_state(1)
        for seed, node in zip(seeds, nodes, strict=True)
    ]
    return torch.from_numpy(np.concatenate(states).view(np.int32).copy())


class NoiseKernels:
    """The numbers of some nodes, (rows, numbers) in [0, 1], new ones each step.

    Args:
        keys: of the nodes, as `noise_keys` gives them, on the device.
        numbers: how many each node draws in a step.
    """

    def __init__(self, keys: Tensor, numbers: int) -> None:
        device = keys.device
        places = np.arange(numbers, dtype=np.uint32) * np.uint32(PLACE)
        self._places = torch.from_numpy(places.view(np.int32).copy()).to(device)
        self._keys, self._row_keys = keys, torch.zeros_like(keys)
        self._turn = torch.zeros(1, dtype=torch.int32, device=device)
        self._factors = {factor: _int32(factor, device) for factor in (STEP, *(each for _, each in ROUNDS))}

    def draw(self, step: Tensor, bits: Tensor, shifted: Tensor, out: Tensor) -> Iterator[Kernel]:
        """Write the numbers of a step.

        Args:
            step: the number of the step, int32 (1,).
            bits: scratch, int32 (rows, numbers).
            shifted: likewise.
            out: float32 (rows, numbers).
        """
        yield partial(torch.mul, step, self._factors[STEP], out=self._turn)
        yield partial(torch.add, self._keys, self._turn, out=self._row_keys)
        yield partial(torch.add, self._places.unsqueeze(0), self._row_keys.unsqueeze(1), out=bits)
        for shift, factor in ROUNDS:
            yield from _mixed(bits, shifted, shift)
            yield partial(bits.mul_, self._factors[factor])
        yield from _mixed(bits, shifted, LAST_SHIFT)
        yield partial(torch.mul, bits, constant(SHARE, out), out=out)
        yield partial(out.add_, constant(0.5, out))


class MemberNoise:
    """The noise of one member's module, as `NetworkModule.noise` takes it.

    Args:
        seed: the training seed.
        device: device of the numbers.

    Attributes:
        step: the number of the step, counted from 0; to be moved on.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed, self._device = seed, device
        self.step = 0

    def __call__(self, node: int, shape: Sequence[int]) -> Tensor:
        """Return the noise for a result of a shape (batch, *shape)."""
        batch, *values = shape
        features = int(np.prod(values))
        kernels = NoiseKernels(noise_keys([self._seed], [node]).to(self._device), features * batch)
        bits, shifted = (
            torch.empty(1, features * batch, dtype=torch.int32, device=self._device) for _ in range(2)
        )
        out = torch.empty(1, features * batch, dtype=torch.float32, device=self._device)
        step = torch.tensor([self.step], dtype=torch.int32, device=self._device)
        for kernel in kernels.draw(step, bits, shifted, out):
            kernel()
        # As the engine has it, the batch is innermost.
        return out.view(features, batch).T.reshape(shape)


def _mixed(bits: Tensor, shifted: Tensor, shift: int) -> Iterator[Kernel]:
    """Let the upper bits of numbers change the lower ones."""
    yield partial(torch.bitwise_right_shift, bits, _int32(shift, bits.device), out=shifted)
    # A shift of a negative number moves ones in.
    yield partial(shifted.bitwise_and_, _int32(2 ** (32 - shift) - 1, bits.device))
    yield partial(bits.bitwise_xor_, shifted)


@lru_cache(maxsize=64)
def _int32(number: int, device: torch.device) -> Tensor:
    return torch.tensor(number if number < 2**31 else number - 2**32, dtype=torch.int32, device=device)
