"""An ensemble is one saved network: its file, its answers, and every format it is exported to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nas_gym.deploy import SavedNetwork, averaged, export_network, load_network, save_network, suffix_of
from nas_gym.deploy.export.onnx import _metadata
from nas_gym.errors import NASGymError
from nas_gym.networks import Network, NetworkModule, ensemble_module
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task
from tests.deploy.test_export import EVERY_FORMAT, with_random_arrays
from tests.helpers.networks import table_networks

TEXTS = ("relu-16", "tanh-64 > relu-16", "relu-16")


def saved_ensemble(task, path):
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architectures = [space.parse(text) for text in TEXTS]
    modules = [
        with_random_arrays(NetworkModule(space.network(one)), seed) for seed, one in enumerate(architectures)
    ]
    joined = ensemble_module(modules, averaged(task.target))
    save_network(path, space, task, architectures, joined)
    return load_network(path), modules


def rows_of(task):
    return task.x_test[:20].astype(float) * task.scale + task.mean


def test_the_probabilities_of_an_ensemble_are_the_mean_of_its_networks(tmp_path):
    task = make_task("breast_cancer")
    saved, modules = saved_ensemble(task, tmp_path / "three.pt")
    assert saved.members == TEXTS
    assert saved.architecture == " & ".join(TEXTS)
    assert saved.member_spaces == ()
    assert _metadata(saved)["nas_gym.search_space"] == "mlp"
    x = torch.tensor(task.x_test[:20])
    with torch.no_grad():
        mean = torch.stack([module(x).softmax(1) for module in modules]).mean(0)
    np.testing.assert_allclose(saved.predict(rows_of(task)), mean.numpy(), atol=1e-5)
    assert saved.module.network.parameters == sum(module.network.parameters for module in modules)


def test_the_values_of_an_ensemble_are_the_mean_of_its_networks(tmp_path):
    task = make_task("diabetes")
    saved, modules = saved_ensemble(task, tmp_path / "three.pt")
    x = torch.tensor(task.x_test[:20])
    with torch.no_grad():
        mean = torch.stack([module(x) for module in modules]).mean(0).numpy()
    np.testing.assert_allclose(saved.predict(rows_of(task)), task.target.answers(mean), rtol=1e-5)


def test_an_ensemble_of_other_networks_than_are_named_is_not_kept(tmp_path):
    task = make_task("breast_cancer")
    space = make_search_space("mlp", task.input_shape, task.outputs)
    one, other = space.parse("relu-16"), space.parse("relu-64")
    modules = [with_random_arrays(NetworkModule(space.network(one)), seed) for seed in (0, 1)]
    with pytest.raises(NASGymError, match="otherwise when it is saved"):
        save_network(tmp_path / "x.pt", space, task, [one, other], ensemble_module(modules, "probabilities"))


def test_an_ensemble_may_have_networks_of_several_spaces(tmp_path):
    task = make_task("mnist1d")
    spaces = [make_search_space(name, task.input_shape, task.outputs) for name in ("conv", "mlp", "conv")]
    architectures = [space.smallest() for space in spaces]
    modules = [
        with_random_arrays(NetworkModule(space.network(one)), seed)
        for seed, (space, one) in enumerate(zip(spaces, architectures, strict=True))
    ]
    file = tmp_path / "three.pt"
    save_network(file, spaces, task, architectures, ensemble_module(modules, averaged(task.target)))
    saved = load_network(file)
    assert saved.members == tuple(map(str, architectures))
    assert saved.search_space == spaces[0]
    assert list(saved.member_spaces) == spaces
    x = torch.tensor(task.x_test[:20])
    with torch.no_grad():
        mean = torch.stack([module(x).softmax(1) for module in modules]).mean(0)
    np.testing.assert_allclose(saved.predict(rows_of(task)), mean.numpy(), atol=1e-5)
    assert export_network(saved, "torch", tmp_path / "out.pt2").difference <= 1e-5
    assert _metadata(saved)["nas_gym.search_space"] == '["conv", "mlp", "conv"]'


def test_as_many_spaces_are_listed_as_networks(tmp_path):
    task = make_task("breast_cancer")
    space = make_search_space("mlp", task.input_shape, task.outputs)
    architectures = [space.parse(text) for text in TEXTS]
    modules = [with_random_arrays(NetworkModule(space.network(one))) for one in architectures]
    joined = ensemble_module(modules, averaged(task.target))
    with pytest.raises(NASGymError, match="2 search spaces were passed for 3 networks: pass one space"):
        save_network(tmp_path / "x.pt", [space, space], task, architectures, joined)


def test_a_file_of_an_ensemble_of_one_space_is_read_as_it_was_written_before(tmp_path):
    task, file = make_task("breast_cancer"), tmp_path / "three.pt"
    saved, _ = saved_ensemble(task, file)
    content = torch.load(file, weights_only=True)
    assert content.pop("member_spaces") == []
    torch.save(content | {"format": 6}, file)
    assert np.array_equal(load_network(file).predict(rows_of(task)), saved.predict(rows_of(task)))


@pytest.mark.parametrize("to", EVERY_FORMAT)
@pytest.mark.parametrize("name", ["breast_cancer", "diabetes"])
def test_an_ensemble_is_exported(name, to, tmp_path):
    saved, _ = saved_ensemble(make_task(name), tmp_path / "three.pt")
    assert export_network(saved, to, tmp_path / f"out{suffix_of(to)}").difference <= 1e-5


@pytest.mark.parametrize("to", EVERY_FORMAT)
def test_every_operation_for_tables_is_exported(to, tmp_path):
    rng = np.random.default_rng(0)
    task = Task.from_arrays(rng.normal(size=(200, 7)), np.arange(200) % 4)
    space = make_search_space("mlp", task.input_shape, task.outputs)
    networks = list(table_networks(7, 4).values())
    joined: NetworkModule = ensemble_module(
        [with_random_arrays(NetworkModule(network), seed) for seed, network in enumerate(networks)],
        "probabilities",
    )
    assert isinstance(joined.network, Network)
    saved = SavedNetwork("all", space, joined, task.target, (), task.mean, task.scale, None)
    done = export_network(saved, to, tmp_path / f"out{suffix_of(to)}")
    assert done.difference <= 1e-5


@pytest.mark.parametrize("to", EVERY_FORMAT)
def test_a_network_with_embeddings_of_categories_is_exported_from_columns(to, tmp_path):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(1)
    towns = rng.choice(["Ulm", "Jena", "Kiel", "Bonn", "Hof", "Trier"], 150)
    task = Task.from_arrays(
        pandas.DataFrame({"age": rng.normal(size=150), "town": towns}), np.arange(150) % 3
    )
    space = make_search_space("tabular", task.input_shape, task.outputs, task.facts)
    architecture = space.parse("periodic, embedded, layer_norm, dropout_0.1, residual: relu-32 > silu-32")
    module = with_random_arrays(NetworkModule(space.network(architecture)))
    save_network(tmp_path / "towns.pt", space, task, architecture, module)
    saved = load_network(tmp_path / "towns.pt")
    assert saved.search_space == space
    assert saved.predict([{"town": "Kiel", "age": 0.5}]).shape == (1, 3)
    assert export_network(saved, to, tmp_path / f"out{suffix_of(to)}").difference <= 1e-5
