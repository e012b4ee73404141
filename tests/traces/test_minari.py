"""Recorded steps become Minari data sets that hold what the environment gave."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import A2C
from stable_baselines3.common.vec_env import DummyVecEnv
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.errors import ConfigError, StoreError
from nas_gym.traces import RunFolder, Trace, TraceCallback, read_trace, to_minari
from nas_gym.traces import minari_folder as module

minari = pytest.importorskip("minari", reason="Minari is not installed")
pytest.importorskip("h5py", reason="h5py is not installed")

HORIZON = 5
ID = "nas-gym/mlp-mnist1d/random-v0"
ARRAYS = ("actions", "rewards", "terminations", "truncations")


@pytest.fixture(autouse=True)
def data_sets(tmp_path, monkeypatch):
    folder = tmp_path / "data sets"
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(folder))
    return folder


def table(**options):
    return gym.make("NASTable-MLP-v0", **({"horizon": HORIZON} | options))


def walked(env, steps=12, *, legal=True):
    """Walk, and keep all that the environment gives: of each episode observations, infos, and steps."""
    rng = np.random.default_rng(0)
    observation, info = env.reset(seed=0)
    episodes = [([observation], [info], [])]
    for _ in range(steps):
        choices = np.flatnonzero(info["action_mask"]) if legal else np.arange(len(info["action_mask"]))
        action = rng.choice(choices)
        observation, reward, terminated, truncated, info = env.step(action)
        episodes[-1][0].append(observation)
        episodes[-1][1].append(info)
        episodes[-1][2].append((action, reward, terminated, truncated))
        if terminated or truncated:
            observation, info = env.reset()
            episodes.append(([observation], [info], []))
    env.close()
    return [episode for episode in episodes if episode[2]]


def stacked(observations):
    if isinstance(observations[0], dict):
        return {name: np.stack([one[name] for one in observations]) for name in observations[0]}
    return np.stack(observations)


def same(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if one.dtype == object:
        return one.tolist() == other.tolist()
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@pytest.mark.parametrize(
    ("observation", "reward"),
    [
        ("dict", "score"),
        ("dict", "final"),
        ("dict+mask", "score"),
        ("index", "final"),
        ("flat", "improvement"),
    ],
)
def test_a_data_set_holds_what_the_environment_gave(observation, reward, tmp_path):
    env = Trace(table(observation=observation, reward=reward, initial="random"), tmp_path / "run", minari=ID)
    told = walked(env, legal=False)
    found = list(minari.load_dataset(ID))
    assert [len(episode) for episode in found] == [5, 5, 2]
    for episode, (observations, infos, steps) in zip(found, told, strict=True):
        assert same(episode.observations, stacked(observations))
        actions, rewards, terminations, truncations = zip(*steps, strict=True)
        assert episode.actions.tolist() == list(actions)
        assert episode.rewards.tolist() == list(rewards)
        assert episode.terminations.tolist() == list(terminations)
        assert episode.truncations[:-1].tolist() == list(truncations[:-1])
        assert episode.terminations[-1] or episode.truncations[-1]  # also where the run ended within it
        assert set(episode.infos) == set(infos[0])
        for name in ("action_mask", "score", "best_score", "illegal_action"):
            assert np.array_equal(episode.infos[name], [info[name] for info in infos]), name
        for name in ("architecture", "edit", "error"):
            assert [text.decode() for text in episode.infos[name]] == [info[name] for info in infos], name


def test_a_run_folder_gives_the_data_that_were_written_at_the_end_of_the_run(tmp_path):
    walked(Trace(table(), tmp_path / "run", minari=ID, agent="random"))
    converted = to_minari(tmp_path / "run", "nas-gym/later-v0")
    written = minari.load_dataset(ID)
    for one, other in zip(written, converted, strict=True):
        assert all(same(getattr(one, name), getattr(other, name)) for name in ARRAYS)
        assert same(one.observations, other.observations)
        assert same(one.infos, other.infos)
    metadata = [dataset.storage.metadata for dataset in (written, converted)]
    for each in metadata:
        del each["dataset_id"]
    assert metadata[0] == metadata[1]


def test_the_environment_is_recovered_and_episodes_begin_where_they_began(tmp_path):
    env = table(initial="random", reward="final", observation="dict+mask")
    config = env.unwrapped.config()
    walked(Trace(env, tmp_path / "run", minari=ID))
    dataset = minari.load_dataset(ID)
    recovered = dataset.recover_environment()
    assert recovered.unwrapped.config() == config
    assert recovered.observation_space == dataset.observation_space
    assert recovered.action_space == dataset.action_space
    for episode, about in zip(dataset, dataset.storage.get_episode_metadata(range(3)), strict=True):
        observation, _ = recovered.reset(options=about["options"])
        assert same(observation, {name: array[0] for name, array in episode.observations.items()})
        for action, reward in zip(episode.actions, episode.rewards, strict=True):
            _, paid, *_ = recovered.step(action)
            assert paid == reward


def test_a_data_set_says_who_made_it(tmp_path):
    about = {
        "id": ID,
        "author": "Ada",
        "author_email": "ada@example.org",
        "code_permalink": "https://x.org/1",
    }
    config = {"seed": 7, "alpha": 0.5}
    walked(Trace(table(), tmp_path / "run", agent="mine", config=config, minari=about))
    dataset = minari.load_dataset(ID)
    metadata = dataset.storage.metadata
    assert (metadata["author"], metadata["author_email"]) == ({"Ada"}, {"ada@example.org"})
    assert (metadata["code_permalink"], metadata["algorithm_name"]) == ("https://x.org/1", "mine")
    assert "12 steps of mine in 1 run of NASTable-MLP-v0" in metadata["description"]
    (run,) = metadata["nas_gym"]["runs"]
    assert (run["agent"], run["config"], run["steps"], run["ended"]) == ("mine", config, 12, True)
    assert [one["agent_seed"] for one in dataset.storage.get_episode_metadata(range(3))] == [7] * 3


def test_a_model_of_stable_baselines3_is_recorded_with_its_probabilities_over_all_environments(tmp_path):
    model = A2C("MultiInputPolicy", DummyVecEnv([table, table]), seed=0, device="cpu")
    model.learn(20, callback=TraceCallback(tmp_path / "run", minari=ID))
    dataset = minari.load_dataset(ID)
    assert (dataset.total_steps, dataset.total_episodes) == (20, 4)
    assert [one["run"] for one in dataset.storage.get_episode_metadata(range(4))] == [0, 0, 1, 1]
    recording = read_trace(RunFolder(tmp_path / "run" / "env0").trace_file)
    scores = dataset[0].infos["policy_scores"]
    assert scores.shape == (HORIZON + 1, dataset.action_space.n)
    assert scores[0, recording.steps[0].mask].tolist() == recording.steps[0].scores
    assert np.isnan(scores[-1]).all()


def test_where_a_state_was_set_another_episode_begins(tmp_path):
    env = Trace(table(), tmp_path / "run", minari=ID)
    env.reset(seed=0)
    env.step(1)
    env.unwrapped.set_state(env.unwrapped.get_state() | {"architecture": "tanh-16", "steps": 3})
    env.step(0)
    env.close()
    first, second = minari.load_dataset(ID)
    assert (len(first), len(second)) == (1, 1)
    assert [text.decode() for text in second.infos["architecture"]] == ["tanh-16", "tanh-16"]


def refused(error, words, call, *arguments, **options):
    with pytest.raises(error, match=words) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["random", "random-v", "", "../random-v0", "a b-v0", "/abs/random-v0", 3])
def test_an_id_that_minari_does_not_take_is_refused_before_the_run(name, tmp_path):
    refused(ConfigError, "no id of a Minari data set", Trace, table(), tmp_path / "run", minari={"id": name})
    assert not (tmp_path / "run").exists()


def test_folders_around_may_have_any_name_and_minari_lists_what_is_written(tmp_path):
    (tmp_path / "data").mkdir()
    walked(Trace(table(), tmp_path / "run", minari="nas-gym/mlp/one-v0"))
    to_minari(tmp_path / "run", "nas-gym/other-v0")
    refused(ConfigError, "has a part 'data'", to_minari, tmp_path / "run", "nas-gym/data/one-v0")
    assert set(minari.list_local_datasets()) == {"nas-gym/mlp/one-v0", "nas-gym/other-v0"}


def test_a_relative_folder_of_data_sets_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", "data sets")
    monkeypatch.chdir(tmp_path)
    refused(ConfigError, "must be a whole path like /", Trace, table(), tmp_path / "run", minari=ID)
    assert not list(tmp_path.iterdir())


def test_a_data_set_is_never_replaced(tmp_path, data_sets):
    walked(Trace(table(), tmp_path / "run", minari=ID))
    before = {path: path.read_bytes() for path in data_sets.rglob("*") if path.is_file()}
    refused(StoreError, "already: choose another", to_minari, tmp_path / "run", ID)
    refused(StoreError, "would lie within", to_minari, tmp_path / "run", f"{ID}/more-v0")
    refused(StoreError, "already: choose another", Trace, table(), tmp_path / "other", minari=ID)
    assert {path: path.read_bytes() for path in data_sets.rglob("*") if path.is_file()} == before


def test_a_run_without_steps_is_refused(tmp_path, data_sets):
    env = Trace(table(), tmp_path / "run", agent="asker")
    env.evaluate(["relu-16", "tanh-16"])
    env.close()
    refused(ConfigError, "its agent asker asks for architectures", to_minari, tmp_path / "run", ID)
    assert not list(data_sets.rglob("*.hdf5"))


def test_runs_of_different_environments_are_refused(tmp_path):
    for horizon in (4, 5):
        walked(Trace(table(horizon=horizon), tmp_path / str(horizon)))
    words = "env.horizon is 4 there and 5 here"
    refused(ConfigError, words, to_minari, [tmp_path / "4", tmp_path / "5"], ID)
    refused(ConfigError, "no run folder is named", to_minari, [], ID)


def test_what_minari_cannot_hold_is_refused_before_the_run(tmp_path):
    graphs = table(observation="graph")
    refused(ConfigError, "Minari holds no graphs", Trace, graphs, tmp_path / "run", minari=ID)
    several = gym.make("NASMultiObjective-v0", store="memory")
    refused(ConfigError, "one reward a step", Trace, several, tmp_path / "run", minari=ID)
    refused(ConfigError, "must be an id like", Trace, table(), tmp_path / "run", minari={"name": ID})
    refused(ConfigError, "finish=False", TraceCallback, tmp_path / "run", finish=False, minari=ID)


def test_without_minari_one_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda package: None if package == "h5py" else object())
    refused(ConfigError, r"need h5py: pip install 'nas-gym\[minari\]'", Trace, table(), tmp_path, minari=ID)


def test_steps_that_the_search_space_does_not_make_are_refused(tmp_path, data_sets):
    walked(Trace(table(), tmp_path / "run"))
    file = tmp_path / "run" / "trace.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    step = json.loads(lines[3])
    lines[3] = json.dumps(step | {"next": "tanh-64"}) + "\n"
    file.write_text("".join(lines))
    refused(StoreError, "step 2 of episode 0 .* leads from", to_minari, tmp_path / "run", ID)
    assert not list(data_sets.rglob("*.hdf5"))


def test_a_data_set_that_cannot_be_written_whole_leaves_nothing(tmp_path, data_sets, monkeypatch):
    walked(Trace(table(), tmp_path / "run"))

    def full(self, episodes):
        raise OSError(28, "No space left on device")

    storage = __import__("minari.dataset._storages.hdf5_storage", fromlist=["HDF5Storage"]).HDF5Storage
    monkeypatch.setattr(storage, "update_episodes", full)
    refused(StoreError, "No space left on device", to_minari, tmp_path / "run", ID)
    assert not (data_sets / ID).exists()
    monkeypatch.undo()
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(data_sets))
    assert to_minari(tmp_path / "run", ID).total_steps == 12


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process of this system cannot fork")
def test_a_process_that_is_killed_while_it_writes_leaves_no_data_set(tmp_path, data_sets, monkeypatch):
    walked(Trace(table(), tmp_path / "run"))
    storage = __import__("minari.dataset._storages.hdf5_storage", fromlist=["HDF5Storage"]).HDF5Storage
    child = os.fork()
    if not child:
        monkeypatch.setattr(
            storage, "update_episode_metadata", lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        )
        to_minari(tmp_path / "run", ID)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not (data_sets / ID).exists()
    assert minari.list_local_datasets() == {}
    assert to_minari(tmp_path / "run", ID).total_steps == 12
    assert list(minari.list_local_datasets()) == [ID]


def command(*arguments):
    return CliRunner().invoke(app, ["record", *map(str, arguments)])


def test_the_command_records_an_agent_and_converts_its_run(tmp_path):
    search = ["--agent", "q-learning", "--env", "NASTable-MLP-v0", "--budget", 30, "--logdir", tmp_path]
    done = command(*search, "--seed", 3, "--author", "Ada", "--dataset", ID)
    assert done.exit_code == 0, done.output
    written = minari.load_dataset(ID)
    assert f"{written.total_steps} steps in {written.total_episodes} episodes" in done.output
    assert written.storage.metadata["author"] == {"Ada"}
    (folder,) = tmp_path.glob("*/q-learning/seed3")
    done = command("--from", folder, "--dataset", "later-v0")
    assert done.exit_code == 0, done.output
    later = minari.load_dataset("later-v0")
    assert all(same(one.infos, other.infos) for one, other in zip(written, later, strict=True))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--agent", "tpe", "--env", "NASTable-MLP-v0"], "record one that walks"),
        (["--agent", "tpe", "--from", "there"], "pass --agent for a search"),
        ([], "pass --agent for a search"),
        (["--from", "nowhere"], "holds no run"),
    ],
)
def test_the_command_refuses_in_one_sentence(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command(*arguments, "--dataset", ID)
    assert done.exit_code == 2
    (line,) = done.output.splitlines()
    assert words in line
    assert not [path for path in Path().iterdir() if path.name != "data sets"]
