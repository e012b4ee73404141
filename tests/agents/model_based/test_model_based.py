"""The model-based agent: how it searches, and the policy it hands out."""

from __future__ import annotations

import numpy as np
import pytest
from nas_agents import make_agent
from nas_agents.model_based.agent import ModelBased
from nas_agents.model_based.planning import PLANNED_EDITS, PlannedPolicy, simulate
from nas_agents.model_based.reward_model import expected_improvement
from scipy import stats

from nas_gym.errors import NASGymError
from nas_gym.search_spaces import make_search_space
from nas_gym.traces import State, load_policy
from tests.helpers.environments import environment, hash_of, relu_layers, scattered, texts
from tests.helpers.fakes import SMALL

WORTH = {"none": -0.1, "skip_connect": 0.05, "nor_conv_1x1": 0.06, "nor_conv_3x3": 0.1, "avg_pool_3x3": 0.0}


def smooth_cells(architecture, seed):
    """Additive over edges, with a little of everything else; best is all nor_conv_3x3."""
    noise = hash_of(str(architecture)) % 997 / 997
    return 0.3 + sum(WORTH[operation] for operation in architecture.edges) + 0.02 * noise


def search(env, budget, seed=0, **hyperparameters):
    return ModelBased(**hyperparameters).search(env, budget, seed)


def test_it_finds_the_best_cell_of_a_smooth_landscape_far_sooner_than_evolution():
    def evaluations(agent, seed):
        found = agent.search(environment(smooth_cells, space="cell"), 60, seed).evaluations
        best = max(found, key=lambda evaluation: evaluation.score)
        return best.score, found.index(best)

    model = [evaluations(ModelBased(), seed) for seed in range(3)]
    evolution = [evaluations(make_agent("evolution"), seed) for seed in range(3)]
    assert min(score for score, _ in model) > 0.89
    assert np.mean([score for score, _ in evolution]) < 0.87


def test_no_architecture_is_asked_for_twice():
    for space, budget in (("cell", 40), ("conv", 14)):
        asked = texts(search(environment(scattered, space=space), budget))
        assert len(set(asked)) == len(asked) == budget


def test_the_first_designs_are_uniform_whatever_they_earn():
    first = texts(search(environment(scattered, space="cell"), 10, seed=3))
    assert texts(search(environment(smooth_cells, space="cell"), 10, seed=3)) == first


def test_every_near_th_evaluation_is_one_edit_from_the_best_known():
    env = environment(smooth_cells, space="cell")
    space = env.unwrapped.search_space
    found = search(env, 31).evaluations
    for number in range(12, 31, 3):
        best = max(found[:number], key=lambda evaluation: evaluation.score)
        around = {str(each) for each in space.neighbours(space.parse(best.architecture))}
        if around - {each.architecture for each in found[:number]}:
            assert found[number].architecture in around


def flat(architecture, seed):
    return 0.5


@pytest.mark.parametrize(("patience", "models"), [(0, 1), (5, 3)])
def test_after_stagnation_a_fresh_model_begins_and_the_policy_still_knows_everything(
    patience, models, monkeypatch
):
    made, make = [], ModelBased.model
    monkeypatch.setattr(ModelBased, "model", lambda *args: made.append(make(*args)) or made[-1])
    # 4 designs and 5 plans an attempt.
    result = search(environment(flat, space="cell"), 24, first=4, patience=patience)
    assert len(made) == models
    assert len(set(texts(result))) == len(made[0].targets) == 24
    if patience:
        # What the last attempt planned may have been evaluated before, and is known for nothing.
        assert 24 - 2 * 9 <= len(made[-1].targets) < 24


@pytest.mark.parametrize("hyperparameters", [{}, {"listed": 0}, {"near": 0}, {"listed": 0, "near": 0}])
def test_a_small_space_is_exhausted_by_every_kind_of_plan(hyperparameters):
    result = search(environment(), 20, **hyperparameters)
    assert result.stopped == "space exhausted"
    assert len(result.evaluations) == 14


def test_walks_on_the_model_find_what_a_list_would():
    listed = search(environment(relu_layers, space="mlp"), 30)
    walked = search(environment(relu_layers, space="mlp"), 30, listed=0)
    assert listed.score == walked.score == 1.0


def test_one_evaluation_is_a_search():
    assert len(search(environment(), 1).evaluations) == 1
    assert len(search(environment(), 4, first=1).evaluations) == 4


def test_a_short_memory_is_survived():
    assert len(search(environment(scattered, space="cell"), 40, memory=12).evaluations) == 40


def test_the_number_of_threads_changes_nothing():
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        one = search(environment(scattered, space="cell"), 40)
    with threadpool_limits(limits=2):
        assert search(environment(scattered, space="cell"), 40) == one


def test_expected_improvement_is_the_expectation_of_what_exceeds_the_best():
    mean, deviation, best = np.array([0.0, 1.0, -2.0]), np.array([1.0, 0.5, 2.0]), 0.7
    draws = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    gains = np.maximum(0, mean[:, None] + deviation[:, None] * draws - best).mean(axis=1)
    assert expected_improvement((mean, deviation), best) == pytest.approx(gains, rel=1e-3)


@pytest.mark.parametrize(
    ("hyperparameter", "value"),
    [
        ("first", 0),
        ("noise", 0),
        ("smoothness", -1),
        ("near", -1),
        ("patience", -1),
        ("growth", 1),
        ("memory", 1),
        ("listed", 0.5),
        ("steps", 0),
        ("gamma", 1),
    ],
)
def test_a_hyperparameter_out_of_range_is_refused_by_name(hyperparameter, value):
    with pytest.raises(NASGymError, match=hyperparameter):
        ModelBased(**{hyperparameter: value})


def test_simulated_edits_climb_and_judge_only_what_they_meet():
    space = make_search_space("cell", (1, 16), 2)
    start = space.smallest()
    judged = []

    def judge(architectures):
        judged.extend(architectures)
        return np.array([smooth_cells(each, 0) for each in architectures])

    met = simulate(space, [start, start], judge, steps=6, edits=1000, rng=np.random.default_rng(0))
    assert max(met, key=met.__getitem__).edges == ("nor_conv_3x3",) * 6
    assert len(judged) == len(set(judged)) == len(met)
    short = simulate(space, [start], judge, steps=1, edits=5, rng=np.random.default_rng(0))
    assert set(short) <= {start, *space.neighbours(start)}
    assert len(short) == 6


def scores(architectures):
    return np.array([scattered(each, 0) for each in architectures])


def test_q_values_are_those_of_plans_on_the_model():
    space, gamma = make_search_space(SMALL, (1, 16), 2), 0.8
    policy = PlannedPolicy(space, scores, gamma, list)
    states = [State(architecture) for architecture in space]
    masks = np.array([space.mask(architecture) for architecture in space])
    q = policy.scores(states, masks)

    def plan(architecture, edits):
        """The best return of a greedy plan of at most so many edits that then stays."""
        r = scattered(architecture, 0)
        stay = r / (1 - gamma)
        if edits == 0:
            return stay
        after = max(space.neighbours(architecture), key=lambda each: scattered(each, 0))
        return max(stay, r + gamma * plan(after, edits - 1))

    for row, state in enumerate(states):
        for action in np.flatnonzero(masks[row]):
            after = space.apply(state.architecture, int(action))
            assert q[row, action] == pytest.approx(plan(after, PLANNED_EDITS))


def test_planned_q_values_never_exceed_the_optimal_ones_and_agree_at_the_best():
    space, gamma = make_search_space(SMALL, (1, 16), 2), 0.8
    architectures = list(space)
    r = scores(architectures)
    masks = np.array([space.mask(architecture) for architecture in architectures])
    after = np.array([[space.index(space.apply(s, a)) for a in range(masks.shape[1])] for s in architectures])
    v = np.zeros(len(architectures))
    for _ in range(300):
        optimal = r[after] + gamma * v[after]
        v = np.where(masks, optimal, -np.inf).max(axis=1)
    q = PlannedPolicy(space, scores, gamma, list).scores([State(s) for s in architectures], masks)
    assert (q[masks] <= optimal[masks] + 1e-9).all()
    best = int(r.argmax())
    assert q[best, 0] == pytest.approx(optimal[best, 0])


def test_the_policy_that_is_handed_out_prefers_better_edits_and_is_saved(tmp_path):
    env = environment(smooth_cells, space="cell")
    space = env.unwrapped.search_space
    result = search(env, 40)
    best = space.parse(result.architecture)
    state, mask = State(best), space.mask(best)
    (scores,) = result.policy.scores([state], mask[None])
    worst = [a for a in np.flatnonzero(mask) if space.actions[a].kind == "remove"]
    assert scores[0] > max(scores[worst])

    result.policy.save(tmp_path / "policy.npz")
    loaded = load_policy(tmp_path / "policy.npz", space)
    assert loaded.kind == result.policy.kind == "q_values"
    assert loaded.scores([state], mask[None])[0][mask] == pytest.approx(scores[mask])
