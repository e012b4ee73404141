"""The evaluator by shared weights: what its scores depend on, what they cost, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from nas_gym.errors import DataWarning, NASGymError
from nas_gym.evaluators import Request, SupernetEvaluator, TrainEvaluator, make_evaluator
from nas_gym.evaluators.supernet import cache
from nas_gym.tasks import make_task
from nas_gym.training import PASSES
from tests.helpers.own_space import OwnSpace
from tests.helpers.supernets import CELL, MACRO, NARROW, RECIPE, signals, space_of

TASK = signals(120, 8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "supernets")
    return tmp_path / "supernets"


def evaluator(space=NARROW, task=TASK, trainings=4, **options):
    return SupernetEvaluator(
        space_of(space, task), task, "cpu", trainings=trainings, **{"recipe": RECIPE, **options}
    )


def some(space, count=6):
    rng = np.random.default_rng(3)
    return [space.sample(rng) for _ in range(count)]


@pytest.mark.parametrize("space", [NARROW, CELL], ids=["mlp", "cell"])
def test_the_same_seed_gives_the_same_scores_bit_for_bit(space, folder):
    one = evaluator(space)
    asked = some(one.search_space)
    first = [each.score for each in one.evaluate_architectures(asked)]
    for file in folder.iterdir():
        file.unlink()
    other = evaluator(space)
    assert [each.score for each in other.evaluate_architectures(asked[::-1])][::-1] == first
    arrays, again = one.supernet(0).supernet.arrays, other.supernet(0).supernet.arrays
    assert all(torch.equal(array, again[name]) for name, array in arrays.items())


def test_seeds_train_different_weights():
    arrays = [evaluator().supernet(seed).supernet.arrays for seed in (0, 1)]
    assert not any(torch.equal(array, arrays[1][name]) for name, array in arrays[0].items())


def test_scores_are_of_what_training_left_and_asking_changes_nothing():
    made = evaluator()
    before = {name: array.clone() for name, array in made.supernet(0).supernet.arrays.items()}
    asked = some(made.search_space)
    first = made.scores(asked)
    assert np.array_equal(made.scores(asked[::-1])[::-1], first)
    arrays = made.supernet(0).supernet.arrays
    assert all(torch.equal(array, arrays[name]) for name, array in before.items())


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_training_that_was_interrupted_goes_on_as_if_it_had_not_been(optimizer):
    def training():
        made = evaluator(CELL, recipe=RECIPE | {"optimizer": optimizer})
        return made, made._untrained(0)

    made, undisturbed = training()
    while not undisturbed.finished:
        undisturbed.train_epoch(made._steps(0, undisturbed.trace.epochs))
    made, first = training()
    for _ in range(2):
        first.train_epoch(made._steps(0, first.trace.epochs))
    cache.keep(made._file(0), first.state())
    resumed = made.supernet(0)
    assert resumed.trace == undisturbed.trace
    arrays = undisturbed.supernet.arrays
    assert set(resumed.supernet.arrays) == set(arrays)
    assert all(torch.equal(array, arrays[name]) for name, array in resumed.supernet.arrays.items())


def test_a_finished_training_is_read_and_not_repeated(monkeypatch):
    made = evaluator()
    first = made.scores(some(made.search_space))
    monkeypatch.setattr("nas_gym.training.PathTraining.train_epoch", None)
    assert np.array_equal(evaluator().scores(some(made.search_space)), first)


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_kept_weights_that_cannot_be_read_are_trained_again_and_that_is_said(content, folder):
    made = evaluator()
    first = made.scores(some(made.search_space))
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-200] if content is None else content)
    with pytest.warns(DataWarning, match=rf"{file.name} cannot be read and begins anew: \S"):
        assert np.array_equal(evaluator().scores(some(made.search_space)), first)


@pytest.mark.parametrize(("sampling", "trainings"), [("uniform", 2.5), ("distinct", 3), ("fair", 1)])
def test_the_cost_is_kept_to_within_a_step(sampling, trainings):
    made = evaluator(CELL, trainings=trainings, sampling=sampling)
    rng = np.random.default_rng(0)
    space = made.search_space
    largest = max(space.network(space.sample(rng)).flops for _ in range(200))
    mean = np.mean([space.network(space.sample(rng)).flops for _ in range(2000)])
    paths = 5 if sampling == "fair" else 1
    limit = trainings * RECIPE["epochs"] * len(TASK.y_train) * PASSES * mean
    spent = made.supernet(0).trace.flops
    assert 0.9 * limit < spent < 1.1 * limit + paths * RECIPE["batch_size"] * PASSES * largest
    assert made._limit <= spent <= made._limit + paths * RECIPE["batch_size"] * PASSES * largest


def test_progress_rises_to_the_end():
    seen = []
    made = evaluator()
    made.progress = seen.append
    made.supernet(0)
    shares = [each.share for each in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) == made.supernet(0).trace.epochs


def drawn(space, sampling, steps):
    made = evaluator(space, sampling=sampling)
    rng = np.random.default_rng(0)
    return made.search_space, [made._sampling.draw(rng) for _ in range(steps)]


def test_fair_steps_have_each_choice_of_each_variable_equally_often():
    for spec in (CELL, MACRO):
        space, steps = drawn(spec, "fair", 20)
        for step in steps:
            values = [space.encode(architecture) for architecture in step]
            for name, variable in space.variables.items():
                assert sorted(value[name] for value in values) == list(range(len(variable.choices)))


def test_distinct_steps_draw_each_class_of_equivalent_cells_as_often():
    small = CELL | {"operations": ["none", "skip_connect", "nor_conv_1x1"]}
    space, steps = drawn(small, "distinct", 6000)
    classes = {space.isomorphism_class(each) for each in space}
    counts = dict.fromkeys(classes, 0)
    for (architecture,) in steps:
        counts[space.isomorphism_class(architecture)] += 1
    expected = 6000 / len(classes)
    statistic = sum((count - expected) ** 2 / expected for count in counts.values())
    freedom = len(classes) - 1
    assert statistic < freedom + 4 * (2 * freedom) ** 0.5
    # Uniform draws are far from that, so the bound can fail.
    counts = dict.fromkeys(classes, 0)
    for (architecture,) in drawn(small, "uniform", 6000)[1]:
        counts[space.isomorphism_class(architecture)] += 1
    assert sum((count - expected) ** 2 / expected for count in counts.values()) > 2 * freedom


def test_distinct_steps_are_uniform_where_no_two_architectures_are_equivalent():
    _, steps = drawn(NARROW, "distinct", 50)
    assert steps == drawn(NARROW, "uniform", 50)[1]


def test_keys_tell_shared_scores_from_trained_ones_and_from_those_of_other_supernets():
    made = evaluator()
    request = Request(made.search_space.smallest(), 0)
    others = (
        {},
        {"trainings": 5},
        {"sampling": "uniform"},
        {"learning_rate": 0.01},
        {"shuffled": True},
        {"recipe": RECIPE | {"epochs": 3}},
        {"space": NARROW | {"max_layers": 3}},
    )
    trained = TrainEvaluator(made.search_space, TASK, "cpu", recipe=RECIPE)
    keys = [trained.key(request), *(evaluator(**options).key(request) for options in others)]
    assert all(one != other for place, one in enumerate(keys) for other in keys[:place])
    assert evaluator().key(request) == keys[1]


def test_a_change_of_the_code_of_ones_own_space_is_another_supernet(monkeypatch):
    class Placed(OwnSpace):
        def slots(self, network):
            return tuple(str(number) for number in range(len(network.nodes)))

    def key():
        space = Placed(TASK.input_shape, TASK.outputs)
        made = SupernetEvaluator(space, TASK, "cpu", trainings=4, recipe=RECIPE)
        return made.key(Request(space.smallest(), 0))

    before = key()
    assert key() == before
    monkeypatch.setattr("nas_gym.evaluators.supernet.evaluator.sources_of", lambda part: {"space": "changed"})
    assert key() != before


def test_a_store_keeps_scores_by_shared_weights_apart_from_trained_ones(tmp_path):
    space = space_of(NARROW, TASK)
    options = {"trainings": 2, "recipe": RECIPE}
    file = str(tmp_path / "store.db")
    shared = make_evaluator({"name": "supernet"} | options, space, TASK, device="cpu", store=file)
    trained = make_evaluator({"name": "train", "recipe": RECIPE}, space, TASK, device="cpu", store=file)
    asked = some(space, 3)
    first = shared.evaluate_architectures(asked)
    alone = trained.evaluate_architectures(asked)
    assert (shared.hits, trained.hits) == (0, 0)
    again = make_evaluator({"name": "supernet"} | options, space, TASK, device="cpu", store=file)
    assert again.evaluate_architectures(asked) == first
    assert (again.hits, len({one.score for one in first} | {one.score for one in alone}) > 1) == (3, True)


def test_the_final_scores_and_the_kept_network_are_trained_alone():
    made = evaluator()
    trained = TrainEvaluator(made.search_space, TASK, "cpu", recipe=RECIPE)
    architecture = made.search_space.parse("relu-8 > tanh-8")
    assert made.test(architecture, [5, 6]) == trained.test(architecture, [5, 6])
    (module, fitted), (other, expected) = made.fit(architecture, 5), trained.fit(architecture, 5)
    assert fitted.score == expected.score
    weights = other.state_dict()
    assert all(torch.equal(array, weights[name]) for name, array in module.state_dict().items())


def test_a_network_with_more_parameters_than_the_recipe_allows_fails():
    made = evaluator(recipe=RECIPE | {"max_parameters": 100})
    small, large = map(made.search_space.parse, ("relu-4", "relu-8 > relu-8"))
    ok, failed = made.evaluate_architectures([small, large])
    assert (ok.status, failed.status, failed.score) == ("ok", "failed", 0.0)
    assert "100" in failed.error


def refused(words, **options):
    with pytest.raises(NASGymError, match=words) as caught:
        evaluator(**options)
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_is_refused_in_one_sentence():
    refused("sampling must be one of uniform, distinct, fair, not 'stratified'", sampling="stratified")
    refused("trainings of a supernet must be a number above 0, not 0", trainings=0)
    refused("trainings of a supernet must be a number above 0, not 'many'", trainings="many")
    refused("learning_rate of a supernet must be a number above 0, not nan", learning_rate=float("nan"))
    refused("shuffled of a supernet must be true or false, not 'no'", shuffled="no")
    refused("0.3 trainings are less than one epoch of the supernet: pass at least 0.5", trainings=0.3)
    folds = make_task({"name": "breast_cancer", "folds": 3})
    refused("leave folds out", task=folds)


@pytest.mark.parametrize("epochs", [3, 7, 30])
def test_the_least_cost_that_a_refusal_names_is_accepted(epochs):
    with pytest.raises(NASGymError, match="pass at least") as caught:
        evaluator(trainings=0.001, recipe=RECIPE | {"epochs": epochs})
    named = float(str(caught.value).rpartition(" ")[2])
    assert evaluator(trainings=named, recipe=RECIPE | {"epochs": epochs}).trainings < 1.1 / epochs


def test_a_space_without_places_is_refused_before_anything_is_trained():
    with pytest.raises(NASGymError, match="has no place in the search space") as caught:
        SupernetEvaluator(OwnSpace(TASK.input_shape, TASK.outputs), TASK, "cpu", recipe=RECIPE)
    assert "\n" not in str(caught.value)


def test_a_fidelity_is_refused():
    made = evaluator()
    with pytest.raises(NASGymError, match="a supernet has one fidelity"):
        made.evaluate([Request(made.search_space.smallest(), 0, 1)])


@pytest.mark.slow
def test_shuffled_labels_rank_networks_by_their_form_alone_and_worse_than_true_ones():
    import gymnasium as gym

    env = gym.make("NASTable-MLP-v0").unwrapped
    space, table, task = env.search_space, env.evaluator, make_task("mnist1d")
    asked = some(space, 300)
    truth = [each.score for each in table.final_evaluations(asked)]
    taus = {
        shuffled: np.mean(
            [
                kendalltau(
                    SupernetEvaluator(
                        space, task, "cpu", trainings=3, shuffled=shuffled, seeds=[seed]
                    ).scores(asked),
                    truth,
                )[0]
                for seed in range(3)
            ]
        )
        for shuffled in (False, True)
    }
    form = kendalltau([space.network(each).parameters for each in asked], truth)[0]
    assert abs(taus[True]) < form + 0.1
    assert taus[False] > taus[True] + 0.15
