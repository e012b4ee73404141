"""The command line, mostly in this process: what it prints, and how it exits."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import gymnasium as gym
import pytest
from nas_agents.runs.pool import Failure
from rich.console import Console

from nas_gym.cli import training_bar
from nas_gym.cli.commands.search import _best_agent, _rounded
from nas_gym.deploy import load_network
from nas_gym.errors import NASGymError
from tests.helpers.clock import fake_clock
from tests.helpers.commands import QUICK, one_sentence, search


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
    assert "(--budget is 4 there and 5 here): choose another folder by --out, or delete it" in sentence
    timed = one_sentence(search(cli, "--agent", "random", "--budget", "30s"))
    assert "(--budget is 4 there and 30 recorded seconds here)" in timed
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
    sentence = one_sentence(both)
    assert "(--budget or --minutes is 2 minutes by the clock there and 3 evaluations or 2 minutes" in sentence


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


@pytest.mark.parametrize(
    ("number", "text"), [(0.0, "0.000"), (53.8712, "53.87"), (39421.3, "39,421"), (0.0012345, "0.001234")]
)
def test_metrics_are_shown_with_four_digits(number, text):
    assert _rounded(number) == text


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


def test_without_an_agent_the_best_by_our_comparisons_is_taken_and_said(cli):
    result = cli("search", "--env", "NASTable-MLP-v0", "--budget", "3")
    assert result.exit_code == 0, result.output
    assert "agent pretrained: the fewest evaluations to the best network on mlp tables" in result.stderr
    assert list(Path("tensorboard_logs").glob("*/pretrained/seed0/result.json"))
    refused = cli("search", "--env", "NASTable-MLP-v0", "--set", "alpha=1")
    assert refused.exit_code == 2
    assert "--set is of an agent, and none is named: name it by --agent" in refused.stderr


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
    ("budget", "agent", "words"),
    [
        (1, "pretrained", "1 evaluation;"),
        ({"seconds": 30.0}, "pretrained", "30 recorded seconds;"),
        ({"minutes": 0.1}, "model-based", "0.1 minutes by the clock;"),
        ({"minutes": 2.0, "evaluations": 40}, "pretrained", "40 evaluations or 2 minutes by the clock;"),
    ],
)
def test_the_agent_that_nobody_named_is_told_with_the_budget_it_is_the_best_for(budget, agent, words, capsys):
    env = SimpleNamespace(search_space=SimpleNamespace(name="mlp", size=4680), objectives=None)
    assert _best_agent(env, budget) == agent
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith(f"agent {agent}: ")
    assert words in told
