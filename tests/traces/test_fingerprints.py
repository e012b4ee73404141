"""A run knows what it was made with: its data, its table, the user's own code."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from nas_agents.comparison.plan import Plan, prepare
from nas_agents.runs.run import RunSpec, run

from nas_gym.errors import NASGymError
from nas_gym.evaluators import TableEvaluator
from nas_gym.explain import explain, explain_live, read_evidence
from nas_gym.explain.evidence.facts import facts_of
from nas_gym.explain.sections.comparison.section import compare
from nas_gym.tables import load_table, user_folder, write_table
from nas_gym.tasks import Task
from nas_gym.traces import RunFolder, Trace, replay, run_config
from tests.helpers.fakes import SMALL
from tests.helpers.traced_runs import walk

TRAINED = {"search_space": SMALL, "evaluator": {"name": "train", "recipe": {"epochs": 1}}, "store": "memory"}


def write_csv(path, seed, names=("no", "yes"), title="a,b,y"):
    rng = np.random.default_rng(seed)
    rows = [f"{x:.4f},{y:.4f},{names[int(x > y)]}" for x, y in rng.normal(size=(120, 2))]
    path.write_text("\n".join([title, *rows]) + "\n")


@pytest.fixture
def data(tmp_path):
    write_csv(tmp_path / "data.csv", seed=0)
    return tmp_path / "data.csv"


def spec(data, folder, **changed):
    env = {**TRAINED, "task": {"name": "csv", "path": str(data), "target": "y"}}
    return RunSpec("random", 3, str(folder), env=env, **changed)


def test_the_same_command_on_changed_data_does_not_give_the_old_result(data, tmp_path):
    first = run(spec(data, tmp_path / "run"))
    assert run(spec(data, tmp_path / "run")) == first
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    write_csv(data, seed=1)
    with pytest.raises(
        NASGymError, match=r"data.csv has changed since \(fingerprint \w{12} then, \w{12} now\)"
    ):
        run(spec(data, tmp_path / "run"))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")} == files
    write_csv(data, seed=0)
    assert run(spec(data, tmp_path / "run")) == first


@pytest.mark.parametrize("changed", [{"names": ("nah", "yep")}, {"title": "a,c,y"}])
def test_other_names_of_classes_or_features_are_said(data, tmp_path, changed):
    run(spec(data, tmp_path / "run"))
    write_csv(data, seed=0, **changed)
    with pytest.raises(NASGymError, match=r"the names of classes or features in .*data.csv have changed"):
        run(spec(data, tmp_path / "run"))


def test_data_are_known_by_what_they_are_wherever_they_lie(data, tmp_path):
    first = run(spec(data, tmp_path / "run"))
    (tmp_path / "moved").mkdir()
    moved = tmp_path / "moved" / "data.csv"
    shutil.move(data, moved)
    assert run(spec(moved, tmp_path / "run")) == first
    write_csv(moved, seed=1)
    with pytest.raises(NASGymError, match=r"env.task.path is .* there and .*moved.* here"):
        run(spec(moved, tmp_path / "run"))


def test_every_command_that_reads_a_run_refuses_changed_data(data, tmp_path):
    run(spec(data, tmp_path / "run"))
    run(replace(spec(data, tmp_path / "other"), seed=1))
    write_csv(data, seed=1)
    for read in (
        lambda: replay(tmp_path / "run"),
        lambda: explain(tmp_path / "run", write=False, store="memory"),
        lambda: list(explain_live(tmp_path / "run", 2, store="memory")),
        lambda: compare(tmp_path / "run", tmp_path / "other"),
    ):
        with pytest.raises(NASGymError, match=r"data.csv has changed since .*numbers of both would be mixed"):
            read()
    data.unlink()
    with pytest.raises(NASGymError, match=r"data.csv, are not there any more: put the file back"):
        replay(tmp_path / "run")


def test_runs_on_old_and_new_data_are_not_explained_beside_each_other(data, tmp_path):
    run(spec(data, tmp_path / "old"))
    copy = tmp_path / "copy.csv"
    shutil.copy(data, copy)
    run(spec(copy, tmp_path / "same"))
    write_csv(tmp_path / "new.csv", seed=1)
    run(spec(tmp_path / "new.csv", tmp_path / "new"))
    assert compare(tmp_path / "old", tmp_path / "same", budget=0)
    facts = [facts_of(read_evidence(tmp_path / name)) for name in ("old", "same", "new")]
    one, same, other = [each["fingerprint of the data"] for each in facts]
    assert one == same != other
    with pytest.raises(NASGymError, match="are of different data, those of data and of new"):
        compare(tmp_path / "old", tmp_path / "new", budget=0)


def test_arrays_in_memory_are_known_by_their_contents(tmp_path):
    def trace(seed):
        x = np.random.default_rng(seed).normal(size=(60, 2))
        task = Task.from_arrays(x, (x[:, 0] > 0).astype(int))
        return Trace(gym.make("NAS-v0", task=task, **TRAINED), tmp_path / "run")

    env = trace(0)
    walk(env, 2)
    env.close()
    with pytest.raises(NASGymError, match="the data of the task 'arrays' has changed since"):
        trace(1)


def comparison(data, logdir, seeds):
    task = {"name": "csv", "path": str(data), "target": "y"}
    return Plan(["random", "local-search"], seeds, 2, [task], env=TRAINED, logdir=str(logdir))


def test_a_comparison_is_not_extended_by_runs_on_other_data(data, tmp_path):
    (begun,) = prepare(comparison(data, tmp_path, 1))
    write_csv(data, seed=1)
    for each in begun.specs:
        with pytest.raises(NASGymError, match=r"what the run is compared with was made with something else"):
            run(each)
    assert not list(tmp_path.rglob("result.json"))
    write_csv(data, seed=0)
    run(begun.specs[0])
    write_csv(data, seed=1)
    with pytest.raises(NASGymError, match=r"data.csv has changed since"):
        prepare(comparison(data, tmp_path, 2))


OWN = """
from nas_gym.envs.rewards import Score
from nas_agents import Agent
from nas_gym.search_spaces import SEARCH_SPACES


class Reward(Score):
    name = "own_parts:Reward"


class Space(SEARCH_SPACES["mlp"]):
    name = "own_parts:Space"


def half(architecture):
    return 0.5


class Mine(Agent):
    name = "own_parts:Mine"
    access = "query"

    def run(self, session):
        session.ask([session.search_space.smallest()])
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_parts.py").write_text(OWN)
    importlib.invalidate_caches()
    yield tmp_path / "own_parts.py"
    sys.modules.pop("own_parts", None)


FUNCTION = {"name": "function", "function": "own_parts:half"}


@pytest.mark.parametrize(
    ("part", "agent", "env"),
    [
        ("reward", "random", {"reward": "own_parts:Reward"}),
        ("search space", "random", {"search_space": "own_parts:Space"}),
        ("function", "random", {"evaluator": FUNCTION}),
        ("agent", "own_parts:Mine", {}),
    ],
)
def test_a_change_of_the_users_own_code_is_said(own, tmp_path, part, agent, env):
    made = RunSpec(agent, 1, str(tmp_path / "run"), env={**TRAINED, "task": "breast_cancer", **env})
    first = run(made)
    assert run(made) == first
    own.write_text(OWN + "# changed\n")
    sys.modules.pop("own_parts")
    with pytest.raises(NASGymError, match=f"the code of the {part} in own_parts has changed since"):
        run(made)
    if part == "agent":  # who reads a run asks its agent nothing
        assert replay(tmp_path / "run").ok
    else:
        with pytest.raises(NASGymError, match=f"the code of the {part} in own_parts has changed since"):
            replay(tmp_path / "run")


def test_another_setting_of_a_reward_object_is_another_run(tmp_path):
    class Weighted:
        needs_before, episodic = False, False

        def __init__(self, weight):
            self.weight = weight

        def __call__(self, before, after, done):
            return self.weight * after

    def recorded(weight):
        env = gym.make("NAS-v0", task="breast_cancer", reward=Weighted(weight), **TRAINED)
        return run_config(env, "agent", {})

    folder = RunFolder(tmp_path)
    folder.prepare(recorded(1.0))
    folder.check(recorded(1.0))
    with pytest.raises(NASGymError, match=r"env.reward.state.weight is 1.0 there and 2.0 here"):
        folder.check(recorded(2.0))


def test_a_table_replaced_under_its_name_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_GYM_TABLES", str(tmp_path / "tables"))
    shipped = load_table("mlp", "mnist1d")
    on_table = {"evaluator": {"name": "table", "benchmark": "mlp"}}
    made = RunSpec("random", 3, str(tmp_path / "run"), env=on_table)
    first = run(made)
    write_table(
        replace(shipped, about={"note": "another origin of the same numbers"}),
        user_folder() / "mlp-mnist1d.npz",
    )
    assert run(made) == first
    halved = replace(shipped, validation=shipped.validation / 2, examples=None)
    write_table(halved, user_folder() / "mlp-mnist1d.npz")
    with pytest.raises(NASGymError, match="the table mlp-mnist1d has changed since"):
        run(made)
    with pytest.raises(NASGymError, match="the table mlp-mnist1d has changed since"):
        explain(tmp_path / "run", write=False)
    assert TableEvaluator(halved).table.fingerprint != shipped.fingerprint


def test_another_version_of_the_training_is_said(data, tmp_path):
    run(spec(data, tmp_path / "run"))
    file = RunFolder(tmp_path / "run").config_file
    config = json.loads(file.read_text())
    config["fingerprints"]["engine"] += 1
    file.write_text(json.dumps(config))
    sentence = r"networks were trained by engine version 2, and are by version 1"
    sentence = sentence.replace("version 2", f"version {config['fingerprints']['engine']}")
    sentence = sentence.replace("version 1", f"version {config['fingerprints']['engine'] - 1}")
    with pytest.raises(NASGymError, match=sentence):
        run(spec(data, tmp_path / "run"))
    with pytest.raises(NASGymError, match=sentence):
        explain(tmp_path / "run", write=False, store="memory")


def test_a_folder_of_before_fingerprints_says_what_to_do(data, tmp_path):
    run(spec(data, tmp_path / "run"))
    file = RunFolder(tmp_path / "run").config_file
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 1}))
    for command in (lambda: run(spec(data, tmp_path / "run")), lambda: replay(tmp_path / "run")):
        with pytest.raises(NASGymError, match=r"a config of format 1, .*or run again into another folder"):
            command()
