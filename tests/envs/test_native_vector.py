"""The native vector environment is as many single environments, evaluated in one batch a step."""

from __future__ import annotations

import copy
import json
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from nas_gym import NASGymError
from nas_gym.envs import BudgetExhausted, NASVectorEnv
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from tests.helpers.fakes import FakeEvaluator, action
from tests.helpers.vectors import COUNT, MODES, PROBLEM, by_text, make, same, sync, walk


@pytest.mark.parametrize("observation", ["dict", "dict+mask", "index", "flat", "graph"])
@pytest.mark.parametrize("reward", ["score", "improvement", "final"])
@pytest.mark.parametrize("mode", MODES)
def test_it_equals_gymnasiums_sync_vector_environment(keywords, mode, reward, observation):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        more = {"reward": reward, "observation": observation}
        native, reference = make(keywords, autoreset_mode=mode, **more), sync(keywords, mode, **more)
        assert native.observation_space == reference.observation_space
        assert native.action_space == reference.action_space
        assert native.single_observation_space == reference.single_observation_space
        assert native.metadata == reference.metadata
        assert same(native.reset(seed=3), reference.reset(seed=3))
        rng, illegal, ends = np.random.default_rng(0), 0, 0
        for step in range(60):
            actions = rng.integers(native.single_action_space.n, size=COUNT)
            made = native.step(actions)
            assert same(made, reference.step(actions)), step
            illegal += made[4]["illegal_action"].sum()
            done = made[2] | made[3]
            ends += done.sum()
            if mode == "disabled" and done.any():
                again = [envs.reset(options={"reset_mask": done}) for envs in (native, reference)]
                assert same(*again), step
            if step % 23 == 10:  # from here on episodes end at different steps
                mask = np.arange(COUNT) % 3 == step % 3
                again = [envs.reset(options={"reset_mask": mask}) for envs in (native, reference)]
                assert same(*again), step
    assert min(illegal, ends) > 5
    assert any(evaluation.failed for evaluation in native.ledger.history)


@pytest.mark.parametrize("space", ["conv", "cell"])
def test_it_equals_the_sync_one_in_other_search_spaces(space):
    task = make_task({"name": "mnist1d", "train_size": 200})
    search_space = make_search_space(space, task.input_shape, task.outputs)
    evaluator = FakeEvaluator(search_space, task, by_text)
    parts = {"search_space": search_space, "task": task, "evaluator": evaluator}
    more = {"initial": "random", "horizon": 9, "observation": "dict+mask"}
    native, reference = make(parts, **more), sync(parts, "next_step", **more)
    assert same(native.reset(seed=0), reference.reset(seed=0))
    rng = np.random.default_rng(0)
    for _ in range(20):
        actions = rng.integers(native.single_action_space.n, size=COUNT)
        assert same(native.step(actions), reference.step(actions))


def test_it_equals_single_environments_seeded_one_after_another(keywords):
    native, singles = make(keywords), [gym.make("NAS-v0", **keywords) for _ in range(COUNT)]
    first, _ = native.reset(seed=11)
    alone = [env.reset(seed=11 + row)[0] for row, env in enumerate(singles)]
    assert (first["layers"] == [observation["layers"] for observation in alone]).all()
    rng, ended = np.random.default_rng(1), [False] * COUNT
    for _ in range(50):
        actions = rng.integers(native.single_action_space.n, size=COUNT)
        observations, rewards, _, truncated, info = native.step(actions)
        for row, env in enumerate(singles):
            if ended[row]:
                reward, (observation, information) = 0.0, env.reset()
                ended[row] = False
            else:
                observation, reward, _, ended[row], information = env.step(actions[row])
            assert (observations["layers"][row] == observation["layers"]).all()
            assert (rewards[row], truncated[row]) == (reward, ended[row])
            for key, value in information.items():
                assert info[f"_{key}"][row]
                assert np.array_equal(info[key][row], value)


def test_a_step_asks_once_for_what_is_new(keywords):
    envs = make(keywords, initial="smallest")
    envs.reset(seed=0)
    add = action(envs, "add relu-64 after layer 1")
    envs.step([0, add, 0, add, 1])
    envs.step([0] * COUNT)
    assert envs.evaluator.batches == [["relu-64", "relu-64 > relu-64"]]
    assert (envs.stats.evaluations, envs.stats.unique, envs.stats.steps) == (10, 2, 10)


def test_reset_evaluates_nothing_and_a_reset_row_counts_as_nothing(keywords):
    envs = make(keywords, horizon=1)
    envs.reset(seed=0)
    assert envs.evaluator.batches == []
    envs.step([0] * COUNT)
    counted = envs.stats.as_dict()
    # A row that resets ignores its action, even one that does not exist.
    _, rewards, terminated, truncated, info = envs.step([10**6] * COUNT)
    assert envs.stats.as_dict() == counted
    assert not rewards.any()
    assert not (terminated | truncated).any()
    assert set(info["edit"]) == {"keep"}
    assert not info["score"].any()
    assert not info["best_score"].any()


def test_same_step_keeps_the_end_of_the_episode_and_shows_the_next(keywords):
    envs = make(keywords, horizon=2, autoreset_mode="same_step", initial="relu-64")
    envs.reset(seed=0)
    add = action(envs, "add sigmoid-64 after layer 1")
    envs.step([add] * COUNT)
    observations, rewards, _, truncated, info = envs.step([0] * COUNT)
    assert truncated.all()
    assert set(info["architecture"]) == {"relu-64"}
    assert set(info["final_info"]["architecture"]) == {"relu-64 > sigmoid-64"}
    assert (info["final_info"]["score"] == rewards).all()
    assert (info["final_obs"][0]["layers"] == [1, 2, 0]).all()
    assert (observations["layers"] == [1, 0, 0]).all()


def test_disabled_refuses_to_step_over_an_end(keywords):
    envs = make(keywords, horizon=1, autoreset_mode=AutoresetMode.DISABLED)
    envs.reset(seed=0)
    envs.step([0] * COUNT)
    with pytest.raises(gym.error.ResetNeeded, match="episode of environment 0 ended"):
        envs.step([0] * COUNT)
    envs.reset(options={"reset_mask": np.arange(COUNT) > 0})
    with pytest.raises(gym.error.ResetNeeded, match="episode of environment 0 ended"):
        envs.step([0] * COUNT)


def test_the_start_states_are_one_text_or_one_each(keywords):
    envs = make(keywords, count=3)
    assert set(envs.reset(options={"architecture": "sigmoid-64"})[1]["architecture"]) == {"sigmoid-64"}
    texts = ["relu-64", "sigmoid-64 > relu-64", "sigmoid-64"]
    assert envs.reset(options={"architecture": texts})[1]["architecture"].tolist() == texts
    mask = np.array([True, False, True])
    _, info = envs.reset(options={"architecture": ["smallest"] * 3, "reset_mask": mask})
    assert info["architecture"].tolist() == ["relu-64", None, "relu-64"]
    assert info["_architecture"].tolist() == mask.tolist()
    assert [str(architecture) for architecture in envs.architectures] == ["relu-64", texts[1], "relu-64"]


def test_masks_have_two_forms_and_are_fresh(keywords):
    envs = make(keywords)
    _, info = envs.reset(seed=0)
    masks = envs.action_masks()
    assert (masks.dtype, masks.shape) == (bool, (COUNT, envs.single_action_space.n))
    assert (info["action_mask"].dtype, info["action_mask"].shape) == (np.int8, masks.shape)
    assert (masks == info["action_mask"]).all()
    masks[:] = False
    assert envs.action_masks()[:, 0].all()


def test_a_step_that_crosses_the_budget_is_trimmed_in_order_and_changes_no_state(keywords):
    envs = make(keywords, initial="smallest")
    envs.reset(seed=0)
    envs.start_run(3)
    envs.step([0] * COUNT)
    adds = [action(envs, f"add {layer} after layer 1") for layer in ("relu-64", "sigmoid-64")]
    remaining = [0, adds[0], adds[0], adds[1], action(envs, "swap activation of layer 1 to sigmoid")]
    before = envs.get_state()
    with pytest.raises(BudgetExhausted) as raised:
        envs.step(remaining)
    assert raised.value.reason == "budget"
    asked = [evaluation.architecture for evaluation in envs.ledger.history]
    assert asked == ["relu-64", "relu-64 > relu-64", "relu-64 > sigmoid-64"]
    assert envs.get_state() == before
    assert envs.ledger.remaining == 0


@pytest.mark.parametrize("budget", [1, 2, 5, {"seconds": 0.5}, {"seconds": 3.5}, {"seconds": 8}])
@pytest.mark.parametrize("reward", ["score", "improvement", "final"])
def test_a_budget_ends_at_the_same_request_as_environments_stepped_in_order(keywords, budget, reward):
    """Many more environments than a budget of one has steps, so that `max_steps` ends it too."""
    count, histories, reasons = 60, [], []
    native, singles = make(keywords, count, reward=reward), sync(keywords, "next_step", count, reward=reward)
    singles.envs[0].unwrapped.start_run(budget)
    for env in singles.envs:
        env.unwrapped.ledger = singles.envs[0].unwrapped.ledger
    native.start_run(budget)
    for envs, ledger in ((native, native.ledger), (singles, singles.envs[0].unwrapped.ledger)):
        envs.reset(seed=0)
        rng = np.random.default_rng(2)
        with pytest.raises(BudgetExhausted) as raised:
            walk(envs, rng, count)
        histories.append([evaluation.architecture for evaluation in ledger.history])
        reasons.append(raised.value.reason)
    assert histories[0] == histories[1]
    assert reasons[0] == reasons[1]


def test_only_revisiting_ends_at_fifty_steps_a_request(keywords):
    envs = make(keywords, initial="smallest", horizon=1000)
    envs.reset(seed=0)
    envs.start_run(1)
    for _ in range(10):
        envs.step([0] * COUNT)
    with pytest.raises(BudgetExhausted) as raised:
        envs.step([0] * COUNT)
    assert raised.value.reason == "max_steps"


def test_states_go_through_json_to_another_and_to_single_environments(keywords):
    envs, twin = make(keywords), make(keywords)
    envs.reset(seed=4)
    envs.step([1, 2, 3, 4, 5])
    states = json.loads(json.dumps(envs.get_state()))
    twin.set_state(states)
    single = gym.make("NAS-v0", **keywords)
    single.reset(seed=0)
    single.unwrapped.set_state(states[2])
    for step in range(20):
        actions = np.arange(COUNT) * step % envs.single_action_space.n
        made = envs.step(actions)
        assert same(made, twin.step(actions))
        if step < 6:
            assert made[1][2] == single.step(actions[2])[1]
    with pytest.raises(NASGymError, match="a list of 5 states, not of 1"):
        envs.set_state(states[:1])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda envs: pickle.loads(pickle.dumps(envs))])
def test_a_copy_goes_on_alike(keywords, duplicate):
    envs = make(keywords)
    envs.reset(seed=1)
    envs.step([3] * COUNT)
    twin = duplicate(envs)
    for number in range(10):
        assert same(envs.step([number] * COUNT), twin.step([number] * COUNT))


def test_what_a_step_returned_stays_as_it_was(keywords):
    envs = make(keywords, autoreset_mode="same_step", horizon=3, observation="dict+mask")
    kept = [envs.reset(seed=0)]
    for number in range(12):
        kept.append(envs.step([number] * COUNT))
        if number == 0:
            copies = copy.deepcopy(kept)
    assert all(map(same, kept[:2], copies))


def test_one_account_and_the_parts_of_the_problem_are_for_all(keywords):
    envs = make(keywords)
    assert envs.evaluate("relu-64").architecture == "relu-64"
    assert [found.architecture for found in envs.evaluate(["relu-64", "sigmoid-64"])] == [
        "relu-64",
        "sigmoid-64",
    ]
    assert envs.stats.unique == 2
    envs.start_run(3)
    assert (envs.ledger.remaining, envs.stats.unique) == (3, 0)
    assert envs.search_space.size == 14
    assert envs.task.name == "breast_cancer"


def test_the_configuration_and_the_specification_build_it_again(problem):
    quick = {"name": "train", "recipe": {"epochs": 1}}
    envs = gym.make_vec("NAS-v0", num_envs=3, autoreset_mode="same_step", **PROBLEM | {"evaluator": quick})
    config = json.loads(json.dumps(envs.config()))
    assert (config["num_envs"], config["autoreset_mode"]) == (3, "same_step")
    assert gym.make_vec("NAS-v0", **config, store="memory").config() == config
    spec = gym.envs.registration.EnvSpec.from_json(envs.spec.to_json())
    assert gym.make_vec(spec).config() == config


def test_frames_are_one_an_environment(keywords):
    words = make(keywords, count=2, render_mode="ansi", initial="smallest")
    words.reset(seed=0)
    words.step([0, 1])
    assert words.render()[0] == "step 1/7: keep\nrelu-64\n"
    drawings = make(keywords, count=2, render_mode="rgb_array")
    drawings.reset(seed=0)
    assert [frame.dtype for frame in drawings.render()] == [np.uint8] * 2


def test_each_environment_is_asked_by_name(keywords):
    envs = make(keywords, count=3)
    envs.reset(seed=0)
    assert (np.stack(envs.call("action_masks")) == envs.action_masks()).all()
    assert [str(architecture) for architecture in envs.get_attr("architecture")] == [
        state["architecture"] for state in envs.call("get_state")
    ]
    assert len(set(envs.call("np_random_seed"))) == 3
    assert envs.call("evaluate", "relu-64")[2].architecture == "relu-64"
    assert envs.stats.steps == 1
    envs.set_attr("render_mode", ["ansi"] * 3)
    assert envs.get_attr("render_mode") == ("ansi",) * 3
    with pytest.raises(NASGymError, match="cannot differ between the 3 environments"):
        envs.set_attr("render_mode", ["ansi", None, None])
    with pytest.raises(AttributeError):
        envs.get_attr("no_such_thing")


def test_gymnasiums_vector_wrappers_go_around_it(keywords):
    envs = gym.wrappers.vector.RecordEpisodeStatistics(make(keywords, horizon=2))
    envs.reset(seed=0)
    total = envs.step([0] * COUNT)[1] + (last := envs.step([0] * COUNT))[1]
    assert last[4]["episode"]["r"] == pytest.approx(total)
    envs.close()
    assert envs.unwrapped.closed


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"num_envs": 0}, "num_envs must be a whole number of at least 1, not 0"),
        ({"num_envs": True}, "num_envs must be a whole number of at least 1, not True"),
        ({"autoreset_mode": "nextstep"}, "unknown autoreset mode 'nextstep': did you mean 'next_step'?"),
        ({"reward": "scroe"}, "unknown reward 'scroe': did you mean 'score'?"),
        ({"horizon": 0}, "horizon must be a whole number of steps of at least 1, not 0"),
        ({"render_mode": "human"}, "unknown render mode 'human'"),
    ],
)
def test_a_bad_argument_gives_one_sentence(more, sentence):
    with pytest.raises(NASGymError) as raised:
        gym.make_vec("NAS-v0", **{"num_envs": 2} | PROBLEM | more)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("reset", "sentence"),
    [
        ({"options": {"architectur": "relu-64"}}, "did you mean 'architecture'?"),
        ({"options": {"architecture": ["relu-64"]}}, "must be one architecture or 5, not 1"),
        ({"options": {"architecture": "relu-63"}}, "no valid layer 'relu-63'"),
        ({"options": {"reset_mask": [True] * 5}}, "must be a bool array of shape (5,)"),
        ({"options": {"reset_mask": np.zeros(5, dtype=bool)}}, "with at least one True"),
        ({"seed": [1, 2]}, "seed must be a whole number, None, or a list of 5 of them"),
        ({"seed": "one"}, "seed must be a whole number, None, or a list of 5 of them"),
    ],
)
def test_a_bad_reset_gives_one_sentence_and_changes_nothing(keywords, reset, sentence):
    envs = make(keywords)
    envs.reset(seed=0)
    before = envs.get_state()
    with pytest.raises(NASGymError) as raised:
        envs.reset(**{"seed": 3} | reset)
    assert sentence in str(raised.value)
    assert envs.get_state() == before


@pytest.mark.parametrize(
    ("actions", "sentence"),
    [
        ([0] * 4, "not an array of shape (4,) and type int64"),
        ([0.5] * 5, "not an array of shape (5,) and type float64"),
        ([0, 0, 0, -1, 0], "not -1 for environment 3"),
        ([0, 99, 0, 0, 0], "actions must be 5 whole numbers from 0 to"),
    ],
)
def test_bad_actions_give_one_sentence(keywords, actions, sentence):
    envs = make(keywords)
    envs.reset(seed=0)
    with pytest.raises(NASGymError) as raised:
        envs.step(actions)
    assert sentence in str(raised.value)


def test_stepping_before_a_reset_says_so(keywords):
    envs = make(keywords)
    with pytest.raises(gym.error.ResetNeeded, match="call reset"):
        envs.step([0] * COUNT)
    with pytest.raises(gym.error.ResetNeeded, match="without reset_mask"):
        envs.reset(options={"reset_mask": np.arange(COUNT) > 0})


def test_it_trains_for_real_and_gives_the_rewards_of_single_environments():
    real = PROBLEM | {"evaluator": {"name": "train", "recipe": {"epochs": 1, "batch_size": 256}}}
    envs, reference = make(real, count=3), sync(real, "next_step", count=3)
    envs.reset(seed=0)
    reference.reset(seed=0)
    for actions in ([1, 2, 0], [4, 0, 3]):
        assert same(envs.step(np.array(actions)), reference.step(np.array(actions)))
    assert envs.stats.unique >= 3


@pytest.mark.parametrize("reward", ["score", "final"])
@pytest.mark.parametrize("steps", [1, 3, 7, 20])
@pytest.mark.parametrize("mode", MODES)
def test_a_limit_of_steps_cuts_episodes_as_in_the_sync_mode(keywords, mode, steps, reward):
    """The horizon is 7; sync wraps each environment in TimeLimit."""
    options = keywords | {"num_envs": COUNT, "reward": reward, "max_episode_steps": steps}
    native = gym.make_vec("NAS-v0", autoreset_mode=mode, **options)
    reference = gym.make_vec(
        "NAS-v0", vectorization_mode="sync", vector_kwargs={"autoreset_mode": MODES[mode]}, **options
    )
    assert same(native.reset(seed=3), reference.reset(seed=3))
    rng = np.random.default_rng(0)
    for _ in range(25):
        actions = rng.integers(native.single_action_space.n, size=COUNT)
        made = native.step(actions)
        assert same(made, reference.step(actions))
        done = made[2] | made[3]
        if mode == "disabled" and done.any():
            again = [envs.reset(options={"reset_mask": done}) for envs in (native, reference)]
            assert same(*again)
    assert native.config()["max_episode_steps"] == steps


@pytest.mark.parametrize("steps", [None, -1])
def test_no_limit_of_steps_leaves_the_horizon(keywords, steps):
    envs = make(keywords, max_episode_steps=steps)
    envs.reset(seed=0)
    ends = [envs.step([0] * COUNT)[3].all() for _ in range(7)]
    assert ends == [False] * 6 + [True]
    assert "max_episode_steps" not in envs.config()


@pytest.mark.parametrize("how", ["native", "sync"])
@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"horizn": 3}, "unknown argument 'horizn': did you mean 'horizon'? known: "),
        ({"rewards": "final"}, "unknown argument 'rewards': did you mean 'reward'?"),
        ({"max_episodes_steps": 3}, "did you mean 'max_episode_steps'?"),
        ({"foo_bar": 1}, "unknown argument 'foo_bar': known: "),
    ],
)
def test_an_unknown_argument_names_the_nearest_one(how, more, sentence):
    options = {"vectorization_mode": "sync"} if how == "sync" else {}
    with pytest.raises(NASGymError) as raised:
        gym.make_vec("NAS-v0", num_envs=2, **options, **PROBLEM, **more)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"num_env": 3}, "unknown argument 'num_env': did you mean 'num_envs'?"),
        ({"vectorisation_mode": "sync"}, "did you mean 'vectorization_mode'?"),
        ({"auto_reset_mode": "disabled"}, "did you mean 'autoreset_mode'?"),
        (
            {"disable_env_checker": True},
            "is an argument of gym.make, not of NASVectorEnv",
        ),
        ({"max_episode_steps": 0}, "max_episode_steps must be a whole number of at least 1, or None, not 0"),
        ({"max_episode_steps": "3"}, "max_episode_steps must be a whole number of at least 1"),
        ({"max_episode_steps": True}, "max_episode_steps must be a whole number of at least 1"),
        ({"max_episode_steps": 2.5}, "max_episode_steps must be a whole number of at least 1"),
    ],
)
def test_a_bad_argument_of_the_native_one_gives_one_sentence(more, sentence):
    with pytest.raises(NASGymError) as raised:
        gym.make_vec("NAS-v0", **PROBLEM, **more)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_goes_to_each_environment_is_refused_by_the_native_one(keywords):
    """By Gymnasium, in a sentence, before the environment is made."""
    with pytest.raises(gym.error.Error, match="Cannot use `vector_entry_point`"):
        make(keywords, wrappers=[gym.wrappers.FlattenObservation])
    with pytest.raises(gym.error.Error, match="`vector_kwargs` is not empty"):
        make(keywords, vector_kwargs={"autoreset_mode": AutoresetMode.DISABLED})
    with pytest.raises(NASGymError, match="vectorization_mode='sync' where environments are wrapped"):
        NASVectorEnv(2, wrappers=[], **keywords)
