"""Two runs beside each other: what each found, where their policies differ, and whose edits are better."""

from __future__ import annotations

import itertools
import json
import shutil

import numpy as np
import pytest

from benchmarks.quality.explanations.planted_policies import from_depth_three, of_noise, optimal, space_of
from nas_gym.errors import NASGymError
from nas_gym.explain import Settings, read_evidence
from nas_gym.explain.methods.significance.sign_flip import sign_flips
from nas_gym.explain.sections.choices.section import explain_choices
from nas_gym.explain.sections.comparison.section import compare
from nas_gym.traces import TabularPolicy
from tests.helpers.explain.drawing import draw_all
from tests.helpers.explain.policy_runs import asked, environment, followed, learned


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    space = space_of()
    return {
        "best": followed(folder / "best", optimal(space, from_depth_three)),
        "noise": followed(folder / "noise", of_noise(space, 0)),
        "asked": asked(folder / "asked"),
    }


def test_the_better_policy_is_right_where_they_differ(runs):
    explanation = compare(runs["best"], runs["noise"])
    found = explanation["policies"].numbers
    assert found["agree"] < 0.5
    assert found["disagreements_judged"] == found["disagreements"] > 0
    # The best policy can be equalled by another edit, never beaten.
    assert found["won"][0] > 0.9
    assert found["won"][1] == 0.0
    assert found["right_more_often"]["p"] < 0.01
    assert found["worth_more"]["low"] > 0
    assert "right more often" in explanation["policies"].answer[0]
    turned = compare(runs["noise"], runs["best"])["policies"].numbers
    assert turned["won"][1] > 0.9
    assert turned["worth_more"]["mean"] == pytest.approx(-found["worth_more"]["mean"], rel=0.3)


def test_of_two_policies_that_mean_nothing_neither_is_right_more_often(tmp_path):
    first = followed(tmp_path / "first", of_noise(space_of(), 4))
    other = followed(tmp_path / "other", of_noise(space_of(), 5))
    section = compare(first, other)["policies"]
    assert section.numbers["right_more_often"]["p"] > 0.05
    assert section.numbers["worth_more"]["low"] < 0 < section.numbers["worth_more"]["high"]
    assert "could be luck" in section.answer[0]


def test_a_run_and_itself_give_one_sentence(runs):
    with pytest.raises(NASGymError, match="both folders are the run") as error:
        compare(runs["best"], runs["best"])
    assert "\n" not in str(error.value)


def test_a_policy_agrees_with_itself(runs, tmp_path):
    explanation = compare(runs["best"], shutil.copytree(runs["best"], tmp_path / "copy"))
    found = explanation["policies"].numbers
    assert found["agree"] == 1.0
    assert found["disagreements"] == 0
    assert "Both found the same network" in explanation["found"].answer[0]
    assert "(A)" in explanation.title


def test_where_they_differ_is_said_in_words(tmp_path):
    """The same policy but at depth 4, where the second one always removes the first layer."""
    space = space_of()
    policy = optimal(space, from_depth_three)
    removes = [str(edit) for edit in space.actions].index("remove layer 1")
    table = {key: values.copy() for key, values in policy.table.items()}
    for one in space:
        if len(one.layers) == 4:
            table[str(one)][removes] = 100.0
    first = followed(tmp_path / "first", policy)
    second = followed(tmp_path / "second", TabularPolicy(space, table))
    found = compare(first, second)["policies"].numbers
    words, share = found["region"]
    assert "depth is 4 or more" in words
    assert share == pytest.approx(1.0)
    assert found["won"][0] > 0.9


def test_numbers_and_figures_of_a_comparison(runs):
    explanation = compare(runs["best"], runs["noise"])
    json.dumps(explanation.as_dict(), allow_nan=False)
    for section in explanation.all_sections:
        assert section.answer
        draw_all(section)
    chosen = explanation["found"].numbers
    assert chosen["difference"] == pytest.approx(chosen["scores"][0] - chosen["scores"][1])
    shares = explanation["tried"].numbers["choices"]
    depth = [one["shares"] for one in shares if one["choice"] == "depth"]
    assert np.sum(depth, axis=0) == pytest.approx([1.0, 1.0])


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """Two runs that evaluated enough for importances."""
    folder = tmp_path_factory.mktemp("longer")
    return [learned(folder / f"seed{seed}", 60, seed) for seed in (0, 1)]


def test_importances_stand_beside_each_other(longer):
    section = compare(*longer)["choices"]
    assert not section.withheld
    draw_all(section)
    importances = {one["choice"]: one["importances"] for one in section.numbers["choices"]}
    for number, run in enumerate(longer):
        own = explain_choices(read_evidence(run), Settings(budget=0)).numbers["choices"]
        assert {one["name"]: one["importance"] for one in own} == {
            name: each[number] for name, each in importances.items()
        }
    assert section.tables[0].columns[1] == "q-learning (A)"


def test_importances_of_a_run_with_too_few_evaluations_are_withheld(runs, longer):
    section = compare(longer[0], runs["asked"])["choices"]
    assert section.withheld
    assert "from the run of asker" in section.answer[0]


def test_fresh_seeds_judge_where_no_table_does(longer, monkeypatch):
    """As if an evaluation took time: what an edit is worth is then the score that it leads to."""
    monkeypatch.setattr("nas_gym.explain.sections.comparison.worth.LARGEST", 10)
    section = compare(*longer)["policies"]
    assert "with seeds that the search did not see" in section.trust
    nas = environment().unwrapped
    space, edit_of = nas.search_space, {str(edit): n for n, edit in enumerate(nas.search_space.actions)}
    for key, first, second, _, gain in section.tables[0].rows:
        networks = [space.apply(space.parse(key), edit_of[edit]) for edit in (first, second)]
        assert gain == pytest.approx(from_depth_three(networks[0]) - from_depth_three(networks[1]), abs=1e-9)


def test_without_a_budget_the_runs_own_scores_judge(longer, monkeypatch):
    monkeypatch.setattr("nas_gym.explain.sections.comparison.worth.LARGEST", 10)
    monkeypatch.setattr("nas_gym.evaluators.FunctionEvaluator.free", False)
    section = compare(*longer, budget=0)["policies"]
    assert "favours the one that learned from it" in section.trust
    assert 0 < section.numbers["disagreements_judged"] <= section.numbers["disagreements"]


def test_the_sign_flip_test_against_a_plain_enumeration():
    rng = np.random.default_rng(0)
    differences, weights = rng.normal(0.5, 1.0, 7), rng.random(7) + 0.1
    found = sign_flips(differences, weights, np.arange(7))
    signs = np.array(list(itertools.product((1, -1), repeat=7)))

    def p(supposed):
        parts = weights / weights.sum() * (differences - supposed)
        return (np.abs(signs @ parts) >= abs(parts.sum()) - 1e-12).mean()

    assert found.p == pytest.approx(p(0.0))
    assert found.mean == pytest.approx(np.average(differences, weights=weights))
    for end, outwards in ((found.low, -1e-6), (found.high, 1e-6)):
        assert p(end + outwards) <= 0.05 < p(end - outwards)


def test_sign_flips_hold_their_level():
    rng = np.random.default_rng(1)
    found = [sign_flips(rng.normal(0, 1, 12), rng.random(12), np.arange(12), seed) for seed in range(200)]
    assert np.mean([one.sure for one in found]) < 0.09


@pytest.mark.parametrize(("kind", "mean", "least"), [("normal", 0.0, 0.91), ("exponential", 1.0, 0.85)])
def test_the_coverage_of_the_intervals(kind, mean, least):
    """Skewed differences break what the interval supposes; docs/explanations.md has the figures."""
    rng = np.random.default_rng(2)
    found = [sign_flips(getattr(rng, kind)(size=12), np.ones(12), np.arange(12)) for _ in range(200)]
    coverage = np.mean([one.low <= mean <= one.high for one in found])
    print(f"{kind}: {coverage:.1%} of {len(found)} intervals hold the mean")
    assert coverage > least


def test_the_same_two_edits_in_many_states_are_one_case():
    many = sign_flips(np.full(50, 0.1), np.ones(50), np.zeros(50, dtype=int))
    assert many.groups == 1
    assert many.p == 1.0
    assert many.low is None


def test_agents_without_a_policy_are_compared_by_what_they_found(runs):
    explanation = compare(runs["asked"], runs["best"])
    assert explanation["policies"].withheld
    assert "no policy over edits of asker" in explanation["policies"].answer[0]
    assert not explanation["found"].withheld
    assert not explanation["tried"].withheld


def test_runs_of_different_spaces_give_one_sentence(runs, tmp_path):
    other = learned(tmp_path / "other", 5, space={"name": "mlp", "max_layers": 2})
    with pytest.raises(NASGymError, match="are of different search spaces") as error:
        compare(runs["best"], other)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_run_gives_one_sentence(runs, tmp_path):
    with pytest.raises(NASGymError, match="holds no run"):
        compare(runs["best"], tmp_path)


def test_comparing_is_a_function_of_the_seed(runs):
    first, again = (compare(runs["best"], runs["noise"], seed=3).as_dict() for _ in range(2))
    assert first == again
