"""Files of earlier formats are read as if they had been written today, or refused in one sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents.runs.run import RunSpec, run
from typer.testing import CliRunner

from nas_gym import trust
from nas_gym.cli.app import app
from nas_gym.envs import NASEnv
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Evaluation, TrainEvaluator
from nas_gym.explain import explain
from nas_gym.traces import RunFolder, Trace, read_trace, rebuild, replay, run_config, versions
from nas_gym.traces.migrations import CONFIG, RESULT, TRACE
from nas_gym.traces.run_folder import as_json
from tests.helpers import own_rewards

FIXTURES = Path(__file__).parents[1] / "fixtures" / "format_1"
RUNS = {"q-learning": {"name": "q-learning", "alpha": 0.2, "outputs": "actions"}, "tpe": "tpe"}
FILES = ("config.json", "result.json", "trace.jsonl")


def old_run(tmp_path, name="q-learning"):
    """A copy of a run of the earlier format."""
    folder = tmp_path / name
    shutil.copytree(FIXTURES / name, folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def numerics_of_the_version_before():
    """Let numerics be named as the fixtures name them, without the make of the processor."""
    named = f"cpu, fp32, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainEvaluator, "numerics", named)
        yield


def as_of_here(folder):
    """Make the copy one that the earlier version would have written with the packages of this machine."""
    config = read(folder / "config.json")
    config["versions"], config["numerics"] = (
        versions(),
        rebuild(RunFolder(folder).config()).unwrapped.evaluator.numerics,
    )
    write(folder / "config.json", config)
    return folder


def spec_of(name, folder, **changed):
    """The search that wrote a fixture, from what its config says."""
    config = RunFolder(FIXTURES / name).config()
    store = folder.parent / "store.db"
    if not store.exists():
        store.parent.mkdir(exist_ok=True)
        shutil.copy(FIXTURES / "store.db", store)
    env = {**config["env"], "store": str(store)}
    options = {"agent": RUNS[name], "budget": config["config"]["budget"], "seed": 0, "env": env} | changed
    return RunSpec(folder=str(folder), **options)


def read(file):
    return json.loads(file.read_text())


def write(file, values):
    file.write_text(json.dumps(values))


def change(file, **values):
    write(file, read(file) | values)


def cli(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def shape(value):
    """What a value is, without its numbers and texts."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [shape(value[0])] if value else []
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


@pytest.fixture(scope="module", params=RUNS)
def old_and_new(request, tmp_path_factory):
    """The folder of a fixture, that of a run of today with the same store, and whether their numbers agree.

    Results of other numerics are trained anew, and their numbers may then be others.
    """
    new = tmp_path_factory.mktemp("today") / request.param
    run(spec_of(request.param, new), keep_network=True)
    old = RunFolder(FIXTURES / request.param)
    return old, RunFolder(new), old.config()["numerics"] == RunFolder(new).config()["numerics"]


def test_the_fixtures_are_of_the_formats_before(old_and_new):
    old, new, _ = old_and_new
    formats = {name: read(old.path / name)["format"] for name in FILES[:2]}
    header = json.loads((old.path / "trace.jsonl").read_text().splitlines()[0])
    assert (formats, header["version"]) == ({"config.json": 2, "result.json": 1}, 1)
    formats = {name: read(new.path / name)["format"] for name in FILES[:2]}
    assert formats == {"config.json": CONFIG.newest, "result.json": RESULT.newest}


def test_a_config_is_read_as_a_run_of_today_writes_it(old_and_new):
    old, new, _ = old_and_new
    written = read(old.config_file)
    recorded = {name: written[name] for name in ("versions", "numerics")}
    assert old.config() == read(new.config_file) | recorded


def test_a_result_is_read_as_a_run_of_today_writes_it(old_and_new):
    old, new, equal = old_and_new
    there, here = old.result(), read(new.result_file) | {"versions": read(old.result_file)["versions"]}
    assert shape(there) == shape(here)
    assert there.keys() == here.keys()
    if equal:
        assert there == here | {"label": there["label"]}  # which the user may name
    assert [asdict(Evaluation.from_dict(one)) for one in there["evaluations"]]


def test_a_trace_is_read_as_a_run_of_today_writes_it(old_and_new):
    old, new, equal = old_and_new
    there, here = read_trace(old.trace_file), read_trace(new.trace_file)
    assert there.header == here.header
    assert there.end is not None
    assert shape(asdict(there.end)) == shape(asdict(here.end))
    assert {type(line) for line in there.lines} == {type(line) for line in here.lines}
    assert all(line.score is not None for line in there.lines)
    if equal:
        assert there == here


def test_the_policy_snapshots_are_read(old_and_new):
    old, new, equal = old_and_new
    if equal:
        assert list(old.snapshots()) == list(new.snapshots())
    for file in old.snapshots().values():
        with np.load(file) as there, np.load(new.policy_folder / "0.npz") as here:
            assert (set(there), there["kind"]) == (set(here), here["kind"])


def test_reading_changes_nothing_on_the_disk(tmp_path):
    folder = old_run(tmp_path)
    before = {file: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
    RunFolder(folder).config(), RunFolder(folder).result(), read_trace(folder / "trace.jsonl")
    assert replay(folder).ok
    assert {file: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()} == before


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_is_rebuilt_and_replayed(tmp_path, name):
    folder = old_run(tmp_path, name)
    env = rebuild(RunFolder(folder).config()).unwrapped
    assert isinstance(env, NASEnv)
    assert as_json(env.config()) == RunFolder(folder).config()["env"]
    result = cli("replay", folder)
    assert result.exit_code == 0, result.output
    recording = read_trace(folder / "trace.jsonl")
    assert f"{len(recording.steps)} steps and {len(recording.asks)} evaluations made again" in result.stdout
    assert "all agree" in result.stdout


def without_times(table):
    """A table without the column of times, which no two explanations measure alike."""
    kept = [number for number, column in enumerate(table.columns) if column != "time"]
    return (table.name, table.caption, [[row[number] for number in kept] for row in table.rows])


@pytest.mark.parametrize("name", ["q-learning", pytest.param("tpe", marks=pytest.mark.slow)])
@pytest.mark.usefixtures("undrawn")
def test_an_old_run_is_explained_as_one_of_today(tmp_path, name):
    old, new = as_of_here(old_run(tmp_path / "old", name)), tmp_path / "new" / name
    run(spec_of(name, new), keep_network=True)
    there = explain(old, budget=0, store="memory")
    assert (old / "report.html").exists()
    if RunFolder(FIXTURES / name).config()["numerics"] != RunFolder(new).config()["numerics"]:
        pytest.skip("the run of today has other numbers, trained on other numerics")
    here = explain(new, budget=0, store="memory", write=False)
    for one, other in zip((there.summary, *there.sections), (here.summary, *here.sections), strict=True):
        if one.key == "usage":  # of a file in another folder, saved anew, and of the time to predict
            continue
        assert one.answer == other.answer
        assert (one.withheld, one.numbers) == (other.withheld, other.numbers)
        assert [without_times(table) for table in one.tables] == [
            without_times(table) for table in other.tables
        ]


@pytest.mark.parametrize("name", RUNS)
def test_the_same_search_takes_up_an_old_run(tmp_path, name):
    folder = as_of_here(old_run(tmp_path, name))
    before = {file: (folder / file).read_bytes() for file in FILES}
    assert run(spec_of(name, folder), keep_network=True) == RunFolder(folder).result()
    assert {file: (folder / file).read_bytes() for file in FILES} == before


def test_the_same_search_records_an_old_unfinished_run_anew(tmp_path):
    folder = as_of_here(old_run(tmp_path))
    (folder / "result.json").unlink()
    result = run(spec_of("q-learning", folder))
    assert RunFolder(folder).result() == result == read(folder / "result.json")
    recording = read_trace(folder / "trace.jsonl")
    assert recording.end is not None
    assert recording.end.score == result["score"]
    assert replay(folder).ok


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1},
        {"budget": 7},
        {"agent": {"name": "q-learning", "alpha": 0.5, "outputs": "actions"}},
        {"agent": "random"},
        {"env": {"reward": "improvement"}},
        {"env": {"horizon": 6}},
        {"env": {"task": "breast_cancer"}},
        {"env": {"evaluator": {"name": "train", "recipe": {"epochs": 3}}}},
    ],
)
def test_another_search_is_refused_as_from_a_folder_of_today(tmp_path, changed):
    old = as_of_here(old_run(tmp_path))
    new = RunFolder(tmp_path / "of today")
    new.prepare(RunFolder(old).config())
    assert read(new.config_file)["format"] == CONFIG.newest
    env = RunFolder(old).config()["env"]
    sentences = []
    for folder in (old, new.path):
        options = changed | {"env": env | changed.get("env", {}) | {"store": "memory"}}
        with pytest.raises(NASGymError, match=r"holds a run of another config \(") as raised:
            run(spec_of("q-learning", folder, **options))
        sentences.append(str(raised.value).replace(str(folder), "FOLDER"))
    assert sentences[0] == sentences[1]


def test_a_finished_old_run_is_not_recorded_over_unless_that_is_asked_for(tmp_path):
    folder = as_of_here(old_run(tmp_path))
    config = RunFolder(folder).config()

    def traced(**options):
        env = gym.make(config["env_id"], **config["env"], store="memory")
        return Trace(env, folder, agent="q-learning", config=config["config"], **options)

    with pytest.raises(NASGymError, match="holds a finished run"):
        traced()
    env = traced(overwrite=True)
    env.evaluate("relu-16")
    env.close()
    assert len(RunFolder(folder).result()["evaluations"]) == 1


REFUSED = {
    "an earlier config": (
        "config.json",
        {"format": 1},
        "a config of format 1",
        "the version of nas-gym that",
    ),
    "a newer config": ("config.json", {"format": 5}, "a config of format 5", "update nas-gym, or run again"),
    "a strange config": ("config.json", {"format": "2"}, "no config of a run", "choose another folder"),
    "a true config": ("config.json", {"format": True}, "no config of a run", "choose another folder"),
    "a newer result": ("result.json", {"format": 4}, "a result of format 4", "update nas-gym, or run again"),
    "a result of none": ("result.json", {"format": 0}, "a result of format 0", "the version of nas-gym that"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_of_a_format_that_is_not_read_is_refused(tmp_path, case):
    name, values, what, remedy = REFUSED[case]
    folder = old_run(tmp_path)
    change(folder / name, **values)
    commands = {"search": lambda: run(spec_of("q-learning", folder)), "replay": lambda: replay(folder)}
    commands["explain"] = lambda: explain(folder, write=False)
    if name == "result.json":
        as_of_here(folder)
        commands = {"search": commands["search"]}  # a replay needs no result, an explanation does without
    for command in commands.values():
        with pytest.raises(NASGymError) as raised:
            command()
        sentence = str(raised.value)
        assert f"{folder / name} is {what}" in sentence
        assert remedy in sentence
        assert "\n" not in sentence


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (
            0,
            "is a trace of version 0, and this nas-gym reads versions 1 to 2: use the version of nas-gym",
        ),
        (3, "is a trace of version 3, and this nas-gym reads versions 1 to 2: update nas-gym"),
        (None, "is no trace of a run, since it names no version"),
    ],
)
def test_a_trace_of_a_version_that_is_not_read_is_refused(tmp_path, version, sentence):
    folder = old_run(tmp_path)
    change_line(folder, 1, {"version": version})
    result = cli("replay", folder)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    with pytest.raises(NASGymError, match=sentence) as raised:
        replay(folder)
    assert line == f"nas-gym: {raised.value}"


def change_line(folder, number, values):
    """Change some values of a line of a trace; those of None are left out."""
    lines = (folder / "trace.jsonl").read_text().splitlines()
    changed = json.loads(lines[number - 1]) | values
    left = {name: value for name, value in changed.items() if name not in values or value is not None}
    lines[number - 1] = json.dumps(left)
    (folder / "trace.jsonl").write_text("\n".join(lines) + "\n")


DAMAGED = {
    "config without an environment": (
        "config.json",
        {"env": None},
        r"config.json is damaged \(KeyError\('env'\)\)",
    ),
    "config without a reward": (
        "config.json",
        {"env": {"task": {}}},
        r"config.json is damaged \(KeyError\('reward'",
    ),
    "config of texts": ("config.json", {"env": {"task": {}, "reward": "r"}}, "config.json is damaged"),
    "config without options": (
        "config.json",
        {"config": None},
        r"config.json is damaged \(it has no 'config'\)",
    ),
    "result without a class": (
        "result.json",
        {"constant_answer": {}},
        r"damaged \(KeyError\('class_name'\)\)",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_old_file_is_refused(tmp_path, case):
    name, values, sentence = DAMAGED[case]
    folder = old_run(tmp_path)
    changed = read(folder / name) | values
    write(folder / name, {key: value for key, value in changed.items() if value is not None})
    reader = RunFolder(folder).config if name == "config.json" else RunFolder(folder).result
    with pytest.raises(NASGymError, match=sentence) as raised:
        reader()
    assert str(raised.value).endswith("delete the folder and run again")


@pytest.mark.parametrize(("name", "share"), [(name, share) for name in FILES for share in (0.0, 0.1, 0.9)])
def test_an_old_file_that_was_cut_off_is_refused_or_read_as_far_as_it_goes(tmp_path, name, share):
    folder = old_run(tmp_path)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    readers = (RunFolder(folder).config, RunFolder(folder).result, lambda: read_trace(folder / name))
    reader = readers[FILES.index(name)]
    if name == "trace.jsonl" and share == 0.9:
        assert reader().cut
        assert replay(folder).ok
        return
    with pytest.raises(NASGymError) as raised:
        reader()
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_damaged_line_of_an_old_trace_is_named(tmp_path):
    folder = old_run(tmp_path)
    change_line(folder, 3, {"accuracy": None})
    with pytest.raises(NASGymError, match=r"line 3 of .*trace.jsonl is damaged"):
        replay(folder)


def test_a_line_of_an_old_trace_that_differs_is_found(tmp_path):
    folder = old_run(tmp_path)
    change_line(folder, 3, {"accuracy": 0.99})
    assert "line 3: " in (mismatch := replay(folder).mismatch)
    assert "recorded was 0.99" in mismatch


def test_an_old_result_of_a_plain_trace_names_no_format(tmp_path):
    old = {
        "agent": "agent",
        "budget": None,
        "architecture": "relu-64",
        "accuracy": 0.75,
        "evaluations": [
            {
                "architecture": "relu-64",
                "accuracy": 0.75,
                "curve": [0.75],
                "parameters": 1,
                "flops": 1,
                "seconds": 1.0,
                "status": "ok",
                "error": "",
                "seeds": [0],
                "fidelity": None,
            }
        ],
        "stopped": "closed",
        "steps": 1,
        "seconds": 1.0,
    }
    folder = old_run(tmp_path)
    write(folder / "result.json", old)
    found = RunFolder(folder).result()
    evaluation = Evaluation("relu-64", 0.75, (0.75,), 1, 1, 1.0, "ok", "", (0,), None, {})
    assert [Evaluation.from_dict(one) for one in found["evaluations"]] == [evaluation]
    assert found["evaluations"] == [evaluation.as_dict()]
    renamed = {name: value for name, value in old.items() if name not in ("accuracy", "evaluations")}
    told = {"format": RESULT.newest, "metric": "accuracy", "metric_label": "accuracy", "score": 0.75}
    assert found == renamed | told | {"evaluations": found["evaluations"]}


def test_an_old_result_in_a_form_of_the_users_own_keeps_it(tmp_path):
    folder = old_run(tmp_path)
    write(folder / "result.json", {"accuracy": 0.5, "final": 0.75, "evaluations": [0.25], "note": "mine"})
    told = {"format": RESULT.newest, "metric": "accuracy", "metric_label": "accuracy"}
    own = {"score": 0.5, "final": 0.75, "evaluations": [0.25], "note": "mine"}
    assert RunFolder(folder).result() == own | told


def test_an_old_result_on_a_table_has_the_scores_of_its_incumbents(tmp_path):
    folder = old_run(tmp_path)
    incumbents = [{"evaluation": 3, "validation_accuracy": 0.5, "regret": 0.25}]
    change(folder / "result.json", incumbents=incumbents, optimum=0.75, regret=0.25, on_new_examples=None)
    found = RunFolder(folder).result()
    assert found["incumbents"] == [{"evaluation": 3, "validation_score": 0.5, "regret": 0.25}]
    assert (found["optimum"], found["regret"], found["on_new_examples"]) == (0.75, 0.25, None)


def test_the_end_of_an_old_run_without_an_evaluation_has_no_score(tmp_path):
    folder = old_run(tmp_path)
    header = (folder / "trace.jsonl").read_text().splitlines()[0]
    end = {
        "kind": "end",
        "stopped": "closed",
        "architecture": None,
        "accuracy": None,
        "lines": 0,
        "unique": 0,
    }
    (folder / "trace.jsonl").write_text(f"{header}\n{json.dumps(end)}\n")
    recording = read_trace(folder / "trace.jsonl")
    assert (recording.lines, recording.end.architecture, recording.end.score) == ([], None, None)
    assert recording.header.version == TRACE.newest


@pytest.fixture
def images(tmp_path):
    """A file of 90 images of 4 x 4 without channels."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "own.npz", x=rng.normal(size=(90, 4, 4)), y=rng.integers(0, 2, 90))
    return str(tmp_path / "own.npz")


@pytest.mark.parametrize(
    ("old", "new"), [("image", "image"), ("signal", "signal"), ("table", "features"), (None, None)]
)
def test_what_an_example_is_has_another_name_in_old_configs(tmp_path, images, old, new):
    folder = old_run(tmp_path)
    config = read(folder / "config.json")
    config["env"]["task"] = {"name": "npz", "path": images, "kind": old, "split_seed": 1}
    write(folder / "config.json", config)
    found = RunFolder(folder).config()
    assert found["env"]["task"] == {"name": "npz", "path": images, "inputs": new, "split_seed": 1}
    if new in ("image", "signal"):
        env = rebuild(found).unwrapped
        assert env.task.inputs == new
        assert as_json(env.config()) == found["env"]


def test_an_option_of_a_task_of_ones_own_keeps_its_name(tmp_path):
    folder = old_run(tmp_path)
    config = read(folder / "config.json")
    config["env"]["task"] = task = {"name": "own_tasks:noisy", "kind": "table"}
    write(folder / "config.json", config)
    assert RunFolder(folder).config()["env"]["task"] == task


REWARDS = {
    "score": ({"name": "accuracy", "scale": [0.2, 0.9]}, {"name": "score", "scale": [0.2, 0.9]}),
    "improvement": ({"name": "improvement", "scale": [0.0, 1.0]}, None),
    "final": ({"name": "final", "scale": [0.0, 1.0]}, None),
    "by name": ({"name": "tests.helpers.own_rewards:Above", "threshold": 0.25}, None),
    "by name, on evaluations": ({"name": "tests.helpers.own_rewards:Small", "price": 0.5}, None),
}


@pytest.mark.parametrize("case", REWARDS)
def test_the_reward_of_an_old_config_is_built_as_today(tmp_path, case):
    trust("tests.helpers.own_rewards")
    old, new = REWARDS[case]
    folder = old_run(tmp_path)
    config = read(folder / "config.json")
    config["env"]["reward"] = old
    write(folder / "config.json", config)
    found = RunFolder(folder).config()
    assert found["env"]["reward"] == (new or old)
    assert as_json(rebuild(found).unwrapped.config()) == found["env"]


@pytest.mark.parametrize("reward", [own_rewards.Hidden(2.0), lambda before, after, done: after - 0.5])
def test_a_recorded_reward_of_an_old_config_is_the_same_run(tmp_path, reward):
    """A reward that no name leads to was recorded before as it is today."""
    env = gym.make("NAS-v0", task="breast_cancer", reward=reward, store="memory")
    config = run_config(env, "agent", {})
    assert config["env"]["reward"]["name"] == "recorded"
    folder = RunFolder(tmp_path / "run")
    folder.prepare(config)
    change(folder.config_file, format=2)
    assert folder.config() == config
    folder.check(config)
    assert rebuild(folder.config()).unwrapped.config()["reward"] == config["env"]["reward"]


@pytest.mark.parametrize("kind", [CONFIG, RESULT, TRACE])
def test_every_format_from_the_oldest_on_leads_to_the_next(kind):
    assert list(kind.migrations) == list(range(min(kind.migrations), kind.newest))
