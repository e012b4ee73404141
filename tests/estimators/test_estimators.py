"""`nas_gym.fit`, the estimators and `nas-gym fit`: data in, a network to use and its honest score out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from typer.testing import CliRunner

import nas_gym
from nas_gym.cli.app import app
from nas_gym.errors import ConfigError, DataError, NASGymError
from nas_gym.estimators import NASClassifier, NASRegressor, plan_for, with_folds
from nas_gym.tasks import Task

QUICK = {"budget": 4, "minutes": 10, "agent": "random", "recipe": {"epochs": 20}}


def flowers(n=200, seed=0):
    rng = np.random.default_rng(seed)
    kinds = np.array(["iris", "rose"])[rng.integers(2, size=n)]
    x = rng.normal(size=(n, 3))
    x[:, 0] += 3 * (kinds == "rose")
    return x, kinds


def write_flowers(path):
    x, kinds = flowers()
    rows = [f"{a:.4f},{b:.4f},{c:.4f},{kind}" for (a, b, c), kind in zip(x.tolist(), kinds, strict=True)]
    path.write_text("\n".join(["length,width,age,kind", *rows]) + "\n")
    return path


def test_a_classifier_gives_back_the_labels_it_was_given():
    x, kinds = flowers()
    found = NASClassifier(**QUICK).fit(x, kinds)
    assert found.classes_.tolist() == ["iris", "rose"]
    assert found.score(x, kinds) > 0.85
    probabilities = found.predict_proba(x[:7])
    assert probabilities.shape == (7, 2)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (found.n_features_in_, found.folder_, found.report_) == (3, None, None)
    low, high = found.test_interval_
    assert low < found.test_score_ < high
    assert any("5 folds" in reason for reason in found.reasons_)
    numbers = NASClassifier(**QUICK).fit(x, np.where(kinds == "rose", 40, 7))
    assert set(numbers.predict(x)) == {7, 40}


def test_a_regressor_predicts_in_the_units_of_the_data():
    x, _ = flowers()
    y = 1000 + 50 * x[:, 0]
    found = NASRegressor(**QUICK).fit(x, y)
    assert found.predict(x).shape == (200,)
    assert found.score(x, y) > 0.8
    assert found.test_interval_ is None
    assert found.test_metrics_["rmse"] < 50
    pairs = NASRegressor(**QUICK).fit(x, np.stack([y, -y], axis=1))
    assert pairs.predict(x).shape == (200, 2)


def test_scikit_learns_conventions_hold():
    x, kinds = flowers(120)
    made = NASClassifier(**QUICK | {"budget": 2}, random_state=3)
    assert clone(made).get_params() == made.get_params()
    with pytest.raises(NotFittedError):
        made.predict(x)
    scores = cross_val_score(make_pipeline(MinMaxScaler(), made), x, kinds, cv=3)
    assert scores.mean() > 0.8
    one, other = clone(made).fit(x, kinds), clone(made).fit(x, kinds)
    assert one.architecture_ == other.architecture_
    assert np.array_equal(one.predict_proba(x), other.predict_proba(x))


def test_a_saved_network_predicts_what_the_estimator_does(tmp_path):
    x, kinds = flowers()
    found = NASClassifier(**QUICK).fit(x, kinds)
    found.save(tmp_path / "flowers.pt")
    loaded = nas_gym.load_network(tmp_path / "flowers.pt")
    assert np.array_equal(loaded.predict(x), found.predict_proba(x))
    assert loaded.about["trained_on"] == "all but the test examples"
    assert loaded.about["test_score"] == found.test_score_


def test_fit_takes_a_file_a_frame_or_arrays(tmp_path):
    pandas = pytest.importorskip("pandas")
    file = write_flowers(tmp_path / "flowers.csv")
    options = {**QUICK, "budget": 2, "store": "memory", "report": False}
    of_file = nas_gym.fit(file, "kind", folder=tmp_path / "file", **options)
    of_frame = nas_gym.fit(pandas.read_csv(file), "kind", folder=tmp_path / "frame", **options)
    x, kinds = flowers()
    of_arrays = nas_gym.fit(x.round(4), kinds, folder=tmp_path / "arrays", **options)
    assert of_file.architecture_ == of_frame.architecture_ == of_arrays.architecture_
    assert np.array_equal(of_file.predict(file), of_arrays.predict(x.round(4)))
    assert np.array_equal(of_frame.predict(pandas.read_csv(file)), of_file.predict(file))
    assert (tmp_path / "frame" / "network.pt").exists()
    assert (tmp_path / "frame" / "trace.jsonl").exists()


@pytest.mark.usefixtures("undrawn")
def test_the_command_leaves_a_network_a_report_and_says_how_to_go_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_flowers(tmp_path / "flowers.csv")
    command = [
        "fit",
        "flowers.csv",
        "--target",
        "kind",
        "--budget",
        "4",
        "--minutes",
        "0.5",
        "--agent",
        "random",
    ]
    result = CliRunner().invoke(app, [*command, "--store", "memory"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    folder = tmp_path / "tensorboard_logs" / "fit-flowers" / "seed0"
    assert (folder / "report.html").exists()
    assert "160 examples beside the test part: each network is judged by 5 folds" in result.stdout
    assert "trained on all but the test examples" in result.stdout
    assert "test accuracy" in result.stdout
    assert "the best constant answer has" in result.stdout
    (predict,) = [line for line in result.stdout.splitlines() if line.startswith("predict: ")]
    again = CliRunner().invoke(app, predict.split()[2:], catch_exceptions=False)
    assert again.exit_code == 0, again.output
    assert (tmp_path / "flowers-predicted.csv").exists()
    again = CliRunner().invoke(app, [*command, "--store", "memory", "--no-report"], catch_exceptions=False)
    assert again.stdout == "".join(
        line for line in result.stdout.splitlines(keepends=True) if not line.startswith("why: ")
    )


@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_a_table_as_it_is_goes_in_and_new_rows_with_gaps_are_answered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    lines = ["id,age,joined,unit,town,note,left"]
    for row in range(240):
        age = rng.integers(18, 80)
        lines.append(
            f"{row + 1},{'' if row % 9 == 4 else age},{row % 28 + 1:02d}/{row % 12 + 1:02d}/2024,kg,"
            f"{'' if row % 11 == 2 else ('Ulm', 'Jena')[row % 2]},said {row},"
            f"{'' if row % 50 == 7 else 'yes' if age + rng.normal() > 60 else 'no'}"
        )
    (tmp_path / "people.csv").write_text("\n".join(lines))
    command = ["fit", "people.csv", "--target", "left", "--budget", "3", "--minutes", "0.5", "--no-report"]
    scored = ["--agent", "random", "--store", "memory", "--metric", "balanced_accuracy"]
    result = CliRunner().invoke(app, [*command, *scored], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "test balanced accuracy 0." in result.stdout or "test balanced accuracy 1." in result.stdout
    assert ", macro F1 " in result.stdout
    network = nas_gym.load_network(tmp_path / "tensorboard_logs" / "fit-people" / "seed0" / "network.pt")
    assert network.encoder.names == ("age", "joined", "town")
    new = [
        {"age": None, "joined": "31/12/2025", "town": ""},
        {"age": 70, "joined": "1/1/2024", "town": "Ulm"},
    ]
    assert network.predict(new).shape == (2, 2)
    assert network.predict(tmp_path / "people.csv").shape == (240, 2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.csv", "--target", "kind"], "there is no file"),
        (["flowers.csv"], "flowers.csv is a table, which needs its target: name the column to be predicted"),
        (
            ["flowers.csv", "--target", "kin"],
            "unknown target column of flowers.csv 'kin': did you mean 'kind'?",
        ),
        (["flowers.csv", "--target", "kind", "--minutes", "0"], "minutes must be a number above 0, not 0.0"),
        (
            ["flowers.csv", "--target", "kind", "--agent", "rando"],
            "unknown agent 'rando': did you mean 'random'?",
        ),
        (["flowers.csv", "--target", "kind", "--target-kind", "x"], "unknown target_kind 'x'"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing_behind(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    write_flowers(tmp_path / "flowers.csv")
    result = CliRunner().invoke(app, ["fit", *arguments, "--store", "memory"], catch_exceptions=False)
    assert result.exit_code == 2, result.output
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["flowers.csv"]


def test_an_ensemble_averages_the_best_networks_in_one_file(tmp_path):
    x, kinds = flowers()
    found = NASClassifier(**QUICK, ensemble=3).fit(x, kinds)
    assert len(found.network_.members) == 3
    assert len(set(found.network_.members)) == 3
    assert found.architecture_ == " & ".join(found.network_.members)
    assert found.score(x, kinds) > 0.85
    found.save(tmp_path / "flowers.pt")
    loaded = nas_gym.load_network(tmp_path / "flowers.pt")
    assert np.array_equal(loaded.predict(x), found.predict_proba(x))
    more = NASRegressor(**{**QUICK, "budget": 2}, ensemble=3).fit(x, x[:, 0])
    assert len(more.network_.members) == 3  # of two networks one is trained twice
    assert len(set(more.network_.members)) == 2
    with pytest.raises(ConfigError, match="ensemble must be a whole number of at least 1, not 0"):
        NASClassifier(**QUICK, ensemble=0).fit(x, kinds)
    with pytest.raises(ConfigError, match="leave out ensemble or small"):
        NASClassifier(**QUICK, ensemble=2, small=True).fit(x, kinds)


def test_a_fit_of_too_little_time_for_an_evaluation_is_found_again(tmp_path):
    x, kinds = flowers()
    options = {"minutes": 1e-5, "agent": "random", "recipe": {"epochs": 2}}
    options |= {"folder": tmp_path / "run", "report": False}
    found = nas_gym.fit(x, kinds, store="memory", **options)
    again = nas_gym.fit(x, kinds, store="memory", **options)
    assert again.architecture_ == found.architecture_
    with pytest.raises(NASGymError, match="holds a run of another config"):
        nas_gym.fit(x, kinds, store="memory", **options | {"minutes": 2e-5})


def test_little_time_takes_fewer_folds_a_smaller_space_and_a_shorter_recipe():
    rng = np.random.default_rng(0)
    task = Task.from_arrays(rng.normal(size=(1500, 1, 12, 12)), np.arange(1500) % 3)
    little, more, much = (plan_for(task, minutes, folds=5) for minutes in (0.2, 3, 3000))
    assert much.search_space == {"name": "conv"}
    assert little.search_space != much.search_space
    assert len(little.seeds) < len(much.seeds) == 5
    assert little.seeds <= more.seeds <= much.seeds
    assert little.recipe.get("epochs", 0) <= much.recipe["epochs"]
    assert little.before.agent["first"] < much.before.agent["first"]
    assert (much.agent["name"], much.before.agent["name"]) == ("pretrained", "model-based")
    assert little == plan_for(task, 0.2, folds=5)


def test_a_table_is_searched_with_its_columns(tmp_path):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {"age": rng.normal(size=150), "town": rng.choice(list("abcdef"), 150), "left": np.arange(150) % 2}
    )
    found = nas_gym.fit(frame, "left", folder=tmp_path / "run", store="memory", report=False, **QUICK)
    assert found.network_.search_space.columns == (1, 6)
    recipe = {"epochs": 3, "batch_size": 64}
    options = {**QUICK, "recipe": recipe}
    other = nas_gym.fit(frame, "left", folder=tmp_path / "short", store="memory", report=False, **options)
    assert other.network_.about["evaluator"]["recipe"]["epochs"] == 3


def test_mistakes_in_python_are_named(tmp_path):
    pandas = pytest.importorskip("pandas")
    x, kinds = flowers()
    for arguments, sentence in [
        ((x,), "an array of examples needs its labels or values"),
        ((pandas.DataFrame(x, columns=["a", "b", "c"]), "d"), "has no column 'd': it has a, b, c"),
        ((Task.from_arrays(x, kinds), "kind"), "a Task has its target and options already"),
    ]:
        with pytest.raises(ConfigError, match=sentence):
            nas_gym.fit(*arguments, **QUICK, folder=tmp_path / "run")
    with pytest.raises(DataError):
        NASClassifier(**QUICK).fit(x, np.zeros(200))
    with pytest.raises(NASGymError, match="minutes must be a number above 0"):
        NASClassifier(minutes=-1).fit(x, kinds)
    assert not (tmp_path / "run").exists()


def test_data_that_cannot_have_folds_is_judged_by_its_split_and_that_is_said(tmp_path):
    x, kinds = flowers()
    ends = {"train": slice(120), "validation": slice(120, 160), "test": slice(160, 200)}
    parts = {f"{name}_{part}": a[to] for name, a in (("x", x), ("y", kinds)) for part, to in ends.items()}
    np.savez(tmp_path / "parts.npz", **parts)
    options = {**QUICK, "budget": 2, "recipe": {"epochs": 5}, "store": "memory", "report": False}
    for data, why in [
        (tmp_path / "parts.npz", "no folds, since the data comes in parts"),
        (Task.from_arrays(x, kinds), "no folds, since a Task is taken as it is"),
    ]:
        found = nas_gym.fit(data, folder=tmp_path / why[-4:], **options)
        assert any("each network is judged by 40 validation examples" in reason for reason in found.reasons_)
        assert any(reason.startswith(why) for reason in found.reasons_)
    folded = nas_gym.fit(Task.from_arrays(x, kinds, folds=4), folder=tmp_path / "folds", **options)
    assert any("each network is judged by 4 folds" in reason for reason in folded.reasons_)
    single = nas_gym.fit(x, kinds, folds=1, folder=tmp_path / "single", **options)
    assert any("each network is judged by 40 validation examples" in reason for reason in single.reasons_)


def test_the_plan_follows_from_the_data():
    rng = np.random.default_rng(0)

    def plan(*shape, **options):
        return plan_for(Task.from_arrays(rng.normal(size=shape), np.arange(shape[0]) % 3, **options), 2.0)

    def folds(examples):
        x, y = rng.normal(size=(examples, 5)), np.arange(examples) % 3
        return with_folds(Task.from_arrays(x, y), lambda count: Task.from_arrays(x, y, folds=count))[1:]

    assert plan(300, 5).search_space["name"] == "tabular"
    assert plan(300, 1, 40).search_space["name"] == "conv"
    assert plan(300, 1, 8, 8).search_space["name"] == "conv"
    assert (folds(300), folds(4000)) == ((5, ""), (1, ""))
    assert plan(300, 5).minutes < 2


def test_groups_and_times_are_kept_apart_by_a_fit():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    y = np.where(x[:, 0] > 0, "yes", "no")
    quick = NASClassifier(**QUICK | {"budget": 2, "recipe": {"epochs": 5}})
    grouped = clone(quick).fit(x, y, groups=np.arange(120) // 6)
    assert "groups stay together" in grouped.network_.about["split"]
    assert any("5 folds" in reason for reason in grouped.reasons_)
    timed = clone(quick).fit(x, y, times=np.arange(120))
    assert "train from 0 to" in timed.network_.about["split"]
    assert any("no folds, since the examples are in order of time" in reason for reason in timed.reasons_)


def test_the_network_to_use_keeps_how_sure_its_score_is_and_too_short_a_training_is_said(tmp_path):
    x, kinds = flowers()
    options = {"budget": 1, "minutes": 10, "agent": "random", "folds": 1, "store": "memory", "report": False}
    found = nas_gym.fit(x, kinds, folder=tmp_path / "run", recipe={"epochs": 4}, **options)
    about = nas_gym.load_network(tmp_path / "run" / "network.pt").about
    kept = nas_gym.load_network(tmp_path / "run" / "best.pt").about
    assert about["on_new_examples"].keys() == kept["on_new_examples"].keys()
    low, high = about["on_new_examples"]["low"], about["on_new_examples"]["high"]
    assert (low, high) == found.test_interval_
    assert about["on_new_examples"]["examples"] == 40
    assert not any("still rose" in reason for reason in found.reasons_)  # of a curve of less than five epochs
    slow = {"epochs": 5, "batch_size": 20, "learning_rate": 0.002}
    values = nas_gym.fit(x, x @ [1, 2, 3], folder=tmp_path / "values", recipe=slow, **options)
    assert values.network_.about["on_new_examples"] is None
    (said,) = [reason for reason in values.reasons_ if "still rose by" in reason]
    assert said.endswith("training longer may help, in Python by recipe={'epochs': 10}")
    curve = json.loads((tmp_path / "values" / "result.json").read_text())["evaluations"][0]["curve"]
    assert f"by {100 * (curve[-1] - max(curve[:-1])):.1f} points in the last fifth of its 5 epochs" in said
