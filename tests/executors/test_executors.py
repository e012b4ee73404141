"""Work at posts elsewhere: the results of one process, whatever is lost, late or unlike on the way."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import gymnasium as gym
import pytest
import torch
from nas_agents import RunSpec, compare, run
from nas_agents.runs import spread
from nas_agents.runs.spread import run_there, spread_runs
from typer.testing import CliRunner

from nas_gym import _trust
from nas_gym.cli.app import app
from nas_gym.common import trusted
from nas_gym.errors import WaitWarning
from nas_gym.training import train
from nas_gym.training.workers import crew, remote
from nas_gym.training.workers.travel import unpacked
from tests.helpers.executors import ThreadExecutor, refusal
from tests.helpers.networks import RECIPE, make_data, make_space, random_members, trained
from tests.training.test_invariance import same_bits

SPACE = make_space("mlp")
MEMBERS = random_members(SPACE, 9)
DATA = make_data(SPACE.input_shape)
TRAIN = {"name": "train", "recipe": {"epochs": 1}}
TABLE = {"name": "table", "benchmark": "mlp"}
ENV = {"task": "digits", "store": "memory", "device": "cpu", "evaluator": TRAIN}


@pytest.fixture(scope="module")
def expected():
    return trained(MEMBERS, DATA)


@pytest.mark.parametrize(("workers", "cores"), [(1, 1), (3, 1), (2, 2)])
def test_networks_trained_at_posts_have_the_bits_of_one_process(expected, workers, cores):
    results = trained(MEMBERS, DATA, executor=ThreadExecutor(workers, cores))
    assert all(same_bits(one, other) for one, other in zip(expected, results, strict=True))


def test_data_is_put_where_the_posts_find_it_once(expected):
    executor = ThreadExecutor()
    for _ in range(2):
        trained(MEMBERS, make_data(SPACE.input_shape), executor=executor)
    assert executor.shared == 1


def test_the_chunks_of_a_post_that_is_lost_are_trained_elsewhere(expected):
    losses = iter([True, False, True])
    results = trained(MEMBERS, DATA, executor=ThreadExecutor(2, loses=lambda chunk: next(losses, False)))
    assert all(same_bits(one, other) for one, other in zip(expected, results, strict=True))


def test_a_chunk_that_ends_its_posts_is_halved(expected):
    executor = ThreadExecutor(1, loses=lambda chunk: len(unpacked(chunk.members)) > 2)
    results = trained(MEMBERS, DATA, executor=executor)
    assert all(same_bits(one, other) for one, other in zip(expected, results, strict=True))


def test_a_network_that_ends_its_posts_ends_the_call_in_one_sentence():
    sentence = refusal(
        lambda: trained(MEMBERS[:1], DATA, executor=ThreadExecutor(1, loses=lambda chunk: True))
    )
    assert "3 workers that trained the same network ended (killed)" in sentence


def test_what_the_work_waits_for_is_told(monkeypatch, expected):
    monkeypatch.setattr(crew, "PATIENCE", 0.0)
    answers = itertools.chain([False] * 20, itertools.repeat(True))
    executor = ThreadExecutor(3, 4, is_ready=lambda: next(answers))
    words = []
    with pytest.warns(WaitWarning, match="^waits for 12 cores of threads$"):
        trained(MEMBERS, DATA, executor=executor, progress=lambda at: words.append(at.waiting))
    assert words[0] == "waits for 12 cores of threads"
    assert words[-1] == ""


def test_a_machine_that_gives_other_numbers_trains_nothing(monkeypatch):
    elsewhere = replace(remote.Machine.here(torch.device("cpu")), name="another processor")
    monkeypatch.setattr(remote, "machine_of", lambda executor, device: elsewhere)
    sentence = refusal(lambda: trained(MEMBERS, DATA, executor=ThreadExecutor()))
    assert "would give other numbers" in sentence
    assert "another processor" in sentence


def test_a_cluster_says_what_its_numbers_depend_on():
    """Which is in the key of what is trained there, wherever it is asked for."""
    found = remote.machine_of(ThreadExecutor(joined=True), torch.device("meta"))
    assert found == remote.Machine.here(torch.device("cpu"))


def test_an_operation_that_no_other_machine_can_import_is_named(monkeypatch):
    monkeypatch.setattr(remote, "packed", lambda members: None)
    sentence = refusal(lambda: trained(MEMBERS, DATA, executor=ThreadExecutor()))
    assert "cannot import the operation" in sentence


def test_closing_a_stream_ends_what_is_trained():
    reached = []
    endless = replace(RECIPE, epochs=100_000)
    executor = ThreadExecutor(2)
    members = [*MEMBERS[:1], replace(MEMBERS[1], epochs=1)]
    stream = train(members, DATA, endless, executor=executor)
    reached.append(next(stream)[0])
    stream.close()
    assert reached == [1]


def test_an_executor_is_in_the_config_of_the_environment_and_in_no_key():
    options = {"task": "digits", "store": "memory", "device": "cpu"}
    with_one = gym.make("NAS-v0", executor=ThreadExecutor(), **options).unwrapped
    without = gym.make("NAS-v0", **options).unwrapped
    assert with_one.config() == without.config() | {"executor": {"name": "threads", "workers": 2}}
    assert with_one.evaluator.config() == without.evaluator.config()
    with_one.reset()
    assert with_one.fork().config() == with_one.config()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"executor": "dask"}, "unknown executor 'dask'"),
        ({"executor": {"cores": 2}}, "has no 'name'"),
        ({"executor": 3}, "must be a name or a dict"),
        ({"executor": ThreadExecutor(), "device": "cuda"}, "workers of the executor 'threads' have no GPU"),
        (
            {"executor": ThreadExecutor(), "evaluator": {"name": "train", "executor": "ray"}},
            "name an executor each",
        ),
        (
            {"executor": ThreadExecutor(), "evaluator": {"name": "table", "benchmark": "mlp"}},
            "trains no networks",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(options, words):
    assert words in refusal(lambda: gym.make("NAS-v0", store="memory", **options))


def spec(folder, seed=0, **options):
    return RunSpec("random", 3, str(folder), seed, "NAS-v0", ENV | options)


def told(folder):
    """What a run's folder says, without times and versions of when it was made."""
    files = {path.name for path in folder.rglob("*") if not path.name.startswith("events.")}
    result = json.loads((folder / "result.json").read_text())
    scores = [(one["architecture"], one["score"]) for one in result["evaluations"]]
    return files, json.loads((folder / "config.json").read_text()), scores, result["test_score"]


def test_runs_at_posts_leave_the_folders_that_runs_here_leave(tmp_path):
    run(spec(tmp_path / "here"))
    losses = iter([True])
    executor = ThreadExecutor(1, loses=lambda job: next(losses, False))
    reports = []
    failures = spread_runs(executor, [spec(tmp_path / "there")], lambda *told: reports.append(told))
    assert failures == []
    assert told(tmp_path / "there") == told(tmp_path / "here")
    assert reports[-1] == (0, None)


def test_a_search_goes_on_in_its_folder_with_an_executor_or_without(tmp_path):
    run(spec(tmp_path / "run", executor=ThreadExecutor()))
    begun = told(tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    run(spec(tmp_path / "run"))
    assert told(tmp_path / "run") == begun


def test_a_run_that_fails_or_ends_its_posts_is_named_and_the_others_are_done(tmp_path):
    specs = [spec(tmp_path / "bad", reward="none"), spec(tmp_path / "lost", 1), spec(tmp_path / "good", 2)]
    executor = ThreadExecutor(1, loses=lambda job: job.spec.seed == 1)
    failures = spread_runs(executor, specs, lambda *told: None)
    assert [failure.job for failure in failures] == [0, 1]
    assert "unknown reward 'none'" in failures[0].reason
    assert "3 workers ended in it" in failures[1].reason
    assert (tmp_path / "good" / "result.json").exists()
    assert not (tmp_path / "lost").exists()


def test_a_store_that_another_machine_cannot_reach_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_trust, "_named", set())
    monkeypatch.chdir(tmp_path)
    stored = ENV | {"store": str(tmp_path / "store.db")}
    job = spread.RemoteRun(spec(tmp_path / "run"), stored, "elsewhere", str(tmp_path), ("my_module",))
    here = spread.Here(lambda content: None, lambda: False, lambda shared: shared, 1, 0)
    assert "is a file, which runs on other machines cannot share" in refusal(lambda: run_there(job, here))
    assert run_there(replace(job, env=ENV), here)["result.json"]
    assert "my_module" in trusted()  # as where the comparison was started


def test_an_executor_makes_either_the_runs_or_their_trainings(tmp_path):
    inner = ENV | {"evaluator": {"name": "train", "executor": ThreadExecutor()}}
    outer = {"seeds": 2, "budget": 2, "logdir": tmp_path, "executor": ThreadExecutor()}
    sentence = refusal(lambda: compare(["random", "evolution"], **outer, **inner))
    assert "an executor makes the runs of a comparison or the trainings of each" in sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--address", "auto"], "--address is that of an executor and there is none: pass --executor ray"),
        (["--executor", "[1]"], "--executor must be a name or a JSON object with a name"),
        (["--executor", "{1"], "--executor must be JSON"),
        (["--executor", "dask", "--address", "auto"], "unknown executor 'dask'"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ["search", "--agent", "random", "--store", "memory"],
        ["compare", "--agents", "random,evolution", "--store", "memory"],
        ["benchmark", "build", "--space", "mlp", "--task", "digits"],
    ],
    ids=lambda command: command[0],
)
def test_a_command_refuses_what_is_no_executor_and_writes_nothing(
    tmp_path, monkeypatch, command, arguments, words
):
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, [*command, *arguments])
    assert ended.exit_code == 2
    assert words in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())
