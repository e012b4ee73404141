"""The front of a run of several objectives, in TensorBoard and as files."""

import gymnasium as gym
import numpy as np
from nas_agents import RandomSearch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nas_gym.traces import RunFolder, Trace
from nas_gym.traces.tensorboard.front_picture import front_of, front_pictures

MLP = {"name": "table", "benchmark": "mlp"}


def search(folder, env_id="NASMultiObjective-v0", **options):
    env = Trace(gym.make(env_id, evaluator=MLP, **options), folder)
    result = RandomSearch().search(env, 12, 0)
    env.close()
    return env.unwrapped, result.evaluations


def test_a_search_of_several_objectives_shows_its_front_by_each_cost(tmp_path):
    search(tmp_path, objectives=("score", "parameters", "flops"))
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    for cost in ("parameters", "flops"):
        assert f"front/{cost}" in events.Tags()["images"]
        with Image.open(tmp_path / f"front_{cost}.png") as picture:
            assert len(np.unique(np.asarray(picture.convert("L")))) > 2
    RunFolder(tmp_path).wipe()
    assert not list(tmp_path.glob("front_*.png"))


def test_a_search_of_one_objective_shows_none(tmp_path):
    search(tmp_path, "NAS-v0")
    assert not list(tmp_path.glob("front_*.png"))


def test_the_front_is_of_networks_that_none_as_cheap_beats(tmp_path):
    env, evaluations = search(tmp_path)
    _, cost = env.objectives
    expected = {
        (one.parameters, one.score)
        for one in evaluations
        if not any(
            other.parameters <= one.parameters
            and other.score >= one.score
            and (other.parameters, other.score) != (one.parameters, one.score)
            for other in evaluations
        )
    }
    found = front_of(evaluations, cost)
    assert set(found) == expected
    assert found == sorted(found)


def test_networks_that_failed_or_were_trained_shortly_count_nothing(tmp_path):
    env, _ = search(tmp_path)
    short = env.evaluator.evaluate_architectures([env.search_space.smallest()], 1)
    assert front_pictures(short, env.objectives, "accuracy") == {}
