"""The test part of the data: measured once, after training, as a module measures it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nas_gym.training import Recipe, TrainingData
from tests.helpers.networks import SPACES, make_data, make_space, random_members, trained

RECIPE = Recipe(epochs=2, batch_size=64, learning_rate=0.01)


def with_test_part(data: TrainingData, examples: int = 333) -> TrainingData:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(examples, *data.x_train.shape[1:], generator=generator)
    y = torch.randint(0, 10, (examples,), generator=generator)
    return replace(data, x_test=x, y_test=y)


@pytest.mark.parametrize("name", SPACES)
def test_it_is_the_accuracy_of_the_trained_module(name: str) -> None:
    data = with_test_part(make_data(SPACES[name][1]))
    for result in trained(random_members(make_space(name), 4), data, RECIPE):
        assert data.x_test is not None
        assert data.y_test is not None
        with torch.no_grad():
            right = result.module(data.x_test).argmax(1) == data.y_test
        by_module = right.double().mean().item()
        # One example whose two largest logits are within rounding may go either way.
        assert result.test == pytest.approx(by_module, abs=1.5 / len(data.y_test))


def test_it_changes_nothing_else_and_is_absent_without_the_part() -> None:
    data, members = make_data((64,)), random_members(make_space("mlp"), 4)
    without, beside = trained(members, data, RECIPE), trained(members, with_test_part(data), RECIPE)
    assert [result.curve for result in without] == [result.curve for result in beside]
    assert all(result.test is None for result in without)
    assert all(result.test is not None for result in beside)


def test_it_is_absent_after_divergence() -> None:
    data = with_test_part(make_data((64,)))
    results = trained(random_members(make_space("mlp"), 4), data, replace(RECIPE, learning_rate=1e30))
    assert all(result.error and result.test is None for result in results)
