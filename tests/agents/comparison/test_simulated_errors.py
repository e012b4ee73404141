"""How often intervals hold the truth and tests are wrong, by simulation where the truth is known.

Every kind of interval that a comparison prints is here, and what its report says about coverage. The
whole takes minutes (`make slow`); `test_statistics.py` and `test_significance.py` hold short forms of it.
Printed with `pytest -m slow -s tests/agents/comparison/test_simulated_errors.py`.
"""

from functools import cache

import numpy as np
import pytest
from nas_agents.comparison import significance
from nas_agents.comparison.significance import permutation_test, sign_flip_test
from nas_agents.comparison.statistics import IQM, MEAN, improvement_interval, share_interval
from scipy import stats

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TRIALS = 1000
# Rearrangements of the simulated tests: fewer than of real ones, which makes no test less valid.
REARRANGEMENTS = 1999
DRAWN = 4_000_000


def mostly(zeros):
    return lambda rng, n: np.where(rng.random(n) < zeros, 0.0, rng.exponential(size=n))


KINDS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed": lambda rng, n: rng.exponential(size=n),
    "half at 0": mostly(0.5),
    "four of five at 0": mostly(0.8),
    "few values": lambda rng, n: np.where(rng.random(n) < 0.8, 0.0, rng.choice([0.2, 0.4, 1, 3], size=n)),
    "one of seven fails": lambda rng, n: np.where(rng.random(n) < 0.15, -20.0, rng.normal(size=n)),
}


@pytest.fixture(autouse=True)
def fewer_rearrangements(monkeypatch):
    monkeypatch.setattr(significance, "PERMUTATIONS", REARRANGEMENTS)
    monkeypatch.setattr(significance, "EXACT_LIMIT", REARRANGEMENTS)
    yield
    significance._divisions.cache_clear()
    significance._flips.cache_clear()


@cache
def truth(kind, estimand):
    return float(estimand.of(KINDS[kind](np.random.default_rng(0), DRAWN)))


def covered(kind, runs, estimand, trials=TRIALS):
    rng, true = np.random.default_rng([runs, 3]), truth(kind, estimand)
    intervals = (estimand.interval([KINDS[kind](rng, runs)], 0) for _ in range(trials))
    return np.mean([each.lower - 1e-9 <= true <= each.upper + 1e-9 for each in intervals])


def wrong(kinds, runs, scales, estimand, *, paired=False, shared=0.0, trials=TRIALS, lead=0.0):
    """The share of tests with a p-value of at most .05; of false ones where `lead` is 0."""
    rng, found = np.random.default_rng([*runs, 5]), 0
    for _ in range(trials):
        common = shared * rng.normal(size=max(runs))
        x, y = (
            scale * (KINDS[kind](rng, n) - truth(kind, estimand)) + common[:n]
            for kind, n, scale in zip(kinds, runs, scales, strict=True)
        )
        found += permutation_test(x + lead, y, 0, estimand, paired=paired).p <= 0.05
    return found / trials


def said(what, share):
    print(f"{what}: {share:.3f}")
    return share


@pytest.mark.parametrize("runs", [2, 3, 4, 5, 10, 20, 50])
@pytest.mark.parametrize(
    ("kind", "estimand", "least"),
    [
        ("normal", MEAN, 0.93),
        ("skewed", MEAN, 0.86),
        ("normal", IQM, 0.93),
        ("skewed", IQM, 0.88),
    ],
)
def test_intervals_of_few_runs(kind, estimand, least, runs):
    assert said(f"{estimand.name}, {kind}, {runs} runs", covered(kind, runs, estimand)) >= least


@pytest.mark.parametrize("runs", [3, 5, 10, 20, 50])
@pytest.mark.parametrize("kind", ["half at 0", "one of seven fails"])
def test_intervals_of_the_interquartile_mean_of_ties_and_failures(kind, runs):
    share = said(f"interquartile mean, {kind}, {runs} runs", covered(kind, runs, IQM))
    # Three runs at 0 of a kind of which half are tell nothing.
    assert share >= (0.75 if runs == 3 else 0.88)


@pytest.mark.parametrize("kind", ["four of five at 0", "few values"])
@pytest.mark.parametrize(("runs", "least"), [(10, 0.70), (20, 0.87), (50, 0.92), (100, 0.93)])
def test_intervals_of_a_mean_regret_that_is_mostly_0(kind, runs, least):
    assert said(f"mean, {kind}, {runs} runs", covered(kind, runs, MEAN)) >= least


@pytest.mark.parametrize("runs", [3, 10, 50])
@pytest.mark.parametrize("estimand", [MEAN, IQM])
def test_bands_of_curves_point_by_point(estimand, runs):
    rng, held = np.random.default_rng(2), []
    for _ in range(300):
        _, lower, upper = estimand.curve(np.cumsum(rng.normal(size=(runs, 20)), axis=1), 0)
        held.append((lower <= 0) & (upper >= 0))
    assert said(f"band of the {estimand.name}, {runs} runs", np.mean(held)) >= 0.92


@pytest.mark.parametrize(("tasks", "runs"), [(2, 3), (6, 3), (6, 10), (12, 5)])
@pytest.mark.parametrize("estimand", [MEAN, IQM])
def test_intervals_over_tasks(estimand, tasks, runs):
    rng = np.random.default_rng(4)
    intervals = (estimand.interval([rng.normal(size=runs) for _ in range(tasks)], 0) for _ in range(TRIALS))
    share = np.mean([each.lower <= 0 <= each.upper for each in intervals])
    assert said(f"{tasks} tasks, {estimand.name}, {runs} runs", share) >= 0.92


@pytest.mark.parametrize(("n", "m"), [(3, 3), (5, 5), (10, 10), (15, 5), (50, 50)])
@pytest.mark.parametrize(("lead", "scale"), [(0, 1), (0, 3), (1, 1), (2, 1), (3, 1)])
def test_intervals_of_the_probability_of_improvement(n, m, lead, scale):
    rng, true = np.random.default_rng(1), stats.norm.cdf(lead / np.hypot(1, scale))
    intervals = [
        improvement_interval([rng.normal(lead, 1, n)], [rng.normal(0, scale, m)]) for _ in range(TRIALS)
    ]
    share = np.mean([each.lower <= true <= each.upper for each in intervals])
    assert said(f"P(better) {true:.2f}, scale {scale}, {n} and {m} runs", share) >= 0.84


@pytest.mark.parametrize("runs", [5, 10, 50])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.95])
def test_intervals_of_the_share_at_the_optimum(runs, share):
    counts = np.random.default_rng(0).binomial(runs, share, size=TRIALS)
    known = {count: share_interval(int(count), runs) for count in set(counts.tolist())}
    held = np.mean([known[count].lower <= share <= known[count].upper for count in counts.tolist()])
    assert said(f"share {share}, {runs} runs", held) >= 0.82


@pytest.mark.parametrize("estimand", [MEAN, IQM])
@pytest.mark.parametrize("runs", [(3, 3), (5, 5), (10, 10), (15, 5), (30, 30)])
@pytest.mark.parametrize("kind", ["normal", "skewed", "four of five at 0", "one of seven fails"])
def test_tests_between_agents_that_are_alike(kind, runs, estimand):
    share = wrong((kind, kind), runs, (1, 1), estimand, trials=400)
    assert said(f"test of {estimand.name}s, {kind}, {runs}", share) <= 0.075


@pytest.mark.parametrize("estimand", [MEAN, IQM])
@pytest.mark.parametrize("scale", [3, 10])
@pytest.mark.parametrize("runs", [(15, 5), (5, 15), (10, 10), (5, 5), (10, 3), (20, 10)])
def test_tests_between_agents_of_unequal_spread_and_runs(runs, scale, estimand):
    share = wrong(("normal", "normal"), runs, (1, scale), estimand, trials=400)
    assert said(f"test of {estimand.name}s, spread 1 and {scale}, {runs}", share) <= 0.09


@pytest.mark.parametrize("runs", [(20, 20), (40, 40), (15, 5)])
def test_an_agent_that_sometimes_fails_is_not_taken_for_a_worse_one_by_its_middle_half(runs):
    share = wrong(("normal", "one of seven fails"), runs, (1, 1), IQM, trials=400)
    assert said(f"test of interquartile means, one fails, {runs}", share) <= 0.075


@pytest.mark.parametrize("estimand", [MEAN, IQM])
@pytest.mark.parametrize("shared", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["normal", "skewed", "one of seven fails"])
def test_tests_in_pairs_whether_runs_of_a_seed_share_anything_or_not(kind, shared, estimand):
    runs, kinds = (10, 10), (kind, kind)
    share = wrong(kinds, runs, (1, 1), estimand, paired=True, shared=shared, trials=400)
    assert said(f"paired test of {estimand.name}s, {kind}, shared {shared}", share) <= 0.075


@pytest.mark.parametrize("estimand", [MEAN, IQM])
def test_pairs_show_more_where_runs_of_a_seed_share_draws(estimand):
    paired, independent = (
        wrong(("normal",) * 2, (10, 10), (1, 1), estimand, paired=paired, shared=1, lead=1, trials=400)
        for paired in (True, False)
    )
    said(f"power in pairs, {estimand.name}", paired)
    assert paired > said(f"power of independent runs, {estimand.name}", independent) + 0.1


@pytest.mark.parametrize(("runs", "least"), [(5, 0.5), (10, 0.9)])
def test_a_lead_of_two_deviations_is_found(runs, least):
    for estimand in (MEAN, IQM):
        power = wrong(("normal",) * 2, (runs, runs), (1, 1), estimand, lead=2, trials=400)
        assert said(f"power of {estimand.name}s, lead 2, {runs} runs", power) >= least


@pytest.mark.parametrize("tasks", [6, 10, 15])
def test_tests_over_tasks(tasks):
    rng = np.random.default_rng(6)
    for uneven in (0, 1):
        draws = rng.normal(size=(TRIALS, tasks)) * np.exp(uneven * rng.normal(size=(TRIALS, tasks)))
        share = np.mean([sign_flip_test(each, 0).p <= 0.05 for each in draws])
        assert said(f"sign flips over {tasks} tasks, uneven {uneven}", share) <= 0.075
