"""The gradient by a weight has the same bits by way of its transpose, which is taken only then."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from nas_gym.training.kernels import matmul
from nas_gym.training.kernels.matmul import gradient_product, product, transposed_pays
from nas_gym.training.kernels.paths import Paths
from nas_gym.training.program.tape import Kernel

SIZES = [(16, 48, 1024), (32, 160, 2560), (24, 40, 1000), (8, 40, 1024), (32, 16, 1024), (16, 224, 4096)]


def factors(members: int, rows: int, columns: int, positions: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(members, side, positions, generator=generator) for side in (rows, columns))  # type: ignore[return-value]


def computed(calls: list[Kernel], out: Tensor) -> Tensor:
    for call in calls:
        call()
    return out.clone()


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_bits_are_those_of_the_product(members: int, sizes: tuple[int, int, int]) -> None:
    rows, columns, _ = sizes
    dy, x = factors(members, *sizes)
    gap = 64  # between members, as where weights are padded
    flat = torch.zeros(members * (rows * columns + gap))
    out = flat.as_strided((members, rows, columns), (rows * columns + gap, columns, 1))
    expected = computed(list(product(Paths(), dy, x.mT, out)), out)
    found = computed(list(gradient_product(Paths(), dy, x, out, torch.zeros)), out)
    assert torch.equal(found, expected)


def test_a_wide_weight_takes_the_transpose_where_bits_are_the_same() -> None:
    dy, x = factors(1, 16, 48, 1024)
    out = torch.zeros(1, 16, 48)
    calls = list(gradient_product(Paths(), dy, x, out, torch.zeros))
    last = calls[-1]
    assert isinstance(last, partial)
    assert (last.func == out.copy_) == transposed_pays(16, 48, 1024)


def test_where_bits_differ_the_product_itself_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    transposed_pays.cache_clear()
    monkeypatch.setattr(torch, "equal", lambda one, other: False)
    assert not transposed_pays(16, 48, 1024)
    monkeypatch.undo()
    transposed_pays.cache_clear()


@pytest.mark.parametrize("sizes", [(8, 40, 1024), (32, 32, 1024), (32, 16, 1024), (16, 48, 128)], ids=str)
def test_small_products_are_not_turned(sizes: tuple[int, int, int]) -> None:
    assert not transposed_pays(*sizes)


def test_a_gpu_takes_the_product_itself() -> None:
    dy, x = factors(2, 16, 48, 1024)
    out = torch.zeros(2, 16, 48)
    calls = list(gradient_product(Paths(whole_groups=True), dy, x, out, torch.zeros))
    assert len(calls) == 1
    assert matmul.LEAST_POSITIONS < 1024
