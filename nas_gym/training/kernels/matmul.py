"""Matrix products over members, by the same code path for a member whatever stands beside it.

Torch hands a batch of products to one library call only if the result is dense, and the result of
a single product always is. Where the members of a group would not be dense (their floats are no
multiple of `VECTOR`, so that padding lies between them), and where a side of 1 makes the layout
ambiguous, each member is therefore multiplied by itself. Where one call takes a whole group, none is.

The gradient by a wide weight is a product over many positions with a small result. Its transpose takes a
library up to three times less, mostly with the same bits (`transposed_pays`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import torch
from torch import Tensor

from nas_gym.networks import Shape
from nas_gym.training.kernels.paths import Paths
from nas_gym.training.program.launches import composed
from nas_gym.training.program.tape import VECTOR, Kernel

BFLOAT16_LAUNCHES = 4
LEAST_ROWS = 16
LEAST_POSITIONS = 512
"""Below this many rows of the result or positions a transposed product measured no faster."""


def product(
    paths: Paths, a: Tensor, b: Tensor, out: Tensor, *, add: Tensor | None = None
) -> Iterator[Kernel]:
    """Write a @ b, or add + a @ b, to `out`; all (members, rows, columns), `add` broadcast or `out`."""
    if paths.bfloat16:
        yield partial(bfloat16_product, a, b, out, add)
    elif paths.whole_groups or _same_path(a, b, out):
        if add is None:
            yield partial(torch.bmm, a, b, out=out)
        else:
            yield partial(torch.baddbmm, add, a, b, out=out)
    else:
        for member in range(len(out)):
            if add is None:
                yield partial(torch.mm, a[member], b[member], out=out[member])
            else:
                yield partial(torch.addmm, add[member], a[member], b[member], out=out[member])


def gradient_product(
    paths: Paths, dy: Tensor, x: Tensor, out: Tensor, scratch: Callable[[Shape], Tensor]
) -> Iterator[Kernel]:
    """Write dy @ x.mT to `out`, by way of its transpose where that is faster.

    Args:
        paths: the ways of the device.
        dy: (members, rows, positions).
        x: (members, columns, positions).
        out: (members, rows, columns).
        scratch: gives memory of a shape.
    """
    members, rows, positions = dy.shape
    columns = x.shape[1]
    usual = paths.whole_groups or paths.bfloat16 or dy.device.type != "cpu"
    if usual or not transposed_pays(rows, columns, positions):
        yield from product(paths, dy, x.mT, out)
        return
    turned = scratch((members, columns, rows))
    yield from product(paths, x, dy.mT, turned)
    yield partial(out.copy_, turned.mT)


@lru_cache(maxsize=4096)
def transposed_pays(rows: int, columns: int, positions: int) -> bool:
    """Return whether the transpose of a product is faster and has the same bits, as random factors show.

    In which order a library adds depends on the shape alone. On one core of a Xeon with AVX512 a product
    (32, 160) over 8,192 positions takes 1.5 ms, its transpose 0.6 ms.
    """
    if rows < LEAST_ROWS or columns <= rows or positions < LEAST_POSITIONS:
        return False
    generator = torch.Generator(device="cpu").manual_seed(0)
    a, b = (
        torch.empty(1, side, positions, dtype=torch.float32, device="cpu").normal_(generator=generator)
        for side in (rows, columns)
    )
    turned = torch.bmm(b, a.mT)[0].mT
    return torch.equal(turned, torch.bmm(a, b.mT)[0]) and torch.equal(turned, torch.mm(a[0], b[0].mT))


def _same_path(a: Tensor, b: Tensor, out: Tensor) -> bool:
    """Whether a batch takes the same path as each of its members alone."""
    rows, columns = out.shape[1:]
    if min(rows, columns, a.shape[2]) == 1:
        return False
    contiguous = out.stride(1) == columns and out.stride(2) == 1
    return not contiguous or (rows * columns % VECTOR == 0 and out.stride(0) in (0, rows * columns))


@composed(BFLOAT16_LAUNCHES)
def bfloat16_product(a: Tensor, b: Tensor, out: Tensor, add: Tensor | None) -> None:
    """The product as autocast computes it: factors in bfloat16, the sum in float32."""
    result = torch.bmm(a.bfloat16(), b.bfloat16())
    if add is None:
        out.copy_(result)
    else:
        torch.add(add, result, out=out)
