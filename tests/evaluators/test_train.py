"""The training evaluator: real, pure, and honest about failure."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from nas_gym import NASGymError
from nas_gym.cli import training_bar
from nas_gym.deploy import load_network, save_network
from nas_gym.evaluators import Request, TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task
from nas_gym.training import ENGINE_VERSION, Recipe

TASK = make_task({"name": "digits", "train_size": 300})


def evaluator(space="mlp", task=TASK, seeds=(0,), **recipe):
    recipe = {"epochs": 3, "batch_size": 32} | recipe
    search_space = make_search_space(space, task.input_shape, task.outputs)
    return TrainEvaluator(search_space, task, "cpu", recipe=recipe, seeds=seeds)


def evaluate(evaluator, text, seed=0, fidelity=None):
    (evaluation,) = evaluator.evaluate([Request(evaluator.search_space.resolve(text), seed, fidelity)])
    return evaluation


def without_seconds(evaluation):
    return {key: value for key, value in evaluation.as_dict().items() if key != "seconds"}


def test_training_agrees_with_a_plain_loop_over_a_plain_module():
    """The loop a reader would write, from the same seed, gives the same validation accuracy."""
    recipe = Recipe(epochs=2, batch_size=50, learning_rate=0.003, label_smoothing=0.1, weight_decay=0.05)
    plain = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    generator = torch.Generator().manual_seed(7)
    for layer in plain:
        if isinstance(layer, nn.Linear):
            for parameter in (layer.weight, layer.bias):
                nn.init.uniform_(
                    parameter, -(layer.in_features**-0.5), layer.in_features**-0.5, generator=generator
                )
    x, y = torch.as_tensor(TASK.x_train), torch.as_tensor(TASK.y_train)
    optimizer = torch.optim.AdamW(
        plain.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2 * 6)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    order = torch.Generator().manual_seed(7)
    curve = []
    for _ in range(recipe.epochs):
        permutation = torch.randperm(300, generator=order)
        for start in range(0, 300, 50):
            batch = permutation[start : start + 50]
            optimizer.zero_grad()
            criterion(plain(x[batch]), y[batch]).backward()
            optimizer.step()
            scheduler.step()
        predicted = plain(torch.as_tensor(TASK.x_validation)).argmax(1).numpy()
        curve.append(float((predicted == TASK.y_validation).mean()))
    trained = evaluator(**recipe.config()).evaluate
    (evaluation,) = trained([Request(evaluator().search_space.parse("tanh-16 > relu-64"), 7)])
    assert evaluation.curve == pytest.approx(curve, abs=1.5 / len(TASK.y_validation))
    assert evaluation.parameters == sum(parameter.numel() for parameter in plain.parameters())


@pytest.mark.parametrize(("space", "text"), [("mlp", "relu-64 > tanh-16"), ("conv", "vgg"), ("cell", None)])
def test_the_same_request_gives_the_same_bits_alone_in_a_batch_and_on_more_threads(space, text):
    one = evaluator(space)
    architecture = one.search_space.resolve(text or one.search_space.architecture(9_000))
    alone = without_seconds(one.evaluate([Request(architecture, 3)])[0])
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.manual_seed(99)
        other = evaluator(space)
        batch = [Request(other.search_space.smallest(), 0), Request(architecture, 3)]
        assert without_seconds(other.evaluate(batch)[1]) == alone
    finally:
        torch.set_num_threads(threads)


def test_training_leaves_the_global_generators_alone():
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global state is what is tested
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    evaluate(evaluator(), "relu-16")
    assert (torch.get_rng_state() == before[0]).all()
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002


def test_different_seeds_train_different_networks():
    one = evaluator()
    assert evaluate(one, "relu-16", seed=0).curve != evaluate(one, "relu-16", seed=1).curve


def test_a_lower_fidelity_is_the_start_of_the_full_curve():
    full = evaluate(evaluator(epochs=4), "tanh-16")
    part = evaluate(evaluator(epochs=4), "tanh-16", fidelity=2)
    assert part.curve == full.curve[:2]
    assert part.score == full.curve[1]
    assert part.fidelity == 2
    with pytest.raises(
        NASGymError, match="fidelity must be a number of epochs from 1 to the recipe's 4, not 5"
    ):
        evaluate(evaluator(epochs=4), "tanh-16", fidelity=5)


def test_an_architecture_is_averaged_over_the_training_seeds():
    several = evaluator(seeds=(0, 1, 2))
    architecture = several.search_space.parse("relu-16")
    (mean,) = several.evaluate_architectures([architecture])
    single = [evaluate(several, "relu-16", seed=seed) for seed in (0, 1, 2)]
    assert mean.score == pytest.approx(sum(one.score for one in single) / 3)
    assert mean.seeds == (0, 1, 2)
    assert len(mean.curve) == 3


def test_divergence_is_a_result_with_a_finite_score_and_a_reason():
    evaluation = evaluate(evaluator(optimizer="sgd", learning_rate=1e30), "relu-64 > identity-64")
    assert (evaluation.status, evaluation.score) == ("failed", 0.0)
    assert evaluation.error == "training diverged: the loss was not finite in epoch 1"


def test_too_many_parameters_are_a_result_without_training():
    evaluation = evaluate(evaluator(max_parameters=1000), "relu-64")
    assert (evaluation.status, evaluation.score, evaluation.seconds) == ("failed", 0.0, 0.0)
    assert evaluation.error == "4,810 parameters, the recipe allows 1,000"
    one = evaluator(max_parameters=1000)
    architecture = one.search_space.parse("relu-64")
    assert [score.status for score in one.test(architecture, [1, 2])] == ["failed", "failed"]
    with pytest.raises(NASGymError, match="raise max_parameters"):
        one.fit(architecture, 0)


def test_a_disconnected_cell_trains_as_a_constant_predictor():
    cells = evaluator("cell")
    module, evaluation = cells.fit(cells.search_space.smallest(), seed=0)
    logits = module(torch.as_tensor(TASK.x_validation))
    assert (logits == logits[0]).all()
    counts = np.bincount(TASK.y_validation) / len(TASK.y_validation)
    assert evaluation.score == pytest.approx(counts[int(logits[0].argmax())])
    assert evaluation.status == "ok"


def test_training_learns():
    assert evaluate(evaluator(epochs=10), "relu-64").score > 0.85


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_every_optimizer_and_schedule_trains(optimizer, schedule):
    assert evaluate(evaluator(epochs=5, optimizer=optimizer, schedule=schedule), "relu-64").score > 0.6


def test_test_accuracy_is_of_the_test_part_and_in_no_evaluation():
    one = evaluator()
    architecture = one.search_space.parse("relu-64")
    (score,) = one.test(architecture, [5])
    module, evaluation = one.fit(architecture, 5)
    predicted = module(torch.as_tensor(TASK.x_test)).argmax(1).numpy()
    assert score.test_score == pytest.approx(float((predicted == TASK.y_test).mean()))
    assert score.validation_score == evaluation.score
    assert not any("test" in name for name in evaluation.as_dict())


def test_an_evaluation_survives_json():
    import json

    evaluation = evaluate(evaluator(), "relu-16")
    assert type(evaluation).from_dict(json.loads(json.dumps(evaluation.as_dict()))) == evaluation


def test_the_key_holds_what_the_result_depends_on():
    one = evaluator()
    request = Request(one.search_space.parse("relu-16"), 0)
    key = one.key(request)
    others = [
        evaluator(epochs=4).key(request),
        evaluator(task=make_task({"name": "digits", "train_size": 200})).key(request),
        one.key(Request(request.architecture, 1)),
        one.key(Request(request.architecture, 0, 1)),
        one.key(Request(one.search_space.parse("relu-64"), 0)),
    ]
    assert key not in others
    assert key["engine"] == ENGINE_VERSION
    assert torch.__version__ in key["numerics"]
    assert evaluator(seeds=(4,)).key(request) == key


def test_a_bar_shows_members_done_loss_and_time_left():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    one = evaluator()
    requests = [Request(one.search_space.parse("relu-16"), seed) for seed in range(3)]
    with training_bar(one, console):
        one.evaluate(requests)
    assert "3/3 networks, loss 1." in console.file.getvalue()
    assert "left" in console.file.getvalue()
    assert one.progress is None


def test_a_saved_network_predicts_like_the_trained_one(tmp_path):
    one = evaluator("conv")
    architecture = one.search_space.resolve("resnet")
    module, evaluation = one.fit(architecture, 0)
    save_network(tmp_path / "best.pt", one.search_space, TASK, architecture, module)
    saved = load_network(tmp_path / "best.pt")
    raw = TASK.x_validation * TASK.scale + TASK.mean
    probabilities = saved.predict(raw)
    assert probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert float((probabilities.argmax(1) == TASK.y_validation).mean()) == pytest.approx(
        evaluation.score, abs=0.01
    )
    assert saved.architecture == str(architecture)
    assert saved.class_names == TASK.target.names


def test_a_saved_network_of_a_table_names_its_features_and_refuses_other_shapes(tmp_path):
    task = make_task("breast_cancer")
    one = evaluator(task=task, epochs=1)
    architecture = one.search_space.smallest()
    save_network(tmp_path / "best.pt", one.search_space, task, architecture, one.fit(architecture, 0)[0])
    saved = load_network(tmp_path / "best.pt")
    assert saved.feature_names == task.feature_names
    assert saved.predict(task.x_test[:5]).shape == (5, 2)
    for x in (task.x_test[0], task.x_test[:5, :1], task.x_test[:5, :, None]):
        with pytest.raises(NASGymError, match=r"the network takes \(n, 30\)"):
            saved.predict(x)


def test_a_file_that_is_no_saved_network_gives_one_sentence(tmp_path):
    with pytest.raises(NASGymError, match="no saved network at"):
        load_network(tmp_path / "missing.pt")
    (tmp_path / "other.pt").write_bytes(b"something else")
    with pytest.raises(NASGymError, match="is no saved network"):
        load_network(tmp_path / "other.pt")


def test_the_golden_curve_of_this_engine_version():
    """A change of these numbers must raise ENGINE_VERSION: stored results would no longer be the engine's."""
    evaluation = evaluate(evaluator(epochs=3), "relu-64 > tanh-16", seed=11)
    golden = {1: (0.6880, 0.7939, 0.8050)}
    assert evaluation.curve == pytest.approx(golden[ENGINE_VERSION], abs=0.0084)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("epochs", 1.5),
        ("batch_size", True),
        ("learning_rate", 0),
        ("learning_rate", math.inf),
        ("weight_decay", -1),
        ("label_smoothing", 1),
        ("optimizer", "adam"),
        ("schedule", "cosin"),
        ("max_parameters", 0),
    ],
)
def test_a_recipe_says_which_value_is_wrong(option, value):
    with pytest.raises(NASGymError) as raised:
        Recipe(**{option: value})
    assert option in str(raised.value)
    assert str(value) in str(raised.value)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_cpu_within_three_percent():
    space = make_search_space("conv", TASK.input_shape, TASK.outputs)
    scores = []
    for device in ("cpu", "cuda"):
        one = TrainEvaluator(space, TASK, device, recipe={"epochs": 10})
        scores.append(evaluate(one, "vgg").score)
    assert scores[0] == pytest.approx(scores[1], abs=0.03)


def own_task(size, **options):
    rng = np.random.default_rng(0)
    y = np.arange(size) % 3
    options = {"validation_size": 12, "test_size": 12} | options
    return Task.from_arrays(rng.normal(size=(size, 4)) + y[:, None], y, **options)


def recipe_on(task, **recipe):
    space = make_search_space("mlp", task.input_shape, task.outputs)
    return TrainEvaluator(space, task, "cpu", recipe=recipe).recipe


@pytest.mark.parametrize("examples", [6, 31, 32, 33, 100, 127, 128, 129, 341, 896, 897, 2000])
def test_small_data_of_ones_own_is_trained_for_at_least_120_steps(examples):
    recipe = recipe_on(own_task(examples + 24))
    steps = recipe.epochs * math.ceil(examples / recipe.batch_size)
    assert steps >= 120
    assert recipe.epochs >= 15
    assert recipe.batch_size == (32 if examples < 128 else 128)
    if examples > 896:
        assert recipe == Recipe()


def test_a_recipe_that_names_the_epochs_is_taken_as_it_is_and_a_batch_size_always():
    task = own_task(100)
    assert recipe_on(task, epochs=2) == Recipe(epochs=2)
    assert recipe_on(task, epochs=15, batch_size=128) == Recipe()
    assert recipe_on(task, batch_size=20, learning_rate=0.02) == Recipe(
        epochs=30, batch_size=20, learning_rate=0.02
    )
    space = make_search_space("mlp", task.input_shape, task.outputs)
    assert TrainEvaluator(space, task, "cpu", recipe=Recipe()).recipe == Recipe()


@pytest.mark.parametrize(
    "task", ["digits", {"name": "digits", "train_size": 200}, {"name": "mnist1d", "train_size": 500}]
)
def test_the_published_landscapes_keep_the_usual_recipe(task):
    assert recipe_on(make_task(task)) == Recipe()


def test_the_recipe_that_was_trained_is_what_config_and_key_hold():
    task = own_task(100)
    space = make_search_space("mlp", task.input_shape, task.outputs)
    evaluator = TrainEvaluator(space, task, "cpu")
    request = Request(space.smallest(), 0)
    trained = {"epochs": 40, "batch_size": 32}
    assert evaluator.config()["recipe"] == Recipe(**trained).config() == evaluator.key(request)["recipe"]
    assert evaluator.fidelities()[-1] == 40
    again = TrainEvaluator(space, task, "cpu", recipe=evaluator.config()["recipe"])
    assert again.key(request) == evaluator.key(request)


@pytest.mark.parametrize("option", [{"batch_size": "x"}, {"batch_size": 0}, {"batchsize": 3}])
def test_a_bad_option_of_a_recipe_is_named_on_small_data_too(option):
    with pytest.raises(NASGymError, match="batch_size"):
        recipe_on(own_task(100), **option)
