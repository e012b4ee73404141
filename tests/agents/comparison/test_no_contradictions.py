"""Two statements of one comparison never contradict each other: 200 comparisons that are made up."""

import re
from itertools import combinations

import numpy as np
import pytest
from nas_agents.comparison.across import compare_across
from nas_agents.comparison.analysis import analyse

from tests.helpers.comparison_runs import made_up

NAMES = ("random", "tpe", "evolution", "local-search", "ppo")


def scores_of(rng, runs):
    """Test scores of a kind that comparisons meet: skewed, tied, failing, or all the same."""
    level, kind = (
        rng.uniform(0.5, 0.9),
        rng.choice(["even", "skewed", "failing", "tied", "same", "few values"]),
    )
    if kind == "skewed":
        return level - 0.03 * rng.exponential(size=runs)
    if kind == "failing":
        return np.where(rng.random(runs) < rng.uniform(0.1, 0.6), 0.1, level + 0.01 * rng.normal(size=runs))
    if kind == "tied":
        return np.where(rng.random(runs) < 0.8, level, level - 0.1 * rng.random(runs))
    if kind == "few values":
        return rng.choice([0.6, 0.7, 0.9], size=runs)
    return np.full(runs, level) if kind == "same" else level + rng.uniform(0.001, 0.1) * rng.normal(size=runs)


def comparison_of(number):
    rng = np.random.default_rng(number)
    on_a_table, equal = rng.random() < 0.5, rng.random() < 0.5
    most, runs = int(rng.choice([1, 2, 3, 5, 10, 12, 25])), []
    for place, agent in enumerate(NAMES[: rng.integers(2, 6)]):
        count = most if equal else int(rng.integers(1, most + 1))
        for seed, score in enumerate(scores_of(rng, count).clip(0.05, 0.95)):
            access = "walk" if place % 2 else "query"
            regrets = np.array([0.5, 0.95 - score]).clip(0)
            table = {"regrets": regrets, "validation": score} if on_a_table else {}
            runs.append(made_up(agent, seed, score, (0.2, score), access=access, **table))
    return analyse(runs)


def above(sentence):
    return re.findall(r"(?:: |, )([\w-]+) above ([\w-]+)", sentence)


def check(comparison):
    order = [row.agent for row in comparison.agents]
    ranked_by = [row.regret or row.test for row in comparison.agents]
    values = [-each.value if comparison.has_regret else each.value for each in ranked_by]
    assert values == sorted(values, reverse=True)
    for each in ranked_by:
        assert each.lower <= each.value <= each.upper
    assert [(pair.first, pair.second) for pair in comparison.pairs] == list(combinations(order, 2))
    for pair in comparison.pairs:
        lead = values[order.index(pair.first)] - values[order.index(pair.second)]
        assert pair.difference == pytest.approx(lead, abs=1e-12)
        assert pair.difference >= 0
        assert 0 < pair.p <= pair.adjusted <= 1
        assert pair.significant == (pair.adjusted <= 0.05)
        assert not pair.significant or pair.difference > 0
        assert pair.improvement.lower <= pair.improvement.value <= pair.improvement.upper
        told = any(f"{pair.second} is ranked below {pair.first}, yet" in text for text in comparison.verdict)
        assert told == (pair.difference > 0 and pair.improvement.upper < 0.5)
    significant = [(pair.first, pair.second) for pair in comparison.pairs if pair.significant]
    assert above(comparison.verdict[0]) == significant
    assert comparison.verdict[0].startswith("No two agents") == (not significant)
    if "no difference can be significant" in comparison.verdict[1]:
        assert not significant


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=pytest.mark.slow if number >= 30 else ()) for number in range(200)]
)
def test_ranking_differences_verdict_and_intervals_agree(number):
    comparison = comparison_of(number)
    check(comparison)
    for alone in comparison.by_access().values():
        check(alone)


@pytest.mark.parametrize("number", range(20))
def test_ranking_and_tests_over_tasks_agree(number):
    rng = np.random.default_rng(number)
    runs = {
        f"task-{task}": [
            made_up(agent, seed, score)
            for agent in NAMES[:3]
            for seed, score in enumerate(scores_of(rng, 4).clip(0.05, 0.95))
        ]
        for task in range(int(rng.integers(2, 12)))
    }
    across = compare_across(runs)
    values = {row.agent: row.score.value for row in across.agents}
    assert list(values.values()) == sorted(values.values(), reverse=True)
    for pair in across.pairs:
        assert pair.difference == pytest.approx(values[pair.first] - values[pair.second])
        assert pair.difference >= 0
    assert above(across.verdict[0]) == [(p.first, p.second) for p in across.pairs if p.significant]


def test_the_agent_that_wins_more_often_and_loses_by_much_is_told_from_the_one_ranked_first():
    runs = []
    for seed in range(40):
        regret = 0.3 if seed % 4 == 0 else 0.001
        runs.append(made_up("risky", seed, 0.5, regrets=np.array([regret]), scores=(0.5,)))
        runs.append(made_up("even", seed, 0.5, regrets=np.array([0.002]), scores=(0.5,)))
    comparison = analyse(runs)
    assert [row.agent for row in comparison.agents] == ["even", "risky"]
    assert comparison.verdict[0].endswith("even above risky.")
    assert comparison.verdict[2].startswith(
        "risky is ranked below even, yet a run of it is more often the better"
    )
    assert "(75%)" in comparison.verdict[2]


def test_failing_runs_do_not_make_the_agent_ranked_first_the_significantly_worse_one():
    good = [0.905 + 0.0001 * seed for seed in range(24)]
    runs = [made_up("mostly", seed, 0.1 if seed < 6 else score) for seed, score in enumerate(good)]
    runs += [made_up("always", seed, score - 0.01) for seed, score in enumerate(good)]
    comparison = analyse(runs)
    assert comparison.agents[0].agent == "mostly"
    assert comparison.verdict[0] == "Significant at 5% after Holm's correction: mostly above always."
