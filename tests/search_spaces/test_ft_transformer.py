"""FT-Transformers: networks against a transformer written by hand, tokens of columns, named members."""

from __future__ import annotations

import math

import gymnasium as gym
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkBuilder, NetworkModule
from nas_gym.search_spaces import make_search_space
from nas_gym.training import Member, Recipe
from nas_gym.training.kernels.paths import PATHS, paths_set
from tests.helpers.networks import make_data, random_members, trained
from tests.training.operations.test_table_operations import ordinary

COLUMNS = [1, 4, 1, 3]
RECIPE = Recipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=0.02)
PLAIN = "plain, answer_token, dropout_0: heads_2-reglu-16"


def space_of(columns=COLUMNS, **options):
    spec = {"name": "ft_transformer", **options}
    return make_search_space(spec, (sum(columns),), 4, {"columns": list(columns)})


def random_module(network, seed: int = 0) -> NetworkModule:
    module, generator = NetworkModule(network).eval(), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.8, 0.8, generator=generator)
    return module


def by_hand(module: NetworkModule, tokens: Tensor, gate: str) -> Tensor:
    """An FT-Transformer of two heads from (batch, tokens, channels), by arrays in the order of its nodes."""
    arrays = iter(list(module.parameters())[2:])  # behind those of the tokens

    def linear(x: Tensor) -> Tensor:
        weight, bias = next(arrays), next(arrays)
        return F.linear(x, weight.flatten(1), bias)

    def norm(x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], next(arrays), next(arrays))

    for number in range(2):
        x = norm(tokens) if number else tokens
        q, k, v = (linear(x).unflatten(2, (2, -1)).transpose(1, 2) for _ in range(3))
        fits = (q @ k.transpose(2, 3) / math.sqrt(q.shape[3])).softmax(3)
        tokens = tokens + linear((fits @ v).transpose(1, 2).flatten(2))
        first, second = linear(norm(tokens)).chunk(2, dim=2)
        tokens = tokens + linear(first * getattr(F, gate)(second))
    read = norm(tokens[:, -1]).relu()
    found = linear(read)
    assert next(arrays, None) is None
    return found


@pytest.mark.parametrize(("name", "gate"), [("reglu", "relu"), ("swiglu", "silu")])
def test_a_network_is_the_published_transformer_over_tokens(name: str, gate: str) -> None:
    space = space_of([1] * 5, channels=6, heads=[2], widths=[16, 32])
    text = f"plain, answer_token, dropout_0.1: heads_2-{name}-16 > heads_2-{name}-32"
    module = random_module(space.network(space.parse(text)))
    weight, bias = list(module.parameters())[:2]
    x = torch.randn(7, 5, generator=torch.Generator().manual_seed(1))
    tokens = torch.cat([x.unsqueeze(2) * weight.T, torch.zeros(7, 1, 6)], 1) + bias.T
    torch.testing.assert_close(module(x), by_hand(module, tokens, gate), atol=1e-5, rtol=1e-5)


def test_tokens_are_numbers_times_vectors_and_rows_of_categories() -> None:
    builder = NetworkBuilder((5,))
    node = builder.feature_tokens(builder.input, 2, numbers=1, each=2, categories=[3], answer=True)
    module = random_module(builder.build(node))
    weight, bias = module.parameters()
    rows = torch.tensor([[2.0, -1, -0.1, 6.2, -0.3], [0.5, 4, -0.2, 0, -1]])
    found = module(rows)
    torch.testing.assert_close(found[:, :, 0], rows[:, :2] @ weight[:, :2].T + bias[:, 0])
    torch.testing.assert_close(found[0, :, 1], weight[:, 3] + bias[:, 1])  # however rare it is
    torch.testing.assert_close(found[1, :, 1], bias[:, 1])  # no category of the training part
    torch.testing.assert_close(found[:, :, 2], bias[:, 2].expand(2, 2))


def test_every_column_has_a_token_and_the_answer_one_where_it_is_read_there() -> None:
    space, several = space_of(), space_of([3, 4])
    for form, each in (("plain", 1), ("periodic", 17), ("piecewise", 8)):
        for answer, extra in (("answer_token", 1), ("mean_token", 0)):
            network = space.network(space.parse(f"{form}, {answer}, dropout_0: heads_2-gelu-16"))
            (node,) = [node for node in network.nodes if node.operation.name == "feature_tokens"]
            assert node.shape == (16, 4 + extra)
            assert node.parameter_shapes == {"weight": (16, 2 * each + 7), "bias": (16, 4 + extra)}
    assert list(several.wholes) == ["answer", "dropout"]
    assert several.network(several.smallest()).output_shape == (4,)


def test_the_answer_does_not_depend_on_the_order_of_the_columns() -> None:
    first, second = space_of([1, 3, 1]), space_of([3, 1, 1])
    text = "piecewise, mean_token, dropout_0: heads_4-swiglu-32"
    one, other = (random_module(space.network(space.parse(text))) for space in (first, second))
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(one(x), other(x[:, [1, 2, 3, 0, 4]]))


def test_first_weights_are_those_of_the_paper() -> None:
    builder = NetworkBuilder((50,))
    network = builder.build(builder.feature_tokens(builder.input, 16, numbers=50))
    (result,) = trained([Member(network, 0)], make_data((50,), 8, 8), Recipe(epochs=1, learning_rate=1e-12))
    arrays = [torch.as_tensor(array) for array in result.state.values()]
    assert len(arrays) == 2
    for array in arrays:
        assert 0.24 < float(array.abs().max()) <= 0.25 + 1e-9  # 1 / sqrt(16)


@pytest.mark.parametrize("name", ["glu", "reglu", "geglu", "swiglu"])
def test_a_gate_multiplies_by_a_function_of_the_other_half(name: str) -> None:
    functions = {"glu": torch.sigmoid, "reglu": F.relu, "geglu": F.gelu, "swiglu": F.silu}
    builder = NetworkBuilder((6, 3))
    network = builder.build(builder.gated(builder.input, name))
    x = torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(NetworkModule(network)(x), x[:, :3] * functions[name](x[:, 3:]))
    assert (network.parameters, network.flops, network.output_shape) == (0, 0, (3, 3))
    with pytest.raises(NASGymError, match="an even number of channels, not 3: pass twice as many"):
        builder.gated(1, name)


def test_fused_networks_stay_with_the_ordinary_loop_and_do_not_depend_on_company() -> None:
    """Whole networks with dropout, on a table of numbers and categories."""
    data = make_data((7,), train_size=54)
    space = make_search_space({"name": "ft_transformer", "columns": [1, 3, 1, 2], "max_layers": 2}, (7,), 10)
    members = random_members(space, 4, seed=2)
    together = trained(members, data, RECIPE)
    for member, result in zip(members, together, strict=True):
        assert result.step_losses == pytest.approx(ordinary(member, RECIPE).step_losses, abs=1e-5)
    (alone,) = trained(members[:1], data, RECIPE)
    assert all(torch.equal(alone.state[key], together[0].state[key]) for key in alone.state)


def test_members_are_the_published_forms_as_far_as_the_options_have_them() -> None:
    texts = {name: str(member) for name, member in space_of().members().items()}
    chain = "heads_4-reglu-32 > heads_4-reglu-32 > heads_4-reglu-32"
    assert texts == {
        "ft_transformer": f"plain, answer_token, dropout_0.1: {chain}",
        "ft_transformer_piecewise": f"piecewise, answer_token, dropout_0.1: {chain}",
    }
    assert list(space_of([3, 4]).members()) == ["ft_transformer"]
    assert not space_of(activations=["gelu"]).members()
    assert not space_of(answers=["mean_token"]).members()


@pytest.mark.parametrize(
    ("space", "name"),
    [("ft_transformer", "ft_transformer"), ("tabular", "resnet"), ("tabular", "mlp_periodic")],
)
def test_an_episode_starts_at_a_member(space: str, name: str) -> None:
    env = gym.make("NAS-v0", task="breast_cancer", search_space=space, initial=name, store="memory")
    _, info = env.reset(seed=0)
    assert info["architecture"] == str(env.unwrapped.search_space.members()[name])
    env.close()


def test_an_architecture_is_told_in_words() -> None:
    space = space_of(activations=["swiglu", "relu"])
    told = space.describe(space.parse("plain, mean_token, dropout_0.1: heads_2-swiglu-16 > heads_4-relu-32"))
    assert told.words == (
        "a network of two layers: attention with 2 heads and 16 units with SwiGLU, then attention with 4 "
        "heads and 32 units with relu; with tokens of numbers as they are, an answer from the mean of the "
        "tokens and dropout of 10%"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"columns": [1, 2]},
            "columns of the ft_transformer space have 3 features together, an example has 9",
        ),
        ({"heads": [3]}, "heads of the ft_transformer space must divide its 16 channels, 3 does not"),
        ({"bins": 1}, "bins of the ft_transformer space must be at least 2, not 1"),
        ({"activations": ["regluu"]}, "did you mean 'reglu'"),
        ({"answers": ["mean"]}, "did you mean 'mean_token'"),
        ({"dropouts": [1]}, r"dropouts of the ft_transformer space must be rates in \[0, 1\)"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words: str) -> None:
    with pytest.raises(NASGymError, match=words):
        make_search_space({"name": "ft_transformer", **options}, (9,), 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("heads_2-reglu-16", "write numbers, answer, dropout, a colon and layers"),
        (PLAIN.replace("reglu", "relu"), "has no valid layer 'heads_2-relu-16'"),
        (" > ".join([PLAIN, *["heads_2-reglu-16"] * 3]), "has 4 layers, the ft_transformer space at most 3"),
    ],
)
def test_texts_that_do_not_fit_are_refused(text: str, words: str) -> None:
    with pytest.raises(NASGymError, match=words):
        space_of().parse(text)


def test_tokens_of_other_features_than_there_are_are_refused() -> None:
    builder = NetworkBuilder((5,))
    with pytest.raises(NASGymError, match=r"read 6 features, not shape \(5,\): pass the width of every"):
        builder.feature_tokens(builder.input, 4, numbers=3, categories=[3])


def test_the_ways_of_a_gpu_give_the_same_losses() -> None:
    data = make_data((7,), train_size=54)
    space = make_search_space({"name": "ft_transformer", "columns": [1, 3, 1, 2], "max_layers": 2}, (7,), 10)
    members = random_members(space, 3, seed=4)
    expected = trained(members, data, RECIPE)
    with paths_set("cpu", PATHS["cuda"]):
        found = trained(members, data, RECIPE)
    for one, other in zip(found, expected, strict=True):
        assert one.step_losses == pytest.approx(other.step_losses, abs=1e-5)
