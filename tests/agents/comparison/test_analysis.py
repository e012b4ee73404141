"""Rankings, intervals and verdicts from runs that are made up, so that what is right is known."""

import numpy as np
import pytest
from nas_agents.comparison.across import compare_across
from nas_agents.comparison.analysis import analyse, summarise
from nas_agents.comparison.curves import by_evaluations, by_seconds
from nas_agents.comparison.records import Run
from nas_agents.comparison.significance import holm, permutation_test
from nas_agents.comparison.statistics import IQM
from nas_agents.comparison.verdict import found, reach_of_runs, reach_of_tasks

from tests.helpers.comparison_runs import field, made_up, on_a_table


def test_the_incumbent_is_the_best_so_far_and_a_run_that_ended_keeps_it():
    runs = [made_up("a", 0, 0.5, (0.2, 0.5, 0.4, 0.6)), made_up("a", 1, 0.5, (0.4, 0.3))]
    curve = by_evaluations(runs, seed=0)
    assert curve.x.tolist() == [1, 2, 3, 4]
    assert curve.value == pytest.approx([0.3, 0.45, 0.45, 0.5])
    assert (curve.lower <= curve.value).all()
    assert (curve.value <= curve.upper).all()


def test_the_curve_over_seconds_starts_where_every_run_has_an_incumbent():
    runs = [made_up("a", 0, 0.5, (0.2, 0.6), (1.0, 2.0)), made_up("a", 1, 0.5, (0.4, 0.5), (2.0, 2.0))]
    curve = by_seconds(runs, seed=0)
    assert (curve.x[0], curve.x[-1]) == (2.0, 4.0)
    assert curve.value[0] == pytest.approx((0.2 + 0.4) / 2)
    assert curve.value[np.searchsorted(curve.x, 3.01)] == pytest.approx((0.6 + 0.4) / 2)
    assert curve.value[-1] == pytest.approx((0.6 + 0.5) / 2)


def test_the_curve_of_a_search_on_shared_weights_is_its_end():
    """Such a run has its first score when all is spent, and none before."""
    spent = [{"shares": np.array([share]), "access": "gradient"} for share in (19.4, 20.0)]
    curve = by_evaluations([made_up("a", seed, 0.5, (0.3,), **spent[seed]) for seed in (0, 1)], seed=0)
    assert (curve.x.tolist(), curve.value.tolist()) == ([20], [0.3])
    finalists = made_up("a", 0, 0.5, (0.2, 0.3, 0.1), shares=np.array([18.0, 1.0, 1.0]))
    assert by_evaluations([finalists], seed=0).x.tolist() == [18, 19, 20]
    assert by_evaluations([finalists], seed=0).value.tolist() == [0.2, 0.3, 0.3]


def test_long_curves_keep_their_first_and_last_evaluation():
    curve = by_evaluations([made_up("a", 0, 0.5, np.linspace(0, 1, 5000))], seed=0)
    assert (curve.x[0], curve.x[-1], len(curve.x)) == (1, 5000, 300)
    assert curve.value[-1] == 1.0


def test_agents_are_ranked_by_test_scores_whatever_the_search_saw():
    runs = [made_up("lucky", seed, 0.5, (0.99,)) for seed in range(4)]
    runs += [made_up("good", seed, 0.6, (0.61,)) for seed in range(4)]
    ranked = analyse(runs).agents
    assert [row.agent for row in ranked] == ["good", "lucky"]
    assert ranked[1].seen.value == pytest.approx(0.99)


def test_a_summary_counts_effort_failures_and_early_ends():
    runs = [
        made_up("a", 0, 0.5, (0.1, 0.2), (1.0, 2.0), failed=1),
        made_up("a", 1, 0.7, (0.1, 0.2, 0.3, 0.4), (1.0, 1.0, 1.0, 2.0), stopped="space exhausted"),
    ]
    row = summarise(runs)
    assert (row.runs, row.evaluations, row.seconds, row.failed, row.early) == (2, 3.0, 4.0, 1, 1)


def test_the_network_shown_is_chosen_by_validation_and_not_by_test():
    runs = [made_up("a", 0, 0.9, validation=0.5), made_up("a", 1, 0.6, validation=0.7)]
    row = summarise(runs)
    assert (row.architecture, row.architecture_test) == ("relu-1", 0.6)


def test_pairs_are_tested_on_the_test_scores_and_corrected_together():
    comparison = analyse(field(("a", "b", "c")))
    scores = {agent: np.array(values) for agent, values in comparison.scores.items()}
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [("c", "b"), ("c", "a"), ("b", "a")]
    p = [permutation_test(scores[pair.first], scores[pair.second], 0, IQM).p for pair in comparison.pairs]
    assert [pair.p for pair in comparison.pairs] == p
    assert not any(pair.paired for pair in comparison.pairs)
    assert [pair.adjusted for pair in comparison.pairs] == pytest.approx(holm(p))
    assert all(pair.significant for pair in comparison.pairs)
    assert comparison.omnibus < 0.01


def test_the_same_runs_give_the_same_report():
    assert analyse(field()).as_dict() == analyse(field()).as_dict()


def test_the_verdict_names_the_better_of_each_pair():
    comparison = analyse(field(("a", "b")))
    assert found(comparison.pairs) == "Significant at 5% after Holm's correction: b above a."
    assert found([]) == "No two agents differ significantly at 5% after Holm's correction."


def test_too_few_seeds_are_named_with_the_number_that_could():
    text = reach_of_runs([3, 3, 3, 3, 3])
    assert "With 3 seeds per agent the smallest p-value a test can reach is 0.1" in text
    assert "0.005 for 10 tests: no difference can be significant" in text
    assert text.endswith("6 seeds per agent could show one.")


def test_enough_seeds_are_said_to_be_enough():
    assert reach_of_runs([6] * 5).endswith("a large enough difference would be found.")
    assert "With 4 seeds per agent a test can reach p = 0.029" in reach_of_runs([4, 4])


def test_of_unequal_runs_only_the_tests_that_lack_runs_are_said_to_show_nothing():
    text = reach_of_runs([10, 3, 2])
    assert "fewest finished runs (2 and 3)" in text
    assert "1 of the tests cannot be significant however large the difference is" in text
    none = reach_of_runs([4, 3, 2])
    assert "Even between the agents with the most finished runs (3 and 4)" in none
    assert "no difference can be significant" in none
    # 8 runs against 2 pass the second of Holm's thresholds, though not the strictest.
    later = reach_of_runs([8, 2, 8])
    assert "above Holm's strictest threshold 0.017" in later
    assert "a difference between them can be significant only where others are, too" in later


def test_no_verdict_denies_what_its_tests_found():
    good, bad = (np.linspace(score, score + 0.01, 8) for score in (0.9, 0.5))
    runs = [made_up("good", seed, score) for seed, score in enumerate(good)]
    runs += [made_up("bad", seed, score) for seed, score in enumerate(bad)]
    runs += [made_up("few", seed, score) for seed, score in enumerate(bad[:2] - 0.2)]
    comparison = analyse(runs)
    assert "good above bad" in comparison.verdict[0]
    assert "no difference can be significant" not in comparison.verdict[1]


def test_agents_of_the_same_estimate_share_a_rank():
    runs = [
        made_up(name, seed, score) for name, score in (("a", 0.5), ("b", 0.7), ("c", 0.7)) for seed in (0, 1)
    ]
    comparison = analyse([*runs, made_up("d", 0, 0.4), made_up("d", 1, 0.4)])
    assert [row.agent for row in comparison.agents] == ["b", "c", "a", "d"]
    assert comparison.ranks == (1, 1, 3, 4)


def over_tasks(tasks, lead=0.05):
    return {f"task-{number}": field(("a", "b", "c"), 3, lead, number) for number in range(tasks)}


def test_few_tasks_are_ranked_without_tests():
    across = compare_across(over_tasks(2))
    assert [row.agent for row in across.agents] == ["c", "b", "a"]
    assert [row.rank for row in across.agents] == [1.0, 2.0, 3.0]
    assert across.omnibus is None
    assert all(pair.p is None and not pair.significant for pair in across.pairs)
    assert "at least 6 tasks, here are 2" in across.verdict[0]


def test_scores_over_tasks_are_above_guessing():
    runs = {
        "two": [made_up(agent, 0, 0.75, chance=0.5) for agent in "ab"],
        "ten": [made_up(agent, 0, 0.55, chance=0.1) for agent in "ab"],
    }
    assert compare_across(runs).agents[0].score.value == pytest.approx(0.5)


def test_eight_tasks_are_tested_by_sign_flips():
    across = compare_across(over_tasks(8))
    assert across.omnibus == pytest.approx(np.exp(-8))
    assert [pair.p for pair in across.pairs] == pytest.approx([2 / 2**8] * 3)
    assert all(pair["significant"] for pair in across.as_dict()["pairs"])
    assert across.verdict[1].startswith("With 8 tasks a sign-flip test can reach p = 0.0078")


def test_too_few_tasks_are_named_with_the_number_that_could():
    assert reach_of_tasks(6, 10).endswith("9 tasks could show one.")
    assert not any(pair.significant for pair in compare_across(over_tasks(6)).pairs)


def test_a_run_is_read_from_its_result():
    evaluation = {"score": 0.5, "seconds": 2.0, "status": "ok"}
    failed = {"score": 0.0, "seconds": 1.0, "status": "failed"}
    run = Run.from_result(
        {
            "label": "tpe",
            "access": "query",
            "seed": 3,
            "architecture": "relu-64",
            "test_score": 0.4,
            "validation_score": 0.45,
            "evaluations": [failed, evaluation, failed],
            "stopped": "budget",
            "metric_label": "accuracy",
            "classes": 4,
        }
    )
    assert (run.agent, run.seen, run.failed, run.chance) == ("tpe", 0.5, 2, 0.25)
    assert run.elapsed.tolist() == [1.0, 3.0, 4.0]
    assert run.incumbents.tolist() == [0.0, 0.5, 0.5]


def test_regret_is_read_from_the_evaluations_at_which_the_incumbent_changed():
    evaluation = {"score": 0.5, "seconds": 2.0, "status": "ok", "fidelity": None}
    result = {
        "label": "tpe",
        "access": "query",
        "seed": 3,
        "architecture": "relu-64",
        "test_score": 0.4,
        "validation_score": 0.45,
        "evaluations": [evaluation] * 4,
        "charges": [2.0, 0.5, 2.0, 0.0],
        "stopped": "budget",
        "metric_label": "accuracy",
        "classes": 4,
        "incumbents": [{"evaluation": 1, "regret": 0.2}, {"evaluation": 3, "regret": 0.0}],
    }
    run = Run.from_result(result)
    assert run.regrets.tolist() == [0.2, 0.2, 0.0, 0.0]
    assert run.elapsed.tolist() == [2.0, 2.5, 4.5, 4.5]
    assert (run.regret, run.evaluations_to_optimum, run.score) == (0.0, 3, 0.45)


def test_the_incumbent_of_a_higher_fidelity_takes_the_place_of_a_better_looking_one():
    fidelities = np.array([1.0, 1.0, -1.0, 3.0, 1.0, np.inf, 3.0])
    run = made_up("a", 0, 0.5, (0.6, 0.8, 0.0, 0.5, 0.9, 0.4, 0.7), fidelities=fidelities)
    assert run.incumbents.tolist() == [0.6, 0.8, 0.8, 0.5, 0.5, 0.4, 0.4]
    assert run.seen == 0.4


def test_on_a_table_agents_are_ranked_by_mean_regret_to_the_optimum():
    runs = [made_up("even", seed, 0.5, validation=0.88, regrets=np.full(3, 0.02)) for seed in range(4)]
    for seed, regret in enumerate((0.0, 0.0, 0.0, 0.2)):
        regrets = np.array([0.3, regret, regret])
        runs.append(made_up("mixed", seed, 0.6, validation=0.9 - regret, regrets=regrets))
    comparison = analyse(runs)
    even, mixed = comparison.agents
    assert (even.agent, mixed.agent) == ("even", "mixed")
    assert (even.regret.value, mixed.regret.value) == pytest.approx((0.02, 0.05))
    assert (even.optimal, mixed.optimal) == (0.0, 0.75)
    assert (even.evaluations_to_optimum, mixed.evaluations_to_optimum) == (None, 2)
    (pair,) = comparison.pairs
    assert pair.difference == pytest.approx(0.03)
    assert comparison.scores["mixed"] == pytest.approx([0.9, 0.9, 0.9, 0.7])
    assert comparison.tests["mixed"] == [0.6] * 4


def test_regret_curves_are_means_with_bands():
    comparison = analyse(on_a_table(seeds=4))
    runs = [run for run in on_a_table(seeds=4) if run.agent == "tpe"]
    curve = comparison.evaluation_regrets["tpe"]
    assert curve.value == pytest.approx(np.mean([run.regrets for run in runs], axis=0))
    assert (curve.lower <= curve.value + 1e-12).all()
    assert (curve.value <= curve.upper + 1e-12).all()
    timed = comparison.second_regrets["tpe"]
    assert timed.value[-1] == 0
    assert timed.x[0] == max(run.elapsed[0] for run in runs)
    assert analyse(field()).evaluation_regrets == {}
