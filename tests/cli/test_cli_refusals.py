"""What the command line refuses: one sentence, exit code 2, and nothing left behind."""

import json
import sys
from pathlib import Path

import pytest

from nas_gym.cli.app import main
from tests.helpers.commands import one_sentence, search

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
    "objectives of one number": (
        ["--objectives", "score,flops"],
        "--objectives is of --env NASMultiObjective-v0, and NAS-v0 pays one number",
    ),
    "an unknown objective": (
        ["--env", "NASMultiObjective-v0", "--objectives", "score,flop"],
        "unknown objective 'flop': did you mean 'flops'?",
    ),
    "a single objective": (["--env", "NASMultiObjective-v0", "--objectives", "score"], "at least 2 of score"),
    "objectives that are no JSON": (
        ["--env", "NASMultiObjective-v0", "--objectives", "[score"],
        "--objectives must be JSON like",
    ),
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
    assert cli("find").exit_code == 2


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
