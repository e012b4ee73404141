"""Matrix products over members, by the same code path for a member whatever stands beside it.

Torch hands a batch of products to one library call only if the result is dense, and the result of
a single product always is. Where the members of a group would not be dense (their floats are no
multiple of `VECTOR`, so that padding lies between them), and where a side of 1 makes the layout
ambiguous, each member is therefore multiplied by itself. Where one call takes a whole group, none is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.paths import Paths
from nas_gym.training.program.launches import composed
from nas_gym.training.program.tape import VECTOR, Kernel

BFLOAT16_LAUNCHES = 4


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
