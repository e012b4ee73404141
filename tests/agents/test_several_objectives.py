"""Agents that search for a front: NSGA-II, TPE, evolution, local search and the model-based one."""

import gymnasium as gym
import numpy as np
import optuna
import pytest
from nas_agents import AGENTS, NSGA2, TPE, Evolution, LocalSearch, ModelBased, RandomSearch, make_agent
from nas_agents.model_based.features import Features
from nas_agents.model_based.front import SURE, ChebyshevImprovement, FrontSearch, HypervolumeImprovement
from nas_agents.model_based.known_costs import KnownCosts
from nas_agents.pareto import preferences

import nas_gym  # noqa: F401 - registers the ids
from nas_gym import NASGymError
from nas_gym.envs import hypervolume, hypervolume_share, nondominated
from nas_gym.traces import Trace

QUERIES = [name for name in AGENTS if AGENTS[name].access == "query"]
FRONT_SEARCHERS = [
    NSGA2(),
    TPE(),
    Evolution(),
    LocalSearch(),
    LocalSearch(improvement="best"),
    ModelBased(),
    ModelBased(listed=0),
    ModelBased(acquisition="parego"),
]


def environment(benchmark="mlp", objectives=("score", "flops")):
    evaluator = {"name": "table", "benchmark": benchmark}
    return gym.make("NASMultiObjective-v0", objectives=objectives, evaluator=evaluator)


def share(agent, env, budget, seed, front):
    result = agent.search(env, budget, seed)
    return hypervolume_share(env.unwrapped.objectives.gains(result.evaluations), front)


@pytest.mark.parametrize("name", QUERIES)
def test_every_agent_that_asks_searches_several_objectives(name):
    env = environment()
    result = make_agent(name).search(env, 12, 0)
    assert len(result.evaluations) >= 1
    assert sum(result.shares) <= 12 + 1e-9
    again = make_agent(name).search(env, 12, 0)
    assert again == result
    full = [one for one in result.evaluations if one.fidelity is None] or result.evaluations
    assert result.score == max(one.score for one in full)


@pytest.mark.slow
@pytest.mark.parametrize("agent", FRONT_SEARCHERS, ids=str)
def test_more_of_the_front_is_found_than_by_random_search(agent):
    env = environment()
    front = np.array(env.unwrapped.pareto_front(gamma=1.0))
    seeds = range(3)
    found = np.median([share(agent, env, 60, seed, front) for seed in seeds])
    by_chance = np.median([share(RandomSearch(), env, 60, seed, front) for seed in seeds])
    assert found > by_chance + 0.03


@pytest.mark.parametrize("agent", [ModelBased(), Evolution(), LocalSearch(), NSGA2()], ids=str)
def test_three_objectives_are_searched_too(agent):
    env = environment(objectives=("score", "parameters", "flops"))
    result = agent.search(env, 30, 0)
    assert len(result.evaluations) == 30


def test_optuna_maximises_in_as_many_directions():
    studies = []

    class Watched(NSGA2):
        def suggest(self, study, session):
            studies.append(study)
            return super().suggest(study, session)

    Watched().search(environment(), 20, 0)
    assert [each.name for each in studies[0].directions] == ["MAXIMIZE", "MAXIMIZE"]
    told = [trial.values for trial in studies[0].trials if trial.state == optuna.trial.TrialState.COMPLETE]
    assert all(0 <= score <= 1 and -1 <= cost <= 0 for score, cost in told)


def test_preferred_is_the_better_front_then_the_one_with_more_room():
    gains = np.array([[0.0, 4.0], [1.0, 3.0], [1.1, 2.9], [4.0, 0.0], [0.5, 0.5], [0.0, 0.0]])
    found = preferences(gains)
    assert found[:4].min() > found[4] > found[5]
    assert found[0] == found[3] == found.max()
    assert found[1] != found[2]


def test_the_expected_hypervolume_improvement_is_what_draws_show():
    rng = np.random.default_rng(0)
    points = rng.random((8, 2))
    front, reference = points[nondominated(points)], np.array([-0.2, -0.1])
    means, deviations = rng.random((5, 2)), 0.05 + 0.3 * rng.random((5, 2))
    believed = [(means[:, column], deviations[:, column]) for column in (0, 1)]
    exact = HypervolumeImprovement(front, reference)(believed)
    before = hypervolume(front, reference)
    for mean, deviation, expected in zip(means, deviations, exact, strict=True):
        drawn = mean + deviation * rng.standard_normal((4000, 2))
        added = [hypervolume(np.concatenate([front, one[None]]), reference) - before for one in drawn]
        assert expected == pytest.approx(np.mean(added), abs=5 * np.std(added) / 4000**0.5)


def test_the_chebyshev_improvement_is_0_where_nothing_can_be_better():
    points = np.array([[0.0, 1.0], [1.0, 0.0]])
    ideal, extent, weights = np.ones(2), np.ones(2), np.array([0.5, 0.5])
    draws = np.random.default_rng(0).standard_normal((64, 2))
    judge = ChebyshevImprovement(points, ideal, extent, weights, draws)
    certain = np.full(2, 1e-9)
    believed = [(np.array([0.8, -1.0]), certain), (np.array([0.8, -1.0]), certain)]
    better, worse = judge(believed)
    # The best known distance is .5 + .05 * .5, that of the first .1 + .05 * .2.
    assert better == pytest.approx(0.525 - 0.11)
    assert worse == 0.0


def test_costs_are_known_without_an_evaluation_and_the_score_is_not():
    env = environment(objectives=("score", "parameters", "flops")).unwrapped
    space = env.search_space
    drawn = [space.sample(np.random.default_rng(seed)) for seed in range(20)]
    gains = env.objectives.gains(env.evaluator.evaluate_architectures(drawn))
    assert [each.is_known(env.evaluator) for each in env.objectives] == [False, True, True]
    costs = KnownCosts(env.objectives, env.evaluator, list(space))
    assert costs.columns == (1, 2)
    assert np.array_equal(costs.gains(drawn), gains[:, 1:])
    features = costs.features(list(space))
    assert features.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert features.std(axis=0) == pytest.approx([1, 1])


@pytest.mark.parametrize("listed", [0, 50_000])
def test_only_what_is_not_known_is_learned(listed):
    class Watched(FrontSearch):
        def run(self):
            learned.append(sorted(self._models.each))
            return super().run()

    class Agent(ModelBased):
        def run(self, session):
            Watched(self, session).run()

    learned = []
    Agent(listed=listed).search(environment(), 14, 0)
    assert learned == [[0]]


def test_what_is_known_is_judged_by_its_value_alone():
    front, reference = np.array([[0.5, -0.5]]), np.array([0.0, -1.0])
    sure = np.full(3, SURE)
    believed = [(np.array([0.7, 0.4, 0.7]), sure), (np.array([-0.2, -0.8, -0.8]), sure)]
    found = HypervolumeImprovement(front, reference)(believed)
    assert found == pytest.approx([0.7 * 0.8 - 0.25, 0.0, 0.2 * 0.2], abs=1e-6)


def test_costs_stand_among_the_features_of_the_score():
    space = environment().unwrapped.search_space
    drawn = [space.sample(np.random.default_rng(seed)) for seed in range(6)]
    costs = np.arange(12.0).reshape(6, 2)
    plain, sized = Features(space), Features(space, lambda asked: costs[: len(asked)], 2)
    matrix = sized.matrix(drawn)
    *others, columns = sized.groups()
    assert np.array_equal(matrix[:, columns.columns], costs)
    without = plain.matrix(drawn)
    for one, other in zip(plain.groups(), others, strict=True):
        assert np.array_equal(without[:, one.columns], matrix[:, other.columns])


@pytest.mark.parametrize("listed", [0, 50_000])
def test_equivalent_networks_share_what_the_score_is_learned_from_and_not_their_costs(listed):
    env = gym.make(
        "NASMultiObjective-v0",
        search_space="cell",
        objectives=("score", "flops"),
        evaluator={"name": "function", "function": lambda architecture: 0.5},
    )
    space = env.unwrapped.search_space
    # Nothing leads to node 1, so that what leaves it computes nothing.
    alike = [
        space.parse(f"|none~0|+|skip_connect~0|{unused}~1|+|skip_connect~0|none~1|none~2|")
        for unused in ("nor_conv_1x1", "nor_conv_3x3")
    ]
    assert len({space.isomorphism_class(each) for each in alike}) == 1
    found = {}

    class Watched(FrontSearch):
        def run(self):
            features = self._models.each[0].features
            found["matrix"], found["groups"] = features.matrix(alike), features.groups()
            return super().run()

    class Agent(ModelBased):
        def run(self, session):
            Watched(self, session).run()

    Agent(listed=listed).search(env, 10, 0)
    matrix = found["matrix"] if isinstance(found["matrix"], np.ndarray) else found["matrix"].toarray()
    choices, walks, costs = (matrix[:, group.columns] for group in found["groups"])
    assert np.array_equal(choices[0], choices[1])
    assert np.array_equal(walks[0], walks[1])
    assert not np.array_equal(costs[0], costs[1])


def test_an_unknown_acquisition_is_refused():
    with pytest.raises(NASGymError, match=r"unknown acquisition of several objectives 'ehv'.*'ehvi'"):
        ModelBased(acquisition="ehv")


def test_a_search_of_several_objectives_is_traced(tmp_path):
    env = Trace(environment(), tmp_path / "run")
    result = NSGA2().search(env, 20, 0)
    env.close()
    assert len((tmp_path / "run" / "trace.jsonl").read_text().splitlines()) > 20
    assert result.evaluations
