"""One environment over several tasks: what is drawn, what stays pure, what is refused."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.envs import TASKS_ID, NASEnv, NASTasksEnv
from nas_gym.errors import ConfigError
from nas_gym.networks import Network, NetworkBuilder
from nas_gym.search_spaces import ChoiceSpace
from nas_gym.search_spaces.choices import Choices
from nas_gym.tasks import Task

RECIPE = {"name": "train", "recipe": {"epochs": 1}}


def task(name: str, seed: int, features: int = 4, classes: int = 2) -> Task:
    rng = np.random.default_rng(seed)
    y = np.arange(60) % classes
    return Task.from_arrays(rng.normal(size=(60, features)) + y[:, None], y, name=name)


@pytest.fixture(scope="module")
def env() -> Any:
    made = gym.make(
        TASKS_ID, tasks=[task("one", 0), task("two", 1)], evaluator=RECIPE, store="memory", horizon=3
    )
    yield made.unwrapped
    made.close()


@pytest.mark.filterwarnings("error")
def test_gymnasium_finds_nothing_wrong(env: NASTasksEnv) -> None:
    check_env(env, skip_render_check=True)


def test_episodes_meet_every_task_in_an_order_that_the_seed_draws(env: NASTasksEnv) -> None:
    def drawn(seed: int) -> list[str]:
        return [env.reset(seed=seed if number == 0 else None)[1]["task"] for number in range(20)]

    first = drawn(0)
    assert set(first) == {"one", "two"}
    assert drawn(0) == first != drawn(1)


def test_a_reward_is_that_of_the_task_alone(env: NASTasksEnv) -> None:
    for name in ("one", "two"):
        alone = NASEnv(task=env.environments[name].task, evaluator=RECIPE, store="memory", horizon=3)
        env.reset(seed=0, options={"task": name})
        alone.reset(seed=0)
        for action in (3, 7):
            told, expected = env.step(action), alone.step(action)
            assert told[1:4] == expected[1:4]
            assert told[4]["task"] == name
            assert told[4]["architecture"] == expected[4]["architecture"]
        assert env.evaluate("relu-64")[name].score == alone.evaluate("relu-64").score
        alone.close()


def test_a_task_is_chosen_by_name_or_number_and_a_state_restored_with_it(env: NASTasksEnv) -> None:
    _, info = env.reset(seed=0, options={"task": 1, "architecture": "tanh-16"})
    assert (info["task"], info["architecture"]) == ("two", "tanh-16")
    kept = env.get_state()
    expected = env.step(2)
    env.reset(seed=5, options={"task": "one"})
    env.set_state(kept)
    again = env.step(2)
    assert again[1:4] == expected[1:4]
    assert again[4]["task"] == "two"
    assert env.action_masks().tolist() == again[4]["action_mask"].astype(bool).tolist()


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        (["mnist1d"], "a list of at least 2"),
        ("mnist1d", "a list of at least 2"),
        ([task("same", 0), task("same", 1)], "2 tasks are named 'same'"),
    ],
)
def test_what_is_no_list_of_tasks_is_refused(tasks: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        NASTasksEnv(tasks, store="memory")


class Wide(ChoiceSpace):
    """A space whose choices follow from the shape of an example."""

    name = f"{__name__}:Wide"

    def __init__(self, input_shape: Any, outputs: int) -> None:
        self.choices = {"width": (2, 3, input_shape[0])}
        super().__init__(input_shape, outputs)

    def network(self, architecture: Choices) -> Network:
        builder = NetworkBuilder(self.input_shape)
        hidden = builder.linear(builder.input, architecture["width"])
        return builder.build(builder.linear(builder.activation(hidden, "relu"), self.outputs))


def test_tasks_of_other_edits_and_other_arguments_are_refused(env: NASTasksEnv) -> None:
    with pytest.raises(ConfigError, match=r"the tasks 'one' and 'wide' give the .* space other edits"):
        NASTasksEnv([task("one", 0), task("wide", 1, 6)], search_space=Wide.name, store="memory")
    with pytest.raises(ConfigError, match="here it is tasks"):
        NASTasksEnv([task("one", 0), task("two", 1)], task="digits")
    with pytest.raises(ConfigError, match="unknown task of this environment 'thre'"):
        env.reset(options={"task": "thre"})
