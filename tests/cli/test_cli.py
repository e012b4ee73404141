"""The command line, mostly in this process: what it prints, what it refuses, how it exits."""

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from nas_agents.runs.pool import Failure
from rich.console import Console
from typer.testing import CliRunner

from nas_gym.cli import options as cli_options
from nas_gym.cli import training_bar
from nas_gym.cli.app import app, main
from nas_gym.cli.commands.search import _rounded
from nas_gym.cli.task_options import tasks_of
from nas_gym.deploy import load_network
from nas_gym.errors import NASGymError
from tests.helpers.clock import fake_clock

SMALL = '{"name": "mlp", "max_layers": 2, "widths": [16], "activations": ["relu", "tanh"]}'
QUICK = ["--search-space", SMALL, "--task", "breast_cancer", "--recipe", '{"epochs": 1}', "--horizon", "4"]


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Runs the command line in an empty folder, with results in its memory only."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)

    return invoke


def search(cli, *arguments):
    return cli("search", "--store", "memory", "--budget", "4", *QUICK, *arguments)


def one_sentence(result):
    """The complaint of a refused command."""
    assert result.exit_code == 2
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("nas-gym: ")
    assert "Traceback" not in result.output
    return lines[0]


def test_a_search_prints_accuracies_and_keeps_trace_result_and_network(cli):
    result = search(cli, "--agent", "q-learning", "--set", "alpha=0.5", "--seed", "3")
    assert result.exit_code == 0
    folder = Path("tensorboard_logs/NAS-v0-mlp-breast_cancer/q-learning-alpha=0.5/seed3")
    values = json.loads((folder / "result.json").read_text())
    assert values["hyperparameters"]["alpha"] == 0.5
    assert f"chosen network: {values['architecture']}" in result.stdout
    assert f"validation accuracy {values['validation_score']:.4f}" in result.stdout
    assert f"test accuracy {values['test_score']:.4f}" in result.stdout
    assert "(optimistic)" in result.stdout
    new, constant = values["on_new_examples"], values["constant_answer"]
    assert f"95% interval for new examples {new['low']:.4f} to {new['high']:.4f}" in result.stdout
    assert f"always answering {constant['answer']!r} is right for {constant['test']:.4f}" in result.stdout
    assert f"accuracy that the search saw: {values['score']:.4f} (optimistic)" in result.stdout
    assert "tensorboard --logdir tensorboard_logs/NAS-v0-mlp-breast_cancer" in result.stdout
    assert load_network(folder / "best.pt").architecture == values["architecture"]
    assert (folder / "trace.jsonl").exists()


def test_the_same_search_again_shows_the_finished_run_and_another_one_is_refused(cli):
    first = search(cli, "--agent", "random")
    assert search(cli, "--agent", "random").stdout == first.stdout
    sentence = one_sentence(search(cli, "--agent", "random", "--budget", "5"))
    assert "another config" in sentence
    assert "budget is 4 there and 5 here" in sentence
    assert search(cli, "--agent", "random", "--budget", "5", "--name", "longer").exit_code == 0


def test_a_search_that_the_clock_ends_says_so(cli, monkeypatch):
    fake_clock(monkeypatch, look=3)
    result = cli("search", "--store", "memory", *QUICK, "--agent", "q-learning", "--minutes", "2")
    assert result.exit_code == 0
    assert (
        "ended by the clock after 2 minutes: another run would not end at the same evaluation, so this one "
        "cannot be repeated exactly"
    ) in result.stdout
    folder = Path("tensorboard_logs/NAS-v0-mlp-breast_cancer/q-learning/seed0")
    values = json.loads((folder / "result.json").read_text())
    assert (values["budget"], values["stopped"]) == ({"minutes": 2.0}, "minutes")
    assert values["repeatable"] is False
    assert cli("replay", folder).exit_code == 0
    both = cli(
        "search", "--store", "memory", *QUICK, "--agent", "q-learning", "--minutes", "2", "--budget", "3"
    )
    assert "another config" in one_sentence(both)


def test_of_minutes_and_a_budget_the_first_that_is_reached_ends_the_search(cli, monkeypatch):
    fake_clock(monkeypatch)
    result = search(cli, "--agent", "random", "--minutes", "2")
    assert "4 distinct evaluations" in result.stdout
    assert "the search ended by: budget" in result.stdout
    values = json.loads(next(Path().rglob("result.json")).read_text())
    assert (values["budget"], values["repeatable"]) == ({"evaluations": 4, "minutes": 2.0}, True)


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        ([], "random: 4 of 4 evaluations; 0:00 by the clock; best 0."),
        (["--budget", "3.5s"], " of 3.5 s recorded training time; 0:00 by the clock; best 0."),
        (["--minutes", "2"], "random: 4 of 4 evaluations; 0:00 of 2:00 by the clock; best 0."),
    ],
)
def test_without_a_terminal_the_progress_is_plain_lines_that_say_what_is_counted(
    cli, monkeypatch, limits, line
):
    fake_clock(monkeypatch)
    result = search(cli, "--agent", "random", *limits)
    assert result.exit_code == 0
    assert line in result.stderr.splitlines()[-1]


def test_a_recorded_search_is_replayed(cli):
    search(cli, "--agent", "q-learning")
    folder = Path("tensorboard_logs/NAS-v0-mlp-breast_cancer/q-learning/seed0")
    result = cli("replay", folder)
    assert result.exit_code == 0
    assert "all agree" in result.stdout


def test_a_replay_that_differs_exits_with_1(cli):
    search(cli, "--agent", "q-learning")
    folder = Path("tensorboard_logs/NAS-v0-mlp-breast_cancer/q-learning/seed0")
    trace = (folder / "trace.jsonl").read_text()
    (folder / "trace.jsonl").write_text(re.sub(r'"reward":0\.\d+', '"reward":0.123', trace, count=1))
    result = cli("replay", folder)
    assert result.exit_code == 1
    assert "mismatch" in result.stdout


def test_own_data_is_searched_by_the_name_of_its_label_column(cli):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'good' if a > b else 'bad'}" for a, b in rng.random((120, 2))]
    Path("wine.csv").write_text("\n".join(["acid,sugar,quality", *rows]))
    result = search(cli, "--agent", "random", "--task", "wine.csv", "--target", "quality")
    assert result.exit_code == 0
    assert Path("tensorboard_logs/NAS-v0-mlp-wine/random/seed0/best.pt").exists()


def test_what_is_said_of_own_data_is_printed_once_as_a_line(cli):
    rows = [f'{row},"{row % 9},5",{"ab"[row % 2]}' for row in range(60)]
    Path("shop.csv").write_text("\n".join([",price,label", *rows]))
    own = ("--task", "shop.csv", "--target", "label")
    result = search(cli, "--agent", "random", *own)
    assert result.exit_code == 0, result.output
    notes = [line for line in result.stderr.splitlines() if "note:" in line]
    assert len(notes) == 2
    assert notes[0].startswith("nas-gym: note: the first column has no name")
    assert notes[1].startswith("nas-gym: note: column 'price' is read as numbers with a decimal comma")
    assert "Warning" not in result.stderr
    compared = cli(
        "compare",
        "--agents",
        "random,tpe",
        "--seeds",
        "2",
        "--budget",
        "2",
        "--jobs",
        "1",
        "--logdir",
        "both",
        *QUICK,
        *own,
    )
    assert compared.exit_code == 0, compared.output
    assert compared.stderr.count("note: column 'price'") == 1


@pytest.mark.parametrize(
    "name", ["data.csv.gz", "data.tsv", "data.xlsx", "data.npy", "data.parquet", "data.xls"]
)
def test_a_file_of_any_kind_is_read_or_named_as_what_it_is(cli, name):
    content = "a\tb\ty\n" + "\n".join(f"{row % 7}\t{row % 5}\t{row % 2}" for row in range(60))
    Path(name).write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    assert "cannot be read as" in one_sentence(search(cli, "--agent", "random", "--task", name))
    result = search(cli, "--agent", "random", "--task", name, "--target", "y")
    if name in ("data.csv.gz", "data.tsv", "data.xls"):
        assert result.exit_code == 0, result.output
    else:
        assert "which its name says it is" in one_sentence(result)


def test_a_table_in_json_takes_the_target_of_its_option(cli):
    rows = [f"{row % 7}^{row % 5}^{row % 2}" for row in range(60)]
    Path("data.txt").write_text("\n".join(["a^b^y", *rows]))
    task = json.dumps({"name": "csv", "path": "data.txt", "delimiter": "^"})
    assert search(cli, "--agent", "random", "--task", task, "--target", "y").exit_code == 0


def test_a_target_of_many_numbers_is_read_as_values_and_said(cli):
    result = search(cli, "--agent", "random", *homes())
    assert result.exit_code == 0, result.output
    assert "target 'price' is read as values, 90 different numbers: categorical=['price']" in result.stderr
    assert "test R² " in result.stdout
    classes = search(cli, "--agent", "random", *homes(), "--target-kind", "classes", "--name", "b")
    assert "looks like regression: pass target_kind='values' to predict them" in one_sentence(classes)


def test_how_a_table_is_read_and_scored_stands_on_the_command_line(cli):
    rows = [
        f"{row * 7 % 60}^{row % 5}^{'-9' if row % 6 == 1 else row}^x{row % 9}^{'yn'[row % 3 == 0]}"
        for row in range(60)
    ]
    Path("data.txt").write_text("\n".join(["a^room^b^note, old^y", *rows]))
    table = ["--task", "data.txt", "--target", "y", "--delimiter", "^", "--drop", "note, old", "--drop", "a"]
    reading = ["--missing", "-9", "--categorical", "room", "--metric", "macro_f1"]
    result = search(cli, "--agent", "random", *table, *reading)
    assert result.exit_code == 0, result.output
    assert "test macro F1 " in result.stdout
    assert "test accuracy " in result.stdout
    (config,) = Path().rglob("config.json")
    task = json.loads(config.read_text())["env"]["task"]
    assert task["drop"] == ["note, old", "a"]
    assert (task["delimiter"], task["missing"], task["categorical"]) == ("^", ["-9"], ["room"])
    network = load_network(config.parent / "best.pt")
    rooms = [f"room={number}" for number in range(5)]
    assert list(network.feature_names) == [*rooms, "b", "b is missing"]


def test_options_of_reading_take_what_a_task_in_json_does_not_say():
    task = '{"name": "csv", "path": "a.csv", "drop": ["b"]}'
    reading = {"drop": ["a"], "delimiter": ";", "metric": "macro_f1"}
    (asked,) = tasks_of([task], "y", None, reading)
    assert asked == {
        "name": "csv",
        "path": "a.csv",
        "target": "y",
        "drop": ["b"],
        "delimiter": ";",
        "metric": "macro_f1",
    }
    assert tasks_of(["digits"], None, None, {"metric": "macro_f1"}) == [
        {"name": "digits", "metric": "macro_f1"}
    ]


def homes(kind="csv"):
    """A file of 90 homes whose price, a number, follows from their area."""
    area = np.random.default_rng(0).uniform(30, 200, (90, 1))
    if kind == "npz":
        np.savez("homes.npz", x=area, y=2500 * area[:, 0])
        return ["--task", "homes.npz"]
    rows = [f"{value:.2f},{2500 * value:.0f}" for (value,) in area]
    Path("homes.csv").write_text("\n".join(["area,price", *rows]))
    return ["--task", "homes.csv", "--target", "price"]


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_values_of_own_data_are_searched_by_their_r2_and_measured_in_their_units(cli, kind):
    epochs = ["--recipe", '{"epochs": 30}']
    result = search(cli, "--agent", "random", *homes(kind), "--target-kind", "values", *epochs)
    assert result.exit_code == 0, result.output
    (file,) = Path("tensorboard_logs/NAS-v0-mlp-homes").rglob("result.json")
    values = json.loads(file.read_text())
    assert (values["metric"], values["metric_label"], values["classes"]) == ("r2", "R²", None)
    assert (
        f"validation R² {values['validation_score']:.4f}, test R² {values['test_score']:.4f}" in result.stdout
    )
    assert f"always answering {values['constant_answer']['answer']} has a test R² of 0.0" in result.stdout
    rmse = np.mean([each["metrics"]["rmse"] for each in values["final"]])
    assert f"test RMSE {rmse:,.0f}, test MAE " in result.stdout
    assert f"R² that the search saw: {values['score']:.4f} (optimistic)" in result.stdout
    assert "accura" not in result.stdout
    assert "right for" not in result.stdout
    prices = 2500 * np.array([[50.0], [150.0]])
    predicted = load_network(file.parent / "best.pt").predict(prices / 2500)
    assert np.abs(predicted - prices).mean() < np.abs(prices - prices.mean()).mean()


@pytest.mark.parametrize(
    ("number", "text"), [(0.0, "0.000"), (53.8712, "53.87"), (39421.3, "39,421"), (0.0012345, "0.001234")]
)
def test_metrics_are_shown_with_four_digits(number, text):
    assert _rounded(number) == text


def test_a_target_kind_that_does_not_exist_is_named_with_those_that_do(cli):
    sentence = one_sentence(search(cli, "--agent", "random", *homes(), "--target-kind", "valus"))
    assert "unknown target_kind 'valus': did you mean 'values'?" in sentence


def test_a_table_in_json_takes_the_target_kind_of_its_option_unless_it_has_its_own():
    task = '{"name": "csv", "path": "homes.csv"}'
    (asked,) = tasks_of([task], "price", "values")
    assert asked == {"name": "csv", "path": "homes.csv", "target": "price", "target_kind": "values"}
    (own,) = tasks_of([task[:-1] + ', "target_kind": "classes"}'], "price", "values")
    assert own["target_kind"] == "classes"


@pytest.mark.timeout(300)
def test_a_comparison_on_values_prints_and_reports_r2(cli):
    options = ["--task", "diabetes", "--store", "sqlite:///s.sqlite", "--jobs", "1"]
    result = cli(
        "compare", "--agents", "random,q-learning", "--seeds", "2", "--budget", "2", *QUICK[:2], *options
    )
    assert result.exit_code == 0, result.output
    assert "test R² [95%]" in result.stdout
    assert "test R², val.: of the chosen network" in result.stdout
    report = Path("tensorboard_logs/NAS-v0-mlp-diabetes/comparison.md").read_text()
    assert "**Test R²** is that of the network" in report
    assert "accura" not in result.stdout + report


def test_a_training_bar_is_shown_of_networks_that_are_trained_and_of_nothing_else():
    trains = gym.make("NAS-v0", task="digits", store="memory").unwrapped.evaluator
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with training_bar(trains, console):
        trains.evaluate_architectures([trains.search_space.smallest()], fidelity=1)
    assert "1/1 networks" in console.file.getvalue()
    assert trains.progress is None
    looked_up = gym.make("NASTable-MLP-v0").unwrapped.evaluator
    with pytest.raises(NASGymError, match="trains none: leave it out"), training_bar(looked_up):
        pass


def test_a_search_in_which_every_network_fails_ends_and_says_why(cli):
    result = search(cli, "--agent", "q-learning", "--recipe", '{"epochs": 1, "learning_rate": 1e30}')
    assert result.exit_code == 0
    assert "test accuracy 0.0000" in result.stdout
    assert re.search(r"training failed with seed 1: \S", result.stdout)
    assert not list(Path("tensorboard_logs").rglob("best.pt"))


@pytest.mark.parametrize(
    "environment",
    [
        ["--env", "NASTable-MLP-v0"],
        ["--evaluator", '{"name": "table", "benchmark": "mlp", "fidelity": 5}', "--task", "mnist1d"],
    ],
)
def test_a_table_is_searched_and_its_optimum_known(cli, environment):
    result = cli("search", "--agent", "random", "--budget", "5", *environment)
    assert result.exit_code == 0, result.output
    (file,) = Path("tensorboard_logs").rglob("result.json")
    values = json.loads(file.read_text())
    assert values["regret"] == pytest.approx(values["optimum"] - values["validation_score"])
    assert "recorded at full fidelity with seeds 0, 1, 2: validation accuracy" in result.stdout
    assert f"regret {values['regret']:.4f} to the optimum {values['optimum']:.4f}" in result.stdout
    assert cli("replay", file.parent).exit_code == 0


def test_the_parts_are_listed(cli):
    output = cli("list").stdout
    for line in (
        r"NAS-v0",
        r"NASTable-MLP-v0",
        r"macro +6,561",
        r"mlp-mnist1d",
        r"mlp +4,680",
        r"cell +15,625",
        r"nasbench101 +1,293,208",
        r"seq2seq +other inputs",
        r"q-learning +walk",
        r"tpe +query",
        r"digits +\S",
    ):
        assert re.search(line, output)
    assert "improvement" in output
    assert "`" not in output


@pytest.mark.parametrize("command", ["search", "compare", "replay", "list"])
def test_every_command_has_help_with_an_example(cli, command):
    result = cli(command, "--help")
    assert result.exit_code == 0
    assert f"nas-gym {command}" in result.stdout.split("Example:")[1]


BAD_SEARCHES = {
    "an unknown agent": (["--agent", "q-lerning"], "unknown agent 'q-lerning': did you mean 'q-learning'?"),
    "an unknown space": (["--search-space", "mpl"], "unknown search space 'mpl': did you mean 'mlp'?"),
    "an unknown task": (["--task", "mnist1"], "unknown task 'mnist1': did you mean 'mnist1d'?"),
    "an unknown environment": (["--env", "NAS-v9"], "unknown environment 'NAS-v9': did you mean 'NAS-v0'?"),
    "an unknown reward": (["--reward", "scroe"], "did you mean 'score'?"),
    "a reward without a name": (["--reward", '{"nme": "final"}'], "the reward has no 'name'"),
    "an unknown hyperparameter": (["--set", "batsh=3"], "did you mean 'batch'?"),
    "an unknown recipe option": (["--recipe", '{"epoch": 3}'], "did you mean 'epochs'?"),
    "a budget of 0": (["--budget", "0"], "of evaluations of at least 1"),
    "a budget of no time": (
        ["--budget", "0s"],
        "each above 0, or a dict of several of them, not {'seconds': 0.0}",
    ),
    "a budget below 0": (["--budget", "-3"], "not -3"),
    "a budget in words": (["--budget", "many"], "a number of evaluations like 40, or a time like 30s"),
    "a budget of half an evaluation": (["--budget", "0.5"], "not '0.5'"),
    "a clock of no time": (["--minutes", "0"], "--minutes must be a number of minutes above 0, not 0"),
    "a clock that goes back": (["--minutes", "-2"], "above 0, not -2"),
    "a budget of too little time": (["--budget", "0.0000001s"], "raise the budget"),
    "a missing file": (["--task", "gone.npz"], "there is no file"),
    "a missing csv": (["--task", "gone.csv", "--target", "y"], "there is no file"),
    "a csv without target": (["--task", "gone.csv"], "pass --target NAME"),
    "a target without csv": (["--target", "y"], "--target names the column to be predicted of a .csv"),
    "a target kind without own data": (
        ["--target-kind", "values"],
        "--target-kind says what is predicted of data in a file and --task breast_cancer is none",
    ),
    "a malformed architecture": (["--initial", "relu-65"], "relu-65"),
    "a space of one architecture": (
        ["--search-space", '{"name": "mlp", "max_layers": 1, "widths": [16], "activations": ["relu"]}'],
        "a search needs at least 2",
    ),
    "a space that is no JSON": (["--search-space", "{mlp}"], "--search-space must be JSON like"),
    "gamma 1 with a reward that goes on": (["--agent", "dqn", "--set", "gamma=1"], "gamma below 1"),
    "a horizon of 0": (["--horizon", "0"], "horizon must be"),
    "a negative seed": (["--seed", "-1"], "seed must be"),
    "training seeds in words": (["--train-seeds", "one"], "--train-seeds must be whole numbers"),
    "a repeated training seed": (["--train-seeds", "1,1"], "seeds must be different"),
    "a device that is not there": (["--device", "abacus"], "device 'abacus' cannot be used"),
    "a store that is no database": (["--store", "ftp://somewhere"], "store"),
    "a setting without value": (["--set", "alpha"], "--set takes NAME=VALUE"),
    "an environment of another kind": (["--env", "CartPole-v1"], "'CartPole-v1' searches no architectures"),
    "a space that is a list": (["--search-space", '["mlp"]'], "search space must be a name or a dict"),
    "a space without module": (["--search-space", ":"], "write it as 'module:Name'"),
    "a space that is a module": (["--search-space", "os:path"], "'os:path' is a module"),
    "a space that is something else": (["--search-space", "types:SimpleNamespace"], "no search space"),
    "a scale in words": (["--reward", '{"name": "score", "scale": ["low", 1]}'], "not ['low', 1]"),
    "a scale that is a number": (["--reward", '{"name": "score", "scale": 1}'], "low < high, not 1"),
    "a count beyond 64 bits": (
        ["--recipe", '{"batch_size": 10000000000000000000}'],
        "batch_size of the recipe",
    ),
    "a device that holds no data": (["--device", "meta"], "device 'meta' cannot be used"),
    "a log folder that cannot be": (["--logdir", "/dev/null/logs"], "/dev/null/logs"),
    "an initial that is misspelt": (["--initial", "smalest"], "did you mean 'smallest'?"),
    "a name in capitals": (["--agent", "RANDOM"], "did you mean 'random'?"),
    "an initial that is no word": (["--initial", ""], "architecture ''"),
    "an evaluator beside a recipe": (
        ["--evaluator", "tabel"],
        "put --recipe and --train-seeds into its JSON",
    ),
    "an option of reading without a table": (
        ["--drop", "a"],
        "--drop says how data in a file is read and --task breast_cancer is none",
    ),
    "an unknown metric": (["--metric", "f1"], "unknown metric 'f1'"),
    "a recipe that is no object": (["--recipe", "3"], "--recipe must be a JSON object"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD_SEARCHES.values(), ids=BAD_SEARCHES)
def test_bad_input_is_one_sentence_and_leaves_nothing_behind(cli, tmp_path, arguments, message):
    agent = [] if "--agent" in arguments else ["--agent", "random"]
    assert message in one_sentence(search(cli, *agent, *arguments))
    assert list(tmp_path.iterdir()) == []


def test_a_target_column_that_does_not_exist_is_named_with_those_that_do(cli):
    Path("wine.csv").write_text("acid,quality\n1,good\n2,bad\n")
    sentence = one_sentence(search(cli, "--agent", "random", "--task", "wine.csv", "--target", "qualiti"))
    assert "unknown target column of wine.csv 'qualiti': did you mean 'quality'?" in sentence


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"target": ["qualiti"]}, "unknown target column of wine.csv 'qualiti'"),
        ({"drop": 5}, "drop must be a list of column names, not 5"),
        ({"categorical": [["acid"]]}, "unknown column in categorical ['acid']"),
        ({"max_categories": "many"}, "max_categories must be a whole number of at least 1, not 'many'"),
    ],
)
def test_an_option_of_a_csv_of_the_wrong_type_is_named(cli, option, message):
    Path("wine.csv").write_text("acid,quality\n1,good\n2,bad\n")
    task = {"name": "csv", "path": "wine.csv", "target": "quality", **option}
    assert message in one_sentence(search(cli, "--agent", "random", "--task", json.dumps(task)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--agents", "random"], "a comparison needs at least 2 agents, here are 1"),
        (["--agents", "random,tpee"], "unknown agent 'tpee': did you mean 'tpe'?"),
        (["--agents", "[random]"], "--agents must be JSON like"),
        (["--agents", "random,tpe", "--seeds", "0"], "seeds must be at least 1, not 0"),
        (["--agents", "random,tpe", "--jobs", "0"], "jobs must be at least 1, not 0"),
        (["--agents", "random,tpe", "--budget", "0"], "at least 1"),
        (
            ["--agents", "random,tpe", "--minutes", "2"],
            "compare takes no --minutes: agents are compared at equal",
        ),
        (["--agents", "[1, 2]"], "the agent must be a name or a dict with 'name' and options, not 1"),
        (["--agents", "random,tpe", "--logdir", "/dev/null/logs"], "folder /dev/null/logs"),
        (["--agents", "random,tpe", "--task", "digits", "--task", "digtis"], "did you mean 'digits'?"),
    ],
)
def test_a_bad_comparison_is_one_sentence_and_leaves_nothing_behind(cli, tmp_path, arguments, message):
    assert message in one_sentence(cli("compare", "--store", "memory", *arguments))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_no_run_cannot_be_replayed(cli):
    Path("file").touch()
    for folder in ("nowhere", "file"):
        assert "holds no run" in one_sentence(cli("replay", folder))


def test_options_that_do_not_exist_exit_with_2(cli):
    assert cli("search", "--agnet", "random").exit_code == 2
    assert cli("search").exit_code == 2
    assert cli("find").exit_code == 2


def test_an_interruption_says_how_to_go_on(cli, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("nas_gym.cli.commands.search.search_and_show", interrupted)
    result = search(cli, "--agent", "random")
    assert result.exit_code == 130
    assert "run the same command again" in result.stderr


def test_help_is_quick_since_nothing_heavy_is_imported():
    heavy = "{'torch', 'stable_baselines3', 'optuna', 'sklearn', 'matplotlib', 'nas_agents'}"
    code = f"import sys, nas_gym.cli.app; print({heavy} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_failed_runs_are_named_one_by_one_and_exit_with_1(cli, monkeypatch):
    def all_fail(experiments, jobs, on_progress, executor):
        return [(spec, Failure(0, "its process was killed by SIGKILL", "")) for spec in experiments[0].specs]

    monkeypatch.setattr("nas_agents.comparison.runner.execute", all_fail)
    result = cli("compare", "--agents", "random,tpe", "--seeds", "1", "--store", "memory", *QUICK)
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if line] == [
        "nas-gym: the run of random with seed 0 on breast_cancer failed: its process was killed by SIGKILL",
        "nas-gym: the run of tpe with seed 0 on breast_cancer failed: its process was killed by SIGKILL",
        "nas-gym: runs that did not finish are left out of every figure; an agent whose searches break off "
        "where they go badly looks better for it.",
        "nas-gym: fewer than 2 agents finished a run on breast_cancer: no comparison",
    ]


def run_cli(*arguments, cwd):
    command = [sys.executable, "-m", "nas_gym", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.timeout(300)
def test_a_comparison_prints_its_ranking_and_where_everything_is(cli, monkeypatch):
    arguments = ["compare", "--agents", "random,q-learning", "--seeds", "1", "--budget", "3", *QUICK]
    arguments += ["--store", "sqlite:///s.sqlite", "--jobs", "1"]
    monkeypatch.setattr(sys, "argv", ["nas-gym", *arguments])
    result = cli(*arguments)
    assert result.exit_code == 0, result.output
    assert re.search(r"^ *1 +(random|q-learning) ", result.stdout, re.MULTILINE)
    assert "With 1 seed per agent the smallest p-value a test can reach is 1" in result.stdout
    assert "4 seeds per agent could show one" in result.stdout
    assert "tensorboard --logdir tensorboard_logs" in result.stdout
    assert "comparing: 6 of 6 evaluations; " in result.stderr
    report = Path("tensorboard_logs/NAS-v0-mlp-breast_cancer/comparison.md")
    assert str(report) in result.stdout
    assert "nas-gym compare --agents random,q-learning --seeds 1" in report.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["search", "--seed", "1.5"], "'--seed'"),
        (["search", "--nope"], "--nope"),
        (["nonsense"], "'nonsense'"),
        (["replay"], "Missing argument 'run'"),
        (["benchmark", "info"], "nas-gym benchmark info --help"),
    ],
)
def test_what_the_options_refuse_is_one_sentence(arguments, told, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["nas-gym", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == 2
    assert line.startswith("nas-gym: ")
    assert told in line
    assert line.endswith("--help")


def lines_of(file):
    return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.mark.faults  # kills of searches at many moments are there, too
@pytest.mark.timeout(300)
def test_a_search_killed_in_the_middle_and_started_again_ends_as_if_undisturbed(tmp_path):
    arguments = ["search", "--agent", "q-learning", "--budget", "12", "--task", "mnist1d", "--horizon", "6"]
    arguments += ["--recipe", '{"epochs": 2}', "--store", "store.sqlite"]
    process = subprocess.Popen(
        [sys.executable, "-m", "nas_gym", *arguments, "--logdir", "killed"], cwd=tmp_path
    )
    trace = tmp_path / "killed/NAS-v0-mlp-mnist1d/q-learning/seed0/trace.jsonl"
    while lines_of(trace) < 5:
        assert process.poll() is None, "the search ended before it could be killed"
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (trace.parent / "result.json").exists()
    assert run_cli(*arguments, "--logdir", "killed", cwd=tmp_path).returncode == 0
    fresh = [*arguments[:-1], "other.sqlite", "--logdir", "undisturbed"]
    assert run_cli(*fresh, cwd=tmp_path).returncode == 0
    undisturbed = tmp_path / "undisturbed" / trace.relative_to(tmp_path / "killed")
    assert trace.read_text() == undisturbed.read_text()
    again, once = (json.loads((file.parent / "result.json").read_text()) for file in (trace, undisturbed))
    for result in (again, once):
        result.pop("seconds"), result.pop("charges")
        for evaluation in result["evaluations"]:
            evaluation.pop("seconds")
    assert again == once


@pytest.mark.parametrize(
    ("text", "budget"),
    [("40", 40), ("30s", {"seconds": 30.0}), ("1.5m", {"seconds": 90.0}), ("2h", {"seconds": 7200.0})],
)
def test_budgets_are_evaluations_or_times(text, budget):
    assert cli_options.budget_of(text) == budget


def test_settings_are_json_where_they_can_be_and_texts_otherwise():
    values = cli_options.hyperparameters_of(["alpha=0.1", "replay=true", "improvement=first", "a=b=c"])
    assert values == {"alpha": 0.1, "replay": True, "improvement": "first", "a": "b=c"}
    with pytest.raises(NASGymError, match="twice"):
        cli_options.hyperparameters_of(["alpha=1", "alpha=2"])


def test_agents_are_names_with_commas_or_a_json_list():
    assert cli_options.agents_of("random, tpe") == ["random", "tpe"]
    assert cli_options.agents_of('["random", {"name": "q-learning", "alpha": 0.2}]')[1]["alpha"] == 0.2


def test_the_recorded_command_hides_passwords():
    shown = cli_options.command_line(
        ["x", "compare", "--store", "postgresql://me:s3cret@host/db", "--set", "a=b c"]
    )
    assert shown == "nas-gym compare --store postgresql://me:***@host/db --set 'a=b c'"
