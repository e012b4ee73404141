"""The space for tables: what its networks are made of, and how it learns what the columns are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.networks import CategoryEmbedding, Linear, NetworkModule, Periodic, PiecewiseLinear
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task

COLUMNS = [1, 6, 1, 3, 8]
PLAIN = "plain, one_hot, no_norm, dropout_0, chain: relu-32"


def space_of(columns=COLUMNS, **options):
    return make_search_space({"name": "tabular", **options}, (sum(columns),), 4, {"columns": list(columns)})


def operations(space, text):
    return [node.operation.name for node in space.network(space.parse(text)).nodes]


def test_the_plain_network_is_that_of_the_mlp_space():
    tabular = space_of().network(space_of().parse(f"{PLAIN} > tanh-128"))
    mlp = make_search_space({"name": "mlp", "widths": [32, 128]}, (19,), 4)
    expected = mlp.network(mlp.parse("relu-32 > tanh-128"))
    assert [node.operation.name for node in tabular.nodes] == [node.operation.name for node in expected.nodes]
    assert (tabular.parameters, tabular.flops) == (expected.parameters, expected.flops)


def test_columns_of_five_categories_and_more_are_embedded_and_the_others_stay():
    space = space_of(embedding=3)
    network = space.network(space.parse("plain, embedded, no_norm, dropout_0, chain: relu-32"))
    embeddings = [node for node in network.nodes if node.operation == CategoryEmbedding()]
    assert [node.parameter_shapes["weight"] for node in embeddings] == [(6, 3), (8, 3)]
    selected = [node.option("places") for node in network.nodes if node.operation.name == "select"]
    assert set(selected) == {(0, 7, 8, 9, 10), tuple(range(1, 7)), tuple(range(11, 19))}
    linear = [node for node in network.nodes if node.operation == Linear()]
    assert [node.input_shape for node in linear] == [(5,), (3,), (3,), (32,)]
    assert [node.bias for node in linear] == [True, False, False, True]


@pytest.mark.parametrize(("word", "operation"), [("periodic", Periodic()), ("piecewise", PiecewiseLinear())])
def test_numbers_are_embedded_and_categories_are_not(word, operation):
    space = space_of()
    network = space.network(space.parse(PLAIN.replace("plain", word)))
    (node,) = [node for node in network.nodes if node.operation == operation]
    assert node.input_shape == (2,)
    places = network.nodes[node.inputs[0]].option("places")
    assert places == (0, 7)


def test_members_are_the_published_perceptrons():
    texts = {name: str(member) for name, member in space_of().members().items()}
    chain = "relu-128 > relu-128 > relu-128"
    assert texts == {
        "mlp": f"plain, embedded, no_norm, dropout_0, chain: {chain}",
        "resnet": f"plain, embedded, batch_norm, dropout_0, residual: {chain}",
        "mlp_periodic": f"periodic, embedded, no_norm, dropout_0, chain: {chain}",
    }
    assert operations(space_of(), texts["resnet"]).count("add") == 3  # shortcuts, and parts side by side
    assert list(space_of([7]).members()) == ["mlp", "resnet"]
    assert list(space_of(normalisations=["layer_norm"]).members()) == []
    assert list(space_of(activations=["tanh"]).members()) == []


def test_a_layer_is_normalised_activated_dropped_and_added_where_widths_agree():
    found = operations(
        space_of(), "plain, one_hot, batch_norm, dropout_0.1, residual: relu-32 > tanh-32 > relu-128"
    )
    layer = ["linear", "batch_norm", "activation", "dropout"]
    assert found == ["input", *layer, *layer, "add", *layer, "linear"]


def test_the_embedded_and_the_one_hot_network_see_the_same_category():
    """Every embedding is some one-hot network: a linear layer of it reads one row of its weights."""
    space = space_of([1, 6])
    network = space.network(space.parse("plain, embedded, no_norm, dropout_0, chain: identity-32"))
    module = NetworkModule(network).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(generator=generator)
    one_hot = torch.eye(6)
    answers = [module(torch.cat([torch.zeros(6, 1), scale * one_hot - 0.1], 1)) for scale in (1, 7)]
    torch.testing.assert_close(answers[0], answers[1])
    assert len(answers[0].unique(dim=0)) == 6


def test_what_the_columns_do_not_allow_is_no_choice():
    numbers, categories = space_of([1, 1]), space_of([7])
    assert list(numbers.wholes) == ["numbers", "normalisation", "dropout", "shortcuts"]
    assert list(categories.wholes) == ["categories", "normalisation", "dropout", "shortcuts"]
    assert list(space_of([2, 4]).wholes) == ["normalisation", "dropout", "shortcuts"]
    assert space_of([1, 1]) == make_search_space(space_of([1, 1]).config(), (2,), 4)
    images = make_search_space("tabular", (1, 8, 8), 10)
    assert images.network(images.smallest()).input_shape == (1, 8, 8)


def test_a_task_says_how_many_features_each_column_has():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    ages = rng.integers(18, 80, 120).astype(float)
    ages[::9] = np.nan
    frame = pandas.DataFrame(
        {"age": ages, "town": rng.choice(list("abcdef"), 120), "sex": rng.choice(["f", "m"], 120)}
    )
    task = Task.from_arrays(frame, rng.integers(2, size=120))
    assert task.columns == (1, 1, 6, 2)  # of the age and where it is missing
    space = make_search_space("tabular", task.input_shape, task.outputs, task.facts)
    assert "categories" in space.wholes
    assert Task.from_arrays(rng.normal(size=(120, 3)), rng.integers(2, size=120)).columns == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": [1, 2]}, "have 3 features together, an example has 19"),
        ({"dropouts": [0, 1]}, r"must be rates in \[0, 1\)"),
        ({"bins": 1}, "bins of the tabular space must be at least 2"),
        ({"numbers": ["plane"]}, "did you mean 'plain'"),
        ({"dropouts": [0.1, 0.10000001]}, "as six digits show them, must be a list of different values"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    with pytest.raises(NASGymError, match=words):
        make_search_space({"name": "tabular", **options}, (19,), 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("relu-32", "write numbers, categories, normalisation, dropout, shortcuts, a colon and layers"),
        (PLAIN.replace("chain", "chains"), "has 'chains' for its shortcuts: write one of chain, residual"),
        (PLAIN.replace("relu-32", "relu-33"), "has no valid layer 'relu-33'"),
        (PLAIN + " > relu-32" * 3, "has 4 layers, the tabular space at most 3"),
    ],
)
def test_texts_that_do_not_fit_are_refused(text, words):
    with pytest.raises(NASGymError, match=words):
        space_of().parse(text)


def test_noise_leaves_categories_as_they_are():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=90), "colour": rng.choice(["red", "green", "blue"], 90)})
    answers = rng.integers(2, size=90)
    plain, noisy = (Task.from_arrays(frame, answers, noise=noise) for noise in (0.0, 0.5))
    assert plain.columns == (1, 3)
    assert np.array_equal(plain.x_train[:, 1:], noisy.x_train[:, 1:])
    assert np.abs(plain.x_train[:, 0] - noisy.x_train[:, 0]).min() > 0
