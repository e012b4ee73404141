"""Operations for tables: the engine computes what modules do, with bits that do not depend on company."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nas_gym.networks import NetworkBuilder, NetworkModule
from nas_gym.training import Keep, Member, OrdinaryTraining, Recipe
from nas_gym.training.noise import MemberNoise
from tests.helpers.networks import make_data, table_networks, trained
from tests.training.test_invariance import same_bits

RECIPE = Recipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=0.02)
NETWORKS = table_networks(7)
DATA = make_data((7,), train_size=54)  # batches of 32 and 22
TOLERANCE = 1e-5


def ordinary(member: Member, recipe: Recipe = RECIPE):
    training = OrdinaryTraining(member, DATA, recipe, Keep(weights=True, step_losses=True))
    (result,) = training.run(lambda epoch, loss: None, lambda: False)
    return result


@pytest.mark.parametrize("name", NETWORKS)
def test_fused_kernels_give_the_losses_of_the_module(name: str) -> None:
    member = Member(NETWORKS[name], 3)
    (fused,), apart = trained([member], DATA, RECIPE), ordinary(member)
    assert fused.step_losses == pytest.approx(apart.step_losses, abs=TOLERANCE)
    for key, array in apart.state.items():
        torch.testing.assert_close(fused.state[key], array, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("features", [7, 16])
def test_bits_are_the_same_alone_and_in_company(features: int) -> None:
    data = make_data((features,), train_size=54)
    members = [Member(network, 1) for network in table_networks(features).values()]
    alone = [trained([member], data, RECIPE)[0] for member in members]
    crowd = [Member(one.network, seed) for seed in (0, 1, 2) for one in members]
    for memory in (10**5, 2**30):
        together = trained(crowd, data, RECIPE, memory=memory)
        for one, other in zip(alone, together[len(members) : 2 * len(members)], strict=True):
            assert same_bits(one, other)


def test_a_recorded_step_draws_new_noise_each_time() -> None:
    """The list of calls is recorded once there are enough steps; the noise must go on changing."""
    recipe = Recipe(epochs=60, batch_size=32, optimizer="sgd", learning_rate=0.01)
    member = Member(NETWORKS["dropout twice of hidden"], 0)
    (fused,) = trained([member], DATA, recipe)
    assert fused.step_losses == pytest.approx(ordinary(member, recipe).step_losses, abs=1e-3)


def test_noise_is_uniform_and_differs_between_steps_nodes_and_seeds() -> None:
    noise = MemberNoise(5, torch.device("cpu"))
    first = noise(2, (400, 50))
    assert torch.equal(first, MemberNoise(5, torch.device("cpu"))(2, (400, 50)))
    assert 0 <= float(first.min()) < 0.001
    assert 0.999 < float(first.max()) <= 1
    counts = np.histogram(first.numpy(), bins=20, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 44  # chi-square of 19 degrees, p = .001
    noise.step = 1
    others = [noise(2, (400, 50)), MemberNoise(5, torch.device("cpu"))(3, (400, 50))]
    others.append(MemberNoise(6, torch.device("cpu"))(2, (400, 50)))
    for other in others:
        correlation = np.corrcoef(first.flatten().numpy(), other.flatten().numpy())[0, 1]
        assert abs(correlation) < 0.03


def test_dropout_keeps_the_mean_in_training_and_everything_in_evaluation() -> None:
    builder = NetworkBuilder((50,))
    module = NetworkModule(builder.build(builder.dropout(builder.input, 0.4)))
    x = torch.ones(400, 50)
    dropped = module.train()(x)
    assert set(np.round(dropped.unique().tolist(), 5)) == {0, round(1 / 0.6, 5)}
    assert float(dropped.mean()) == pytest.approx(1, abs=0.03)
    assert torch.equal(module.eval()(x), x)


def test_an_embedding_sees_the_category_and_not_how_rare_it_is() -> None:
    builder = NetworkBuilder((3,))
    module = NetworkModule(builder.build(builder.category_embedding(builder.input, 2)))
    with torch.no_grad():
        module.get_parameter("1_weight").copy_(torch.tensor([[1.0, 2], [3, 4], [5, 6]]))
    rows = torch.tensor([[6.2, -0.1, -0.9], [-0.2, -0.3, 0.7]])
    assert module(rows).tolist() == [[1, 2], [5, 6]]


def test_a_piecewise_linear_number_reaches_into_one_interval_after_the_other() -> None:
    builder = NetworkBuilder((1,))
    module = NetworkModule(builder.build(builder.piecewise_linear(builder.input, 4)))
    found = module(torch.tensor([[-9.0], [0.0], [0.3], [9.0]]))
    assert found[0, 0] < 0
    assert found[0, 1:].tolist() == [0, 0, 0]
    assert found[1].tolist() == pytest.approx([1, 1, 0, 0], abs=1e-6)
    assert 0 < found[2, 2] < 1
    assert found[3, :3].tolist() == [1, 1, 1]
    assert found[3, 3] > 1


def test_an_average_of_probabilities_is_a_logarithm_of_their_mean() -> None:
    builder = NetworkBuilder((4,))
    one, other = builder.select(builder.input, [0, 1]), builder.select(builder.input, [2, 3])
    module = NetworkModule(builder.build(builder.average(one, other, of="probabilities")))
    x = torch.randn(5, 4)
    mean = (x[:, :2].softmax(1) + x[:, 2:].softmax(1)) / 2
    torch.testing.assert_close(module(x).exp(), mean)
