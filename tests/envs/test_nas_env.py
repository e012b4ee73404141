"""The decision process: edits, masks, rewards, ends, information, state."""

from __future__ import annotations

import copy
import json
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import nas_gym
from nas_gym.envs import REWARDS
from tests.helpers.fakes import SMALL, action, depth_and_relus, fake_env
from tests.helpers.scalarisations import EVERY_REWARD

QUICK = {"name": "train", "recipe": {"epochs": 1, "batch_size": 256}}
SPACES = {
    "mlp": {"search_space": SMALL, "task": "breast_cancer"},
    "mlp on values": {"search_space": "mlp", "task": "diabetes"},
    "mlp on images": {"search_space": "mlp", "task": "digits"},
    "conv 1-D": {"search_space": "conv", "task": {"name": "mnist1d", "train_size": 200}},
    "conv 2-D": {"search_space": "conv", "task": "digits"},
    "cell 1-D": {"search_space": "cell", "task": {"name": "mnist1d", "train_size": 200}},
    "cell 2-D": {"search_space": "cell", "task": "digits"},
}


# Every reward in one space and every space under two rewards, the rest by `make slow`.
CHECKED = [
    pytest.param(
        space,
        reward,
        id=f"{space}-{name}",
        marks=() if space == "mlp" or name in ("score", "final") else pytest.mark.slow,
    )
    for space in SPACES
    for name, reward in zip(REWARDS, EVERY_REWARD, strict=True)
]


@pytest.mark.parametrize(("space", "reward"), CHECKED)
def test_both_checkers_accept_the_unwrapped_environment(space, reward):
    env = gym.make("NAS-v0", **SPACES[space], reward=reward, evaluator=QUICK, horizon=4, store="memory")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
        sb3_check_env(env.unwrapped)


@pytest.mark.parametrize("observation", ["dict+mask", "index", "flat"])
@pytest.mark.parametrize("reward", ["score", "final"])
def test_the_other_observations_pass_both_checkers(observation, reward):
    env = fake_env(observation=observation, reward=reward)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)
        sb3_check_env(env.unwrapped)


@pytest.mark.parametrize("reward", ["score", "final"])
@pytest.mark.parametrize("space", SPACES)
def test_the_flat_observation_is_the_dict_one_hot_in_single_precision(space, reward):
    keywords = SPACES[space] | {"reward": reward, "evaluator": QUICK, "initial": "random", "store": "memory"}
    plain = gym.make("NAS-v0", **keywords)
    flat = gym.make("NAS-v0", **keywords, observation="flat")
    whole = plain.observation_space
    assert flat.observation_space.dtype == np.float32
    assert flat.observation_space.shape == gym.spaces.flatten_space(whole).shape
    for seed in range(5):
        observation = flat.reset(seed=seed)[0]
        assert observation.dtype == np.float32
        assert flat.observation_space.contains(observation)
        np.testing.assert_array_equal(
            observation, gym.spaces.flatten(whole, plain.reset(seed=seed)[0]).astype(np.float32)
        )


@pytest.mark.parametrize("reward", ["score", "final"])
def test_the_graph_observation_passes_gymnasiums_checker(reward):
    env = fake_env(observation="graph", reward=reward)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_a_step_pays_the_score_of_the_edited_network():
    env = fake_env()
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(action(env, "add relu-64 after layer 1"))
    assert reward == info["score"] == pytest.approx(0.6)
    assert info["architecture"] == "relu-64 > relu-64"
    assert info["edit"] == "add relu-64 after layer 1"
    assert (terminated, truncated) == (False, False)


def test_a_step_on_values_pays_their_share_of_variance_explained():
    recipe = {"epochs": 20, "learning_rate": 0.02}
    env = gym.make(
        "NAS-v0", task="diabetes", evaluator={"name": "train", "recipe": recipe}, store="memory"
    ).unwrapped
    env.reset(seed=0)
    _, reward, _, _, info = env.step(0)
    (evaluation,) = env.ledger.history
    assert reward == info["score"] == evaluation.score
    assert 0.2 < reward < 0.7
    task = env.task
    deviation = float(task.y_validation.std() * task.target.scale[0])
    assert evaluation.metrics["rmse"] == pytest.approx(deviation * (1 - reward) ** 0.5, rel=1e-3)
    assert 0 < evaluation.metrics["mae"] < evaluation.metrics["rmse"]
    assert set(info) == set(env.reset()[1])


def test_many_environments_on_values_are_paid_as_single_ones():
    options = {"task": "diabetes", "evaluator": QUICK, "store": "memory", "horizon": 3}
    many, one = gym.make_vec("NAS-v0", num_envs=2, **options), gym.make("NAS-v0", **options)
    many.reset(seed=0)
    one.reset(seed=0)
    for number in (1, 9, 0):
        _, rewards, _, _, infos = many.step(np.array([number, number]))
        _, reward, _, _, info = one.step(number)
        assert rewards.tolist() == [reward, reward]
        assert infos["score"].tolist() == [info["score"], info["score"]]


def test_an_illegal_action_has_the_effect_and_the_reward_of_keep():
    env = fake_env()
    env.reset(seed=0)
    kept = env.step(0)
    env.reset(seed=0)
    illegal = env.step(action(env, "remove layer 3"))
    assert illegal[1] == kept[1]
    assert illegal[4]["architecture"] == kept[4]["architecture"]
    assert illegal[4]["illegal_action"]
    assert not kept[4]["illegal_action"]


def test_improvement_telescopes_to_the_total_gain_and_counts_the_start_state():
    env = fake_env(reward="improvement")
    env.reset(seed=0)
    gains = [
        env.step(action(env, words))[1] for words in ("add relu-64 after layer 1", "keep", "remove layer 1")
    ]
    assert gains == pytest.approx([0.15, 0.0, -0.15])
    assert env.unwrapped.stats.unique == 2


def test_final_evaluates_only_the_last_network_and_terminates():
    env = fake_env(reward="final", horizon=3)
    env.reset(seed=0)
    first = env.step(action(env, "add relu-64 after layer 1"))
    second = env.step(action(env, "add relu-64 after layer 1"))
    assert env.unwrapped.stats.unique == 0
    last = env.step(0)
    assert [first[1], second[1], last[1]] == pytest.approx([0.0, 0.0, 0.75])
    assert (last[2], last[3]) == (True, False)
    assert env.unwrapped.stats.unique == 1
    assert first[0]["steps_left"] == [2]


def test_the_horizon_truncates_under_a_continuing_reward():
    env = fake_env(horizon=2)
    env.reset(seed=0)
    assert env.step(0)[2:4] == (False, False)
    assert env.step(0)[2:4] == (False, True)
    with pytest.raises(gym.error.ResetNeeded):
        env.unwrapped.step(0)


def test_scale_maps_the_score_before_the_reward():
    env = fake_env(reward={"name": "score", "scale": [0.4, 0.6]})
    env.reset(seed=0)
    assert env.step(0)[1] == pytest.approx(0.25)


def test_a_reward_object_is_asked_with_both_scores():
    class Loss:
        needs_before, episodic = True, False

        def __call__(self, before, after, done):
            return -abs(after - before)

    env = fake_env(reward=Loss())
    env.reset(seed=0)
    assert env.step(action(env, "add relu-64 after layer 1"))[1] == pytest.approx(-0.15)


def test_a_failed_network_has_score_zero_and_a_reason():
    env = fake_env(score=lambda architecture, seed: float("nan"))
    env.reset(seed=0)
    _, reward, _, _, info = env.step(0)
    assert reward == 0.0
    assert info["error"] == "training diverged"


def test_several_seeds_are_averaged():
    env = fake_env(seeds=(0, 10))
    env.reset(seed=0)
    assert env.step(0)[1] == pytest.approx(0.455)


def test_the_best_score_is_of_the_episode():
    env = fake_env()
    env.reset(seed=0)
    env.step(action(env, "add relu-64 after layer 1"))
    assert env.step(action(env, "remove layer 1"))[4]["best_score"] == pytest.approx(0.6)
    env.reset()
    assert env.step(0)[4]["best_score"] == pytest.approx(0.45)


TYPES = {
    "architecture": str,
    "edit": str,
    "score": float,
    "best_score": float,
    "illegal_action": bool,
    "error": str,
    "action_mask": np.ndarray,
}


@pytest.mark.parametrize("reward", EVERY_REWARD, ids=REWARDS)
def test_information_has_the_same_keys_and_types_after_reset_and_every_step(reward):
    env = fake_env(reward=reward, horizon=3, score=lambda architecture, seed: float("nan"))
    infos = [env.reset(seed=0)[1]]
    infos += [env.step(number)[4] for number in (1, 10, 0)]  # the second is illegal
    infos.append(env.reset()[1])
    for info in infos:
        assert info.keys() == TYPES.keys()
        assert all(isinstance(info[key], kind) for key, kind in TYPES.items())
        assert info["action_mask"].dtype == np.int8
    assert [bool(info["error"]) for info in infos[3:]] == [True, False]


def test_after_reset_nothing_is_known_of_scores_and_arrays_are_fresh():
    env = fake_env()
    env.reset(seed=0)
    after_step = env.step(0)[4]
    _, after_reset = env.reset()
    assert (after_step["score"], after_step["best_score"]) == pytest.approx((0.45, 0.45))
    assert (after_reset["score"], after_reset["best_score"]) == (0.0, 0.0)
    assert after_step["action_mask"] is not after_reset["action_mask"]
    assert (env.get_wrapper_attr("action_masks")() == after_reset["action_mask"].astype(bool)).all()


def test_reset_never_trains_and_its_options_choose_the_start_state():
    env = fake_env()
    _, info = env.reset(seed=0, options={"architecture": "sigmoid-64 > relu-64"})
    assert info["architecture"] == "sigmoid-64 > relu-64"
    assert env.unwrapped.stats.evaluations == 0
    assert env.reset()[1]["architecture"] == "relu-64"


def test_a_random_start_state_is_drawn_by_the_seed_of_reset():
    env = fake_env(initial="random")
    texts = [env.reset(seed=seed)[1]["architecture"] for seed in range(30)]
    assert texts == [env.reset(seed=seed)[1]["architecture"] for seed in range(30)]
    assert len(set(texts)) > 5


def test_initial_may_be_an_architecture():
    assert fake_env(initial="sigmoid-64").reset()[1]["architecture"] == "sigmoid-64"


def test_a_state_saved_as_json_is_restored_in_another_environment():
    env, other = fake_env(initial="random"), fake_env(initial="random")
    env.reset(seed=3)
    env.step(1)
    state = json.loads(json.dumps(env.unwrapped.get_state()))
    other.reset(seed=8)
    other.unwrapped.set_state(state)
    for number in (0, 5, 2):
        first, second = env.step(number), other.step(number)
        assert first[1] == second[1]
        assert first[4]["architecture"] == second[4]["architecture"]
    assert env.reset()[1]["architecture"] == other.reset()[1]["architecture"]


def test_a_state_that_is_none_is_refused_in_one_sentence():
    env = fake_env()
    env.reset(seed=0)
    with pytest.raises(nas_gym.NASGymError, match="the state lacks architecture, best_score, last_action"):
        env.unwrapped.set_state({"steps": 3})


def test_a_fork_walks_on_alone_and_shares_the_account():
    env = fake_env()
    env.reset(seed=0)
    fork = env.unwrapped.fork()
    fork.step(action(env, "add relu-64 after layer 1"))
    assert str(env.unwrapped.architecture) == "relu-64"
    assert env.unwrapped.stats.unique == 1


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_in_the_middle_of_an_episode_goes_on_alike(duplicate):
    env = gym.make("NAS-v0", search_space=SMALL, task="breast_cancer", evaluator=QUICK, store="memory")
    env.reset(seed=0)
    env.step(1)
    twin = duplicate(env)
    for number in (2, 0, 9):
        assert env.step(number)[1] == twin.step(number)[1]


def test_two_environments_agree_over_fifty_random_steps():
    env, twin = fake_env(initial="random"), fake_env(initial="random")
    observations = [env.reset(seed=1)[0], twin.reset(seed=1)[0]]
    env.action_space.seed(5)
    for _ in range(50):
        number = env.action_space.sample()
        steps = [e.step(number) for e in (env, twin)]
        for key in observations[0]:
            assert (steps[0][0][key] == steps[1][0][key]).all()
        assert steps[0][1:4] == steps[1][1:4]
        if steps[0][3]:
            env.reset()
            twin.reset()


def test_the_specification_survives_json():
    env = gym.make("NAS-v0", search_space=SMALL, task="breast_cancer", evaluator=QUICK, store="memory")
    spec = gym.envs.registration.EnvSpec.from_json(env.spec.to_json())
    assert gym.make(spec).unwrapped.config() == env.unwrapped.config()


def test_the_configuration_builds_the_environment_again():
    config = fake_env().unwrapped.config() | {"evaluator": QUICK, "store": "memory"}
    config = json.loads(json.dumps(config))
    rebuilt = gym.make("NAS-v0", **config).unwrapped
    assert rebuilt.search_space == fake_env().unwrapped.search_space
    assert rebuilt.task.fingerprint == fake_env().unwrapped.task.fingerprint


def test_ansi_names_the_state_and_the_last_edit():
    env = fake_env(render_mode="ansi")
    env.reset(seed=0)
    env.step(action(env, "add sigmoid-64 after layer 1"))
    assert "relu-64 > sigmoid-64" in env.render()
    assert "add sigmoid-64 after layer 1" in env.render()


def test_rgb_array_marks_the_last_edit():
    env = fake_env(render_mode="rgb_array")
    env.reset(seed=0)
    orange = np.array([0xD9, 0x48, 0x0F])
    assert not (env.render() == orange).all(axis=2).any()
    env.step(action(env, "add sigmoid-64 after layer 1"))
    picture = env.render()
    assert picture.dtype == np.uint8
    assert (picture == orange).all(axis=2).sum() > 50


def test_importing_registers_the_ids_without_heavy_libraries():
    import subprocess
    import sys

    heavy = "{'torch', 'stable_baselines3', 'optuna', 'sklearn', 'matplotlib'}"
    code = f"import sys, nas_gym; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert "NAS-v0" in gym.registry


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"search_space": "mpl"}, "unknown search space 'mpl': did you mean 'mlp'?"),
        ({"task": "digit"}, "unknown task 'digit': did you mean 'digits'?"),
        ({"reward": "scroe"}, "unknown reward 'scroe': did you mean 'score'?"),
        ({"observation": "dcit"}, "unknown observation 'dcit': did you mean 'dict'?"),
        ({"observation": ["dict"]}, "unknown observation ['dict']"),
        ({"device": None}, "device None cannot be used"),
        ({"evaluator": "trian"}, "unknown evaluator 'trian': did you mean 'train'?"),
        ({"horizon": 0}, "horizon must be a whole number of steps of at least 1, not 0"),
        ({"initial": "relu-63"}, "architecture 'relu-63' has no valid layer 'relu-63'"),
        ({"search_space": {"name": "mlp", "widht": [3]}}, "unknown option of the search space 'mlp' 'widht'"),
        ({"search_space": "conv", "task": "breast_cancer"}, "mlp"),
        (
            {"search_space": {"name": "mlp", "max_layers": 1, "widths": [8], "activations": ["relu"]}},
            "the search space has 1 architecture, a search needs at least 2",
        ),
        ({"evaluator": {"name": "train", "recipe": {"epoch": 3}}}, "did you mean 'epochs'?"),
        ({"evaluator": {"name": "train", "recipe": {"epochs": 0}}}, "epochs of the recipe must be"),
        ({"evaluator": {"name": "train", "seeds": []}}, "seeds must be a list of whole numbers"),
        ({"device": "gpu9"}, "device 'gpu9' cannot be used"),
        ({"reward": {"name": "score", "scale": [1, 0]}}, "scale of a reward must be [low, high]"),
        ({"horizn": 3}, "unknown argument 'horizn': did you mean 'horizon'? known: device, "),
        ({"max_episode_step": 3}, "did you mean 'max_episode_steps'?"),
        ({"num_envs": 3}, "num_envs is of vector environments: use gym.make_vec"),
        ({"autoreset_mode": "disabled"}, "autoreset_mode is of vector environments"),
        ({"reward": 3}, "a reward object must be callable"),
        ({"reward": "fractions:Fraction"}, "a reward object must be callable"),
    ],
)
def test_a_bad_argument_gives_one_sentence(kwargs, sentence):
    with pytest.raises(nas_gym.NASGymError) as raised:
        gym.make("NAS-v0", **{"task": "breast_cancer", "store": "memory"} | kwargs)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_reset_option_and_a_bad_action_give_one_sentence():
    env = fake_env()
    with pytest.raises(nas_gym.NASGymError, match="did you mean 'architecture'"):
        env.reset(options={"architectur": "relu-64"})
    env.reset()
    with pytest.raises(nas_gym.NASGymError, match="action must be a whole number from 0 to"):
        env.unwrapped.step(10_000)


def test_masks_never_change_the_optimal_value():
    """Value iteration over legal actions alone and over all actions gives the same values."""
    space = fake_env().unwrapped.search_space
    states = list(space)
    reward = {state: depth_and_relus(state, 0) for state in states}
    values = {masked: dict.fromkeys(states, 0.0) for masked in (True, False)}
    for masked, value in values.items():
        for _ in range(300):
            for state in states:
                legal = space.mask(state) if masked else np.ones(len(space.actions), dtype=bool)
                after = [space.apply(state, int(number)) for number in np.flatnonzero(legal)]
                value[state] = max(reward[successor] + 0.9 * value[successor] for successor in after)
    assert values[True] == pytest.approx(values[False], abs=1e-9)


def test_an_evaluator_of_ones_own_goes_by_its_import_path_and_needs_no_store():
    evaluator = {"name": "tests.helpers.fakes:OwnEvaluator", "value": 0.25}
    env = gym.make("NAS-v0", search_space=SMALL, task="breast_cancer", evaluator=evaluator, store="memory")
    env.reset(seed=0)
    assert env.step(0)[1] == 0.25
