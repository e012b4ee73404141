"""What half of a cost would lose: the best network seen within it, and the front."""

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import make_agent

from nas_gym.explain import Settings, explain, read_evidence
from nas_gym.explain.sections.costs.analysis import Half, change_for_new
from nas_gym.explain.sections.costs.section import COSTS
from nas_gym.traces import Trace

MLP = {"name": "table", "benchmark": "mlp"}


def explained(folder, reward, agent="nsga2", env_id="NASTable-MLP-v0", **options):
    env = Trace(gym.make(env_id, reward=reward, **options), folder, agent=agent)
    result = make_agent(agent).search(env, 60, 0)
    env.finish(result.as_dict())
    return COSTS(read_evidence(folder), Settings()), result


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    reward = {"name": "linear", "objectives": ["score", "parameters", "flops"], "weights": [1, 0.05, 0.05]}
    return explained(tmp_path_factory.mktemp("runs") / "run", reward)


def test_the_chosen_network_is_the_one_that_the_reward_pays_most_for(found):
    section, result = found
    assert section.numbers["chosen"] == result.architecture
    assert result.score < max(one.score for one in result.evaluations)


def test_half_a_cost_is_answered_by_the_best_network_seen_within_it(found):
    section, result = found
    chosen = next(one for one in result.evaluations if one.architecture == result.architecture)
    for half in section.numbers["halves"]:
        limit = getattr(chosen, half["cost"]) / 2
        within = [one for one in result.evaluations if getattr(one, half["cost"]) <= limit]
        assert (half["limit"], half["within"]) == (limit, len(within))
        best = max((one.score for one in within), default=None)
        if best is None:
            assert half["network"] is None
        else:
            assert half["score"] == best
            assert half["loss"] == pytest.approx(chosen.score - best)
            assert half["loss_of_the_best_of_the_table"] <= half["loss"] + 1e-12
    assert len(section.answer) == 2
    assert all("half" in sentence.lower() for sentence in section.answer)


def test_the_table_is_the_front_of_what_was_seen(found):
    section, result = found
    (table,) = section.tables
    rows = [(one.score, -one.parameters, -one.flops) for one in result.evaluations]
    points = np.array(rows)
    kept = {
        one.architecture
        for one, point in zip(result.evaluations, points, strict=True)
        if not ((points >= point).all(axis=1) & (points > point).any(axis=1)).any()
    }
    assert {row[0] for row in table.rows} == kept
    sizes = [row[2] for row in table.rows]
    assert sizes == sorted(sizes)


def test_on_a_table_the_share_of_the_exact_front_is_said(found):
    section, _ = found
    share = section.numbers["share_of_hypervolume"]
    assert 0.3 < share <= 1
    assert any("hypervolume" in sentence for sentence in section.details)


def test_a_search_of_the_score_alone_is_told_of_what_is_counted(tmp_path):
    section, result = explained(tmp_path / "run", "score", agent="random")
    chosen = next(one for one in result.evaluations if one.architecture == result.architecture)
    assert [half["cost"] for half in section.numbers["halves"]] == ["parameters", "flops"]
    for half, sentence in zip(section.numbers["halves"], section.answer, strict=True):
        within = [one for one in result.evaluations if getattr(one, half["cost"]) <= half["limit"]]
        assert half["score"] == max(one.score for one in within)
        assert half["loss"] == pytest.approx(chosen.score - half["score"])
        assert "(95% interval)" in sentence
        assert half["loss_of_the_best_of_the_table"] is None
    assert section.numbers["share_of_hypervolume"] is None
    assert "looked at the score alone" in section.details[-1]


def test_the_doubt_of_half_a_cost_is_that_of_two_shares():
    class Counted:
        selects_on_test = False

        def examples(self):
            return 100, 10

    class Run:
        evaluator = Counted()

    class Networks:
        scores, chosen = np.array([0.9, 0.8]), 0

    half = Half(None, 1.0, 1, 0.1, 1)  # type: ignore[arg-type]
    low, high, count = change_for_new(Run(), Networks(), half)  # type: ignore[arg-type]
    # Agresti and Caffo: 91 of 102 and 81 of 102.
    assert count == 100
    assert low == pytest.approx(
        -0.09804 - 1.96 * np.sqrt(0.89216 * 0.10784 / 102 + 0.79412 * 0.20588 / 102), abs=1e-4
    )
    assert (low + high) / 2 == pytest.approx(-10 / 102)


def test_scores_of_no_networks_have_no_costs_that_are_known(tmp_path):
    function = {"name": "function", "function": "nas_gym.testing.agents:scattered"}
    section, _ = explained(tmp_path / "run", "score", "random", "NAS-v0", evaluator=function, store="memory")
    assert not section.is_applicable


def test_latency_is_a_cost_like_any_other(tmp_path):
    quick = {"warmup": 1, "repeats": 3, "rounds": 1}
    options = {"evaluator": MLP | {"latency": quick}, "objectives": ["score", "latency"], "store": "memory"}
    section, _ = explained(tmp_path / "run", "final", env_id="NASMultiObjective-v0", **options)
    (half,) = section.numbers["halves"]
    assert half["cost"] == "latency"
    assert half["limit"] > 0
    assert any("ms" in sentence for sentence in section.answer)


def test_a_policy_of_several_objectives_is_explained_by_the_first_of_them(tmp_path):
    env = Trace(
        gym.make("NASMultiObjective-v0", evaluator=MLP, horizon=5), tmp_path / "run", agent="preference-ppo"
    )
    env.finish(make_agent("preference-ppo").search(env, 20, 0).as_dict())
    explanation = explain(tmp_path / "run", budget=0, write=False)
    assert not explanation["costs"].withheld
    assert not explanation["policy"].withheld
    assert explanation["policy"].answer
