"""A user's reward works everywhere or is refused, in one sentence that names it."""

from __future__ import annotations

import copy
import functools
import json
import pickle
import subprocess
import sys
import textwrap
from decimal import Decimal
from fractions import Fraction

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents import make_agent

from nas_gym import NASGymError
from nas_gym.envs import RecordedReward
from nas_gym.envs.rewards import Score, make_reward
from nas_gym.explain import explain
from nas_gym.traces import Trace, replay
from tests.helpers import own_rewards
from tests.helpers.fakes import action, fake_env

HERE = "tests.helpers.own_rewards"


def local_class():
    class Local:
        def __call__(self, before, after, done):
            return after

    return Local()


# Each with the config that builds it again; None where nothing does.
REWARDS = {
    "function": (own_rewards.margin, {"name": f"{HERE}:margin"}),
    "function of any arguments": (own_rewards.any_number, {"name": f"{HERE}:any_number"}),
    "class": (own_rewards.Margin, {"name": f"{HERE}:Margin"}),
    "object": (own_rewards.Margin(), {"name": f"{HERE}:Margin"}),
    "object with arguments": (
        own_rewards.Above(0.3),
        {"name": f"{HERE}:Above", "threshold": 0.3, "factor": 2.0},
    ),
    "dataclass": (
        own_rewards.Gain(weight=2.0),
        {"name": f"{HERE}:Gain", "weight": 2.0, "range": [0.0, 1.0], "notes": []},
    ),
    "numpy argument": (
        own_rewards.Gain(weight=np.float64(0.5)),
        {"name": f"{HERE}:Gain", "weight": 0.5, "range": [0.0, 1.0], "notes": []},
    ),
    "slots": (own_rewards.Slotted(0.5), {"name": f"{HERE}:Slotted", "weight": 0.5}),
    "own config": (own_rewards.Renamed(0.5), {"name": f"{HERE}:Renamed", "weight": 0.5}),
    "subclass": (own_rewards.Sharp(scale=[0.0, 2.0]), {"name": f"{HERE}:Sharp", "scale": [0.0, 2.0]}),
    "episodic": (own_rewards.AtTheEnd(), {"name": f"{HERE}:AtTheEnd"}),
    "counting": (own_rewards.Counting, {"name": f"{HERE}:Counting"}),
    "partial": (
        functools.partial(own_rewards.scaled, factor=0.5),
        {"name": f"{HERE}:scaled", "factor": 0.5},
    ),
    "partial of a class": (
        functools.partial(own_rewards.Above, 0.3),
        {"name": f"{HERE}:Above", "threshold": 0.3, "factor": 2.0},
    ),
    "builtin": (max, {"name": "builtins:max"}),
    "name": ("improvement", {"name": "improvement", "scale": [0.0, 1.0]}),
    "class of the package": (Score, {"name": "score", "scale": [0.0, 1.0]}),
    "path of a function": (f"{HERE}:margin", {"name": f"{HERE}:margin"}),
    "path of a class": (f"{HERE}:Margin", {"name": f"{HERE}:Margin"}),
    "path of an object": (f"{HERE}:ABOVE", {"name": f"{HERE}:ABOVE"}),
    "path of a partial": (f"{HERE}:HALF", {"name": f"{HERE}:HALF"}),
    "path and options of a class": (
        {"name": f"{HERE}:Above", "threshold": 0.4},
        {"name": f"{HERE}:Above", "threshold": 0.4},
    ),
    "path and options of a function": (
        {"name": f"{HERE}:scaled", "factor": 3, "offset": 1},
        {"name": f"{HERE}:scaled", "factor": 3, "offset": 1},
    ),
    "path of a function that makes one": (
        {"name": f"{HERE}:made", "power": 2},
        {"name": f"{HERE}:made", "power": 2},
    ),
    "lambda": (lambda before, after, done: after, None),
    "local class": (local_class(), None),
    "object that hides its argument": (own_rewards.Hidden(0.5), None),
    "partial with a position": (functools.partial(lambda factor, *step: factor * step[1], 0.5), None),
    "method": (own_rewards.Above(0.1).__call__, None),
}
# Of each way to find a reward again one, since a traced search takes a second.
TRACED = (
    "function",
    "class",
    "object with arguments",
    "episodic",
    "partial",
    "path and options of a class",
    "path of a function that makes one",
    "lambda",
)


def step_once(env):
    env.reset(seed=0)
    return env.step(action(env, "add relu-64 after layer 1"))


@pytest.mark.parametrize("kind", REWARDS)
def test_it_pays_a_float_and_its_config_builds_it_again(kind):
    reward, config = REWARDS[kind]
    env = fake_env(reward=reward, horizon=1)
    paid = step_once(env)[1]
    assert type(paid) is float
    found = env.unwrapped.config()["reward"]
    assert json.loads(json.dumps(found)) == found
    if config is None:
        assert found["name"] == "recorded"
        with pytest.raises(NASGymError, match=r"cannot be built from its config\.json: pass env="):
            step_once(fake_env(reward=found, horizon=1))
    else:
        assert found == config
        assert step_once(fake_env(reward=found, horizon=1))[1] == paid


@pytest.mark.parametrize("kind", REWARDS)
def test_it_pays_alike_in_vector_environments_forks_and_copies(kind):
    env = fake_env(reward=REWARDS[kind][0], horizon=1)
    paid = step_once(env)[1]
    parts = env.unwrapped
    options = {"search_space": parts.search_space, "task": parts.task, "evaluator": parts.evaluator}
    options |= {"reward": REWARDS[kind][0], "horizon": 1}
    add = action(env, "add relu-64 after layer 1")
    for mode in ("vector_entry_point", "sync"):
        envs = gym.make_vec("NAS-v0", num_envs=2, vectorization_mode=mode, **options)
        envs.reset(seed=0)
        assert envs.step(np.array([add, add]))[1].tolist() == [paid, paid]
    env.reset(seed=0)
    for twin in (parts.fork(), copy.deepcopy(parts)):
        assert twin.step(add)[1] == paid


def test_an_environment_with_an_importable_reward_pickles():
    env = fake_env(reward=own_rewards.Above(0.3), horizon=1)
    paid = step_once(env)[1]
    assert step_once(pickle.loads(pickle.dumps(env)))[1] == paid


def test_an_asynchronous_vector_environment_takes_a_lambda():
    envs = gym.make_vec(
        "NASTable-MLP-v0",
        num_envs=2,
        vectorization_mode="async",
        reward=lambda before, after, done: after - before,
    )
    try:
        envs.reset(seed=0)
        assert envs.step(np.array([0, 0]))[1].tolist() == [0.0, 0.0]
    finally:
        envs.close()


@pytest.mark.parametrize("kind", TRACED)
def test_a_search_with_it_is_traced_and_replayed(kind, tmp_path):
    reward, config = REWARDS[kind]

    def make():
        return gym.make("NASTable-MLP-v0", horizon=4, reward=reward)

    folder = tmp_path / "run"
    env = Trace(make(), folder, agent="q-learning")
    make_agent("q-learning").search(env, budget=8, seed=0)
    env.close()
    recorded = json.loads((folder / "config.json").read_text())
    assert recorded["env"]["reward"]["name"]
    assert replay(folder, env=make()).ok
    if config is not None:
        assert replay(folder).ok
    else:
        with pytest.raises(NASGymError, match="pass env="):
            replay(folder)


@pytest.mark.parametrize("kind", ["lambda", pytest.param("object", marks=pytest.mark.slow)])
def test_a_run_with_it_is_explained(kind, tmp_path):
    env = Trace(gym.make("NASTable-MLP-v0", horizon=4, reward=REWARDS[kind][0]), tmp_path / "run")
    make_agent("q-learning").search(env, budget=12, seed=0)
    env.close()
    explanation = explain(tmp_path / "run", budget=0, store="memory", write=False)
    policy = explanation["policy"]
    assert not policy.withheld
    unknown = "reward, tests.envs.test_own_reward.<lambda>, cannot be built"
    told = (*policy.answer, *policy.details)
    assert (unknown in " ".join(told)) == (kind == "lambda")


def test_without_attributes_it_knows_the_score_before_and_every_step_pays():
    seen = []

    def gain(before, after, done):
        seen.append((before, after, done))
        return after - before

    env = fake_env(reward=gain, horizon=2)
    seen.clear()
    env.reset(seed=0)
    rewards = [env.step(number)[1] for number in (action(env, "add relu-64 after layer 1"), 0)]
    assert seen == [(pytest.approx(0.45), pytest.approx(0.6), False), (pytest.approx(0.6),) * 2 + (True,)]
    assert rewards == pytest.approx([0.15, 0.0])
    assert env.unwrapped.stats.unique == 2


def test_attributes_of_a_function_count_too():
    def after_only(before, after, done):
        return after - before

    after_only.needs_before = np.bool_(False)
    env = fake_env(reward=functools.partial(after_only), horizon=2)
    assert step_once(env)[1] == pytest.approx(0.6)
    assert env.unwrapped.stats.unique == 1


def test_two_rewards_without_a_name_are_told_apart(tmp_path):
    def above(threshold):
        return lambda before, after, done: after - threshold

    Trace(fake_env(reward=above(0.1)), tmp_path / "run").close()
    env = Trace(fake_env(reward=above(0.1)), tmp_path / "run")
    step_once(env)
    env.close()
    with pytest.raises(NASGymError, match="a run of another config"):
        Trace(fake_env(reward=above(0.2)), tmp_path / "run", overwrite=True)


def test_asking_it_for_a_trial_does_not_count():
    reward = own_rewards.Counting()
    env = fake_env(reward=reward)
    assert reward.calls == 0
    step_once(env)
    assert reward.calls == 1


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        (1, 1.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(2), 2.0),
        (np.bool_(True), 1.0),
        (np.array(0.25), 0.25),
        (torch.tensor(0.5, requires_grad=True), 0.5),
        (torch.tensor(3), 3.0),
        (Fraction(1, 4), 0.25),
        (Decimal("0.5"), 0.5),
    ],
)
def test_every_kind_of_number_becomes_a_float(answer, number):
    paid = step_once(fake_env(reward=lambda before, after, done: answer))[1]
    assert (type(paid), paid) == (float, number)


def raising(before, after, done):
    raise KeyError("no such\nkey")


@pytest.mark.parametrize(
    ("reward", "sentence"),
    [
        (lambda b, a, d: None, "test_own_reward.<lambda>' returned None for before=0.25, after=0.5, done="),
        (lambda b, a, d: float("nan"), "returned nan"),
        (lambda b, a, d: np.inf, "returned inf"),
        (lambda b, a, d: np.zeros(2), "returned array([0., 0.])"),
        (lambda b, a, d: np.zeros(1), "returned array([0.])"),
        (lambda b, a, d: [0.5], "returned [0.5]"),
        (lambda b, a, d: "0.5", "returned '0.5'"),
        (lambda b, a, d: np.str_("0.5"), "returned np.str_('0.5')"),
        (lambda b, a, d: 1j, "returned 1j"),
        (lambda b, a, d: np.ma.masked, "returned masked"),
        (lambda b, a, d: None if d else 0.0, "returned None for before=0.25, after=0.5, done=True"),
        (lambda b, a, d: torch.zeros(3), "returned tensor([0., 0., 0.])"),
        (lambda b, a, d: "long " * 100, "..."),
        (raising, "test_own_reward:raising' raised KeyError ('no such\\nkey') for before="),
        (lambda after: after, "takes (after): write it as (before, after, done)"),
        (lambda before, after, *, done: after, "write it as (before, after, done)"),
        (f"{HERE}:no_such", "cannot be imported"),
        (f"{HERE}:NO_REWARD", "is a int: name a class or function"),
        (own_rewards.Above, "the reward class Above needs threshold: pass an object of it"),
        (f"{HERE}:Above", "needs the option 'threshold'"),
        ({"name": f"{HERE}:Above", "treshold": 1}, "did you mean 'threshold'?"),
        ({"name": f"{HERE}:scaled", "fator": 1}, "did you mean 'factor'?"),
        ({"name": f"{HERE}:ABOVE", "factor": 1}, "unknown option of the reward"),
        ({"name": f"{HERE}:Sharp", "scale": [1, 0]}, "scale of a reward must be"),
        ({"name": "recorded"}, "is written by a run and lacks 'reward'"),
        (object(), "a reward object must be callable as reward(before, after, done)"),
        (object, "a reward object must be callable"),
        (None, "a reward object must be callable"),
    ],
)
def test_what_is_no_reward_is_refused_when_the_environment_is_made(reward, sentence):
    with pytest.raises(NASGymError) as raised:
        fake_env(reward=reward)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("attribute", ["needs_before", "episodic"])
@pytest.mark.parametrize("value", ["yes", 1, None, [True]])
def test_attributes_are_true_or_false(attribute, value):
    def reward(before, after, done):
        return after

    setattr(reward, attribute, value)
    with pytest.raises(NASGymError, match=f"{attribute} of the reward .* must be True or False, not"):
        fake_env(reward=reward)


def test_a_class_that_cannot_be_made_is_refused():
    class Broken:
        def __init__(self):
            raise OSError("no such file")

    with pytest.raises(NASGymError, match=r"the reward class .*Broken cannot be made, it raises OSError"):
        fake_env(reward=Broken)


@pytest.mark.parametrize("kind", ["single", "native", "sync"])
def test_an_answer_that_is_none_in_the_middle_is_refused_and_changes_no_state(kind):
    def reward(before, after, done):
        return None if after > 0.55 else after

    single = fake_env(reward=reward)
    parts = single.unwrapped
    options = {"search_space": parts.search_space, "task": parts.task, "evaluator": parts.evaluator}
    env = single
    if kind != "single":
        mode = "sync" if kind == "sync" else None
        env = gym.make_vec("NAS-v0", num_envs=2, vectorization_mode=mode, reward=reward, **options)
    env.reset(seed=0)
    add = action(single, "add relu-64 after layer 1")
    with pytest.raises(
        NASGymError, match=r"reward>?' returned None for before=0\.45, after=0\.6, done=False"
    ):
        env.step(add if kind == "single" else np.array([add, add]))
    if kind == "native":
        assert [str(architecture) for architecture in env.architectures] == ["relu-64"] * 2
    if kind == "single":
        assert str(env.unwrapped.architecture) == "relu-64"


def test_a_recorded_reward_states_its_attributes_and_is_recorded_again():
    config = fake_env(reward=lambda before, after, done: after).unwrapped.config()["reward"]
    reward = make_reward(config)
    assert isinstance(reward, RecordedReward)
    assert (reward.needs_before, reward.episodic, reward.config()) == (True, False, config)


def test_what_json_cannot_hold_is_no_part_of_a_config_that_builds_it_again():
    reward = own_rewards.Margin()
    reward.helper = object()
    assert fake_env(reward=reward).unwrapped.config()["reward"]["name"] == "recorded"


def test_a_reward_of_a_script_is_built_again_by_it_and_recorded_for_others(tmp_path):
    program = tmp_path / "script.py"
    program.write_text(
        textwrap.dedent(
            """
            import sys
            import gymnasium as gym
            import nas_gym
            from nas_agents import make_agent
            from nas_gym.traces import Trace
            from nas_gym.traces import replay

            class Margin:
                def __init__(self, low=0.5):
                    self.low = low

                def __call__(self, before, after, done):
                    return after - self.low

            env = Trace(gym.make("NASTable-MLP-v0", horizon=4, reward=Margin(0.4)), sys.argv[1])
            make_agent("q-learning").search(env, budget=12, seed=0)
            env.close()
            print(replay(sys.argv[1]).ok)
            """
        )
    )
    run = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, str(program), str(run)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout.strip() == "True", done.stderr
    with pytest.raises(NASGymError, match=r"the run's reward, an object of __main__\.Margin, cannot"):
        replay(run)
    assert not explain(run, budget=0, store="memory", write=False)["policy"].withheld
