"""Rewards that see evaluations, so that size counts, and rewards with a batch form of their own."""

import json

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import QLearning, make_agent

from nas_gym import NASGymError
from nas_gym.envs import RecordedReward, make_reward
from nas_gym.evaluators import Evaluation
from nas_gym.explain import explain
from nas_gym.explain.methods.policies.optimal_values import OptimalValues
from nas_gym.tasks import make_task
from nas_gym.traces import State, Trace, replay
from tests.helpers.own_rewards import Small, SmallAtTheEnd, Smaller

SIZED = {"name": "tests.helpers.own_rewards:Small", "price": 0.5}
REWARDS = [Small(), Smaller(), SmallAtTheEnd()]
NAMES = ["Small", "Smaller", "SmallAtTheEnd"]


def worth(env, text, price=0.25):
    found = env.unwrapped.evaluator.evaluate_architectures([env.unwrapped.search_space.parse(text)])[0]
    return found.score - price * found.parameters / 1000


def walk(env, steps=60):
    """Transitions of a random walk: architectures before and after, the reward, and the end."""
    rng, made = np.random.default_rng(0), []
    _, info = env.reset(seed=0)
    for _ in range(steps):
        before = str(info["architecture"])
        action = rng.choice(np.flatnonzero(info["action_mask"]))
        _, reward, terminated, truncated, info = env.step(action)
        made.append((before, str(info["architecture"]), reward, terminated or truncated))
        if terminated or truncated:
            _, info = env.reset()
    return made


@pytest.mark.parametrize("reward", REWARDS, ids=NAMES)
def test_a_step_is_paid_by_what_the_reward_says_of_evaluations(reward):
    env = gym.make("NASTable-MLP-v0", reward=reward, horizon=5)
    for before, after, paid, done in walk(env):
        expected = worth(env, after)
        if isinstance(reward, Smaller):
            expected -= worth(env, before)
        if isinstance(reward, SmallAtTheEnd) and not done:
            expected = 0.0
        assert type(paid) is float
        assert paid == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("reward", REWARDS, ids=NAMES)
@pytest.mark.parametrize("seeds", ["mean", "random"])
def test_many_environments_pay_what_single_ones_do(seeds, reward):
    options = {"reward": reward, "horizon": 5, "evaluator": {"seeds": seeds}}
    spec = gym.spec("NASTable-MLP-v0").kwargs
    options["evaluator"] = dict(spec["evaluator"]) | options["evaluator"]
    envs = gym.make_vec("NASTable-MLP-v0", num_envs=3, **options)
    singles = [gym.make("NASTable-MLP-v0", **options) for _ in range(3)]
    _, info = envs.reset(seed=0)
    for row, single in enumerate(singles):
        single.reset(seed=row)
    rng = np.random.default_rng(1)
    for _ in range(5):
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in info["action_mask"]])
        _, rewards, _, _, info = envs.step(actions)
        assert rewards.dtype == np.float64
        assert rewards.tolist() == [one.step(action)[1] for one, action in zip(singles, actions, strict=True)]


def test_a_price_on_parameters_makes_a_search_prefer_small_networks():
    def chosen(price):
        env = gym.make("NASTable-MLP-v0", reward={**SIZED, "price": price})
        assert json.dumps(env.unwrapped.config())
        made = QLearning().search(env, budget=150, seed=0)
        scored = [(one.score - price * one.parameters / 1000, one) for one in made.evaluations]
        return max(scored, key=lambda pair: pair[0])[1]

    assert chosen(0.5).parameters < chosen(0.0).parameters


def test_a_run_with_a_price_on_parameters_is_traced_replayed_and_explained(tmp_path):
    env = Trace(gym.make("NASTable-MLP-v0", reward=SIZED), tmp_path / "run")
    make_agent("q-learning").search(env, 60, 0)
    env.close()
    report = replay(tmp_path / "run")
    assert report.ok, str(report)
    assert report.steps >= 60
    explanation = explain(tmp_path / "run", write=False)
    earned = explanation["policy"].numbers["return"]
    assert "evaluations of the table" in earned["source"]
    assert earned["the run's start"]["policy"] > earned["the run's start"]["random_legal"]


@pytest.mark.parametrize("reward", REWARDS, ids=NAMES)
def test_explanations_value_edits_by_the_evaluations_they_lead_to(reward):
    env = gym.make("NASTable-MLP-v0").unwrapped
    space = env.search_space
    every = np.array(env.evaluator.evaluate_architectures(list(space)), dtype=object)
    found = OptimalValues(space, every, make_reward(reward), 1, gamma=0.0)
    start = space.parse("relu-64 > tanh-16")
    values = found.of(State(start, 1))
    for edit in np.flatnonzero(space.mask(start)):
        after = space.apply(start, int(edit))
        before = worth(env, str(start)) if isinstance(reward, Smaller) else 0.0
        assert values[edit] == pytest.approx(worth(env, str(after)) - before, abs=1e-12)


def test_of_a_reward_that_no_name_leads_to_what_it_sees_is_recorded():
    class Local(Small):
        pass

    config = make_reward(Local()).config()
    assert (config["name"], config["sees"]) == ("recorded", "evaluations")
    recorded = make_reward(json.loads(json.dumps(config)))
    assert isinstance(recorded, RecordedReward)
    assert recorded.sees == "evaluations"
    assert "sees" not in make_reward(lambda before, after, done: after).config()


def test_a_reward_is_tried_on_evaluations_before_anything_is_trained():
    seen = []

    def reward(before, after, done):
        seen.append((before, after, done))
        return after.score

    reward.sees = "evaluations"
    make_reward(reward)
    assert [type(each) for each in seen[0]] == [Evaluation, Evaluation, bool]

    def wrong(before, after, done):
        return after.size

    wrong.sees = "evaluations"
    with pytest.raises(NASGymError, match=r"raised AttributeError .* for before=an evaluation of ''"):
        make_reward(wrong)
    wrong.sees = "networks"
    with pytest.raises(NASGymError, match=r"must be .scores. or .evaluations., not"):
        make_reward(wrong)


class Precise:
    """Pays for a small RMSE, in the units of the data."""

    needs_before, episodic, sees = False, False, "evaluations"

    def __call__(self, before, after, done):
        return -after.metrics["rmse"] / 100


def test_a_reward_may_read_the_other_metrics_of_the_task():
    options = {"evaluator": {"name": "train", "recipe": {"epochs": 1}}, "store": "memory"}
    env = gym.make("NAS-v0", task="diabetes", reward=Precise(), horizon=2, **options)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(0)
    rmse = env.unwrapped.evaluate(info["architecture"]).metrics["rmse"]
    assert reward == -rmse / 100
    assert env.unwrapped.reward.config() == {"name": f"{__name__}:Precise"}
    with pytest.raises(NASGymError, match=r"raised KeyError .*rmse.* for before=None, after=an evaluation"):
        gym.make("NAS-v0", task="breast_cancer", reward=Precise(), **options)


def test_the_metrics_that_a_reward_is_tried_on_are_plausible():
    task = make_task("diabetes")
    spread = float(task.target.scale[0])
    good, bad = (task.target.other_metrics(score) for score in (0.5, 0.25))
    assert list(good) == [one.name for one in task.target.others] == ["rmse", "mae"]
    assert 0 < good["mae"] < good["rmse"] < bad["rmse"] < spread
    assert make_task("breast_cancer").target.other_metrics(0.5) == {}


class Batched:
    needs_before = False

    def __init__(self, batch=lambda before, after, done: after**2):
        self.batch = batch
        self.calls = 0

    def __call__(self, before, after, done):
        self.calls += 1
        return after**2


def test_a_batch_form_of_scores_is_asked_once_a_step():
    reward = Batched()
    envs = gym.make_vec("NASTable-MLP-v0", num_envs=4, reward=reward)
    envs.reset(seed=0)
    _, rewards, _, _, info = envs.step(np.zeros(4, dtype=int))
    assert rewards.tolist() == (info["score"] ** 2).tolist()
    assert reward.calls == 0


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (3, "batch of the reward .* must be a function"),
        (lambda before, after, done: after, "returned .* where single calls return .*: make both pay alike"),
        (lambda before, after, done: after[:1], "for 2 steps: return one finite number for each"),
        (lambda before, after, done: after / 0 * np.nan, "for 2 steps: return one finite number for each"),
        (lambda before, after, done: after.nothing, "raised AttributeError .* for 2 steps"),
    ],
    ids=["no function", "another", "fewer", "not finite", "raises"],
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_a_batch_form_that_does_not_fit_is_refused(batch, message):
    with pytest.raises(NASGymError, match=message) as caught:
        make_reward(Batched(batch))
    assert "\n" not in str(caught.value)


def test_a_batch_form_of_a_class_below_does_not_pay_for_a_new_call():
    class Doubled(Smaller):
        def __call__(self, before, after, done):
            return 2 * super().__call__(before, after, done)

    one, other = (Evaluation("", score, (), 10, 10, 1.0, "ok", "", (0,)) for score in (0.25, 0.75))
    seen = np.array([one], dtype=object), np.array([other], dtype=object), np.array([False])
    assert make_reward(Smaller()).batch(*seen).tolist() == [0.5]
    assert make_reward(Doubled()).batch(*seen).tolist() == [1.0]
