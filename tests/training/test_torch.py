"""Private calls of torch and the public ones in their place compute the same bits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from nas_gym.training import Recipe, _torch
from nas_gym.training import chunk as chunk_training
from tests.helpers.networks import make_data, make_space, random_members, trained
from tests.training.test_invariance import same_bits

PRIVATE = ("fused_adamw", "fused_sgd", "foreach_copy", "trace_without_warning")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_training_without_private_calls_gives_the_same_bits(
    optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = make_space("conv on signals")
    data = make_data(space.input_shape)
    recipe = Recipe(epochs=2, batch_size=32, optimizer=optimizer, learning_rate=0.01, weight_decay=1e-3)
    members = random_members(space, 4)
    monkeypatch.setattr(chunk_training, "WORTHWHILE_RUNS", 1)
    expected = trained(members, data, recipe)
    for name in PRIVATE:
        assert getattr(_torch, name) is not None, f"this torch has no {name}"
        monkeypatch.setattr(_torch, name, None)
    results = trained(members, data, recipe)
    assert all(same_bits(one, other) for one, other in zip(expected, results, strict=True))


@pytest.mark.parametrize("private", [True, False])
def test_a_recorded_function_computes_on_what_it_is_given(
    private: bool, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    if not private:
        monkeypatch.setattr(_torch, "trace_without_warning", None)
    recorded = _torch.trace(lambda x, y: torch.add(x, y, out=y), [torch.ones(2), torch.ones(2)])
    target = torch.full((2,), 5.0)
    recorded(torch.ones(2), target)
    assert target.tolist() == [6.0, 6.0]
    assert not list(recwarn)


@pytest.mark.parametrize("private", [True, False])
def test_each_source_is_copied_to_its_target(private: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not private:
        monkeypatch.setattr(_torch, "foreach_copy", None)
    targets = [torch.zeros(3), torch.zeros(2, 2)]
    _torch.copy_each(targets, [torch.full((3,), 2.0), torch.full((2, 2), 5.0)])
    assert [target.flatten().tolist() for target in targets] == [[2.0] * 3, [5.0] * 4]


def test_private_calls_of_torch_stand_in_one_file() -> None:
    pattern = re.compile(r'torch(\.\w+)*\._[a-z]|getattr\(torch[.\w]*, "_')
    found = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "nas_gym" / "training").rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["nas_gym/training/_torch.py"]
