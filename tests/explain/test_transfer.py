"""How well architectures carry over between tasks, on landscapes whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.errors import NASGymError
from nas_gym.evaluators import FunctionEvaluator
from nas_gym.evaluators.function import standard_normal
from nas_gym.explain import measure_transfer
from nas_gym.explain.methods.agreement import agreement
from nas_gym.explain.transfer.sample import labels_of, shared_architectures
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task

SMALL = {"name": "mlp", "max_layers": 2, "widths": [4, 8, 16, 32], "activations": ["relu", "tanh"]}


def table_task(name: str, features: int = 4, sign: int = 1) -> Task:
    rng = np.random.default_rng(features)
    x = rng.normal(size=(60, features))
    return Task.from_arrays(x, (sign * x[:, 0] > 0).astype(int), name=name)


def quality(architecture) -> float:
    """Between .4 and .6, from the text alone."""
    return 0.5 + 0.02 * float(np.clip(standard_normal(str(architecture), 0), -5, 5))


def landscapes(noise: float):
    """Tasks "up" and "like" rank architectures alike, "down" the other way round."""

    def make(space, task):
        flip = -1 if task.name == "down" else 1

        def score(architecture, seed):
            found = 0.5 + flip * (quality(architecture) - 0.5)
            return min(1.0, max(0.0, found + noise * standard_normal(f"{task.name}{architecture}", seed)))

        return FunctionEvaluator(space, task, function=score, seeds=(0, 1))

    return make


TASKS = [table_task("up"), table_task("like", 5), table_task("down", 6)]


@pytest.fixture(scope="module")
def found():
    return measure_transfer(SMALL, TASKS, evaluator=landscapes(0.01), architectures=40)


def of_pair(found, one, other):
    (agreed,) = [each for each in found.agreements if (each.one, each.other) == (one, other)]
    return agreed


def test_alike_tasks_agree_as_much_as_noise_allows_and_opposite_ones_do_not(found):
    itself, alike = of_pair(found, "up", "up"), of_pair(found, "up", "like")
    assert alike.rho.value == pytest.approx(itself.rho.value, abs=0.1)
    assert of_pair(found, "up", "down").rho.value < -0.6
    for each in found.agreements:
        for interval in (each.tau, each.rho):
            assert interval.low < interval.value < interval.high
    assert 0.4 < itself.rho.value < 0.95  # noise half as large as the differences leaves about .8
    assert len(found.agreements) == 6


def test_its_correlations_are_those_of_scipy_over_pairs_of_seeds(found):
    one, other = found.scores["up"], found.scores["like"]
    pairs = [(one[:, 0], other[:, 1]), (one[:, 1], other[:, 0])]
    assert of_pair(found, "up", "like").tau.value == pytest.approx(
        np.mean([stats.kendalltau(*pair).statistic for pair in pairs])
    )
    assert of_pair(found, "up", "up").rho.value == pytest.approx(
        stats.spearmanr(one[:, 0], one[:, 1]).statistic
    )


def test_the_best_of_an_opposite_task_is_regretted_and_that_of_an_alike_one_is_not(found):
    rows = {(each.found_on, each.trained_on): each for each in found.retrained}
    assert len(rows) == 9
    for label, scores in found.scores.items():
        best = found.architectures[scores.mean(axis=1).argmax()]
        own = rows[label, label]
        assert own.architecture == best
        assert (own.regret.value, own.place) == (0, 1 / 40)
    far, near = rows["down", "up"], rows["like", "up"]
    assert far.regret.low > 0.01
    assert far.place > 0.8
    assert near.place < 0.3
    assert far.regret.value == pytest.approx(rows["up", "up"].score - far.score)
    assert len(far.scores) == 3


def test_final_seeds_are_none_of_those_that_chose(found):
    asked = []

    class Watching(FunctionEvaluator):
        def test(self, architecture, seeds):
            asked.extend(seeds)
            return super().test(architecture, seeds)

    def make(space, task):
        return Watching(space, task, function=quality, seeds=(0, 1))

    measure_transfer(SMALL, TASKS[:2], evaluator=make, architectures=10)
    assert set(asked) == {2, 3, 4}


def test_ranking_alone_asks_for_no_test_score():
    class Untested(FunctionEvaluator):
        def test(self, architecture, seeds):
            raise AssertionError("nothing was to be trained again")

    def make(space, task):
        return Untested(space, task, function=quality)

    found = measure_transfer(SMALL, TASKS[:2], evaluator=make, architectures=10, retrainings=0)
    assert found.retrained == ()
    assert of_pair(found, "up", "like").tau.value == pytest.approx(1)


def test_it_is_jsonable_and_repeatable():
    texts = [
        json.dumps(measure_transfer(SMALL, TASKS[1:], evaluator=landscapes(0.01), architectures=12).as_dict())
        for _ in range(2)
    ]
    assert texts[0] == texts[1]


def test_a_single_seed_says_nothing_of_a_task_and_itself():
    scores = np.random.default_rng(0).random((20, 1))
    tau, rho = agreement(scores, scores, same=True)
    assert np.isnan([tau.value, rho.value]).all()
    assert agreement(scores, scores, same=False)[1].value == 1


def test_failed_trainings_rank_last():
    scores = np.arange(12.0)[:, None] + np.zeros(2)
    broken = scores.copy()
    broken[:3] = -np.inf
    assert agreement(broken, scores, same=False)[1].value > 0.9
    broken[-3:] = -np.inf
    assert agreement(broken, scores, same=False)[1].value < 0.5


def test_only_architectures_that_fit_every_task_are_drawn():
    spec = {"name": "conv", "max_layers": 3, "channels": [4]}
    large, small = (make_search_space(spec, shape, 10) for shape in ((1, 40), (3, 3)))
    texts = shared_architectures([large, small], 50, 0)
    assert len(set(texts)) == 50
    assert all(str(small.parse(text)) == str(large.parse(text)) == text for text in texts)
    assert max(text.count("pool") for text in texts) < 3


def test_tasks_of_one_name_are_told_apart_by_their_options():
    small = {"name": "friedman", "train_size": 20, "validation_size": 20, "test_size": 20}
    other = {"name": "diabetes", "split_seed": 3, "test_size": 0.1}
    tasks = [make_task(spec) for spec in ({"name": "diabetes", "test_size": 0.1}, other, small)]
    assert labels_of(tasks) == ("diabetes", "diabetes (split_seed 3)", "friedman")
    assert labels_of([tasks[2], tasks[2]])[1].endswith(" 2")


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        (TASKS[:1], "at least two tasks, not 1: pass --task"),
        ([TASKS[0], make_task("digits")], "'up' has features where 'digits' has image"),
        ([TASKS[0], TASKS[0]], "the task 'up' is given twice"),
    ],
)
def test_tasks_that_cannot_be_compared_are_refused_in_one_sentence(tasks, words):
    with pytest.raises(NASGymError, match=words):
        measure_transfer(SMALL, tasks, evaluator=landscapes(0))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"architectures": 3}, "architectures must be a whole number of at least 10, not 3"),
        ({"retrainings": 1}, "retrainings must be a whole number of at least 2, or 0 for none, not 1"),
        ({"evaluator": {"name": "table", "benchmark": "mlp"}}, "a table answers for one task alone"),
    ],
)
def test_a_bad_option_is_named(options, words):
    with pytest.raises(NASGymError, match=words):
        measure_transfer(SMALL, TASKS, **options)


def test_a_space_that_does_not_fit_names_the_task():
    with pytest.raises(NASGymError, match="for the task 'up', the conv space needs signals"):
        measure_transfer("conv", TASKS, evaluator=landscapes(0))


def transfer(*arguments):
    result = CliRunner().invoke(app, ["transfer", *map(str, arguments)], catch_exceptions=False)
    if result.exit_code:
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1
    return result


TRAINED = (
    "--task",
    "diabetes",
    "--task",
    '{"name": "friedman", "train_size": 100, "validation_size": 100, "test_size": 100}',
    "--search-space",
    json.dumps(SMALL),
    "--recipe",
    '{"epochs": 2}',
    "--architectures",
    12,
    "--device",
    "cpu",
)


def test_the_command_trains_prints_writes_and_goes_on_from_the_store(tmp_path, monkeypatch):
    file, store = tmp_path / "found.json", tmp_path / "store.db"
    result = transfer(*TRAINED, "--json", file, "--store", store)
    found = json.loads(file.read_text())
    assert found["tasks"] == ["diabetes", "friedman"]
    assert found["metrics"] == {"diabetes": "R²", "friedman": "R²"}
    assert np.array(found["scores"]["diabetes"]).shape == (12, 2)
    for each in found["agreements"]:
        assert f"{each['tau']['value']:.2f} [" in result.stdout
    assert "12 of 72 architectures of the mlp space, trained with seeds 0, 1 on each of 2 tasks" in (
        result.stdout
    )

    def trains(*_, **__):
        raise AssertionError("everything was in the store")

    monkeypatch.setattr("nas_gym.evaluators.train.train", trains)
    assert transfer(*TRAINED, "--json", file, "--store", store).stdout == result.stdout
    assert json.loads(file.read_text()) == found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--task", "digits"), "at least two tasks, not 1"),
        ((), "at least two tasks, not 0"),
        (("--task", "digits", "--task", "diabetes"), "one kind of input"),
        (("--task", "diabetes", "--task", "friedman", "--search-space", "cell"), "for the task 'diabetes'"),
        (("--task", "diabetes", "--task", "frieman"), "did you mean 'friedman'"),
        (("--evaluator", "train", "--recipe", "{}"), "put --recipe into its JSON"),
        (("--evaluator", "[1]"), "--evaluator must be a name or a JSON object"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words):
    assert words in transfer(*arguments).stderr
